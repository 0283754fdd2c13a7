import type { UIMessage } from "ai";
import { useRef } from "react";
import { AnswerActions } from "./answer-actions";
import { Icon } from "./icon";
import { Message, showsProgress } from "./message";
import { useStickToBottom } from "./use-stick-to-bottom";

type Props = {
  messages: UIMessage[];
  agentName: string;
  isBusy: boolean;
  /** Unset while there is nothing to answer again. */
  onAnswerAgain: (() => void) | undefined;
  /** Unset while there is nothing to take back. */
  onTakeBack: (() => void) | undefined;
};

export function MessageList(props: Props) {
  const { messages, agentName, isBusy, onAnswerAgain, onTakeBack } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const lastSent = messages.findLast((message) => message.role === "user");
  const { following, follow } = useStickToBottom(scroller, lastSent?.id);
  const last = messages.at(-1);
  const isWaiting = isBusy && !(last?.role === "assistant" && showsProgress(last));

  return (
    <div className="conversation">
      {/* `aria-busy` holds announcements back while an answer streams in: a screen reader then
          reads it once, whole, and not word by word. */}
      <div
        ref={scroller}
        className="scroller"
        role="log"
        aria-label="Conversation"
        aria-busy={isBusy}
        tabIndex={0}
      >
        <div className="messages">
          {messages.map((message) => (
            <Message
              key={message.id}
              message={message}
              agentName={agentName}
              isStreaming={isBusy && message === last}
              isLatest={message === last}
            />
          ))}
          {isWaiting && (
            <div className="typing" data-testid="typing" aria-hidden="true">
              <span />
              <span />
              <span />
            </div>
          )}
          {last?.role === "assistant" && (onAnswerAgain || onTakeBack) && (
            <AnswerActions onAnswerAgain={onAnswerAgain} onTakeBack={onTakeBack} />
          )}
          {onAnswerAgain && last?.role === "user" && (
            <div className="unanswered" data-testid="unanswered">
              <span>No answer has arrived.</span>
              <button type="button" className="button-quiet" onClick={onAnswerAgain}>
                <Icon name="redo" />
                Ask again
              </button>
            </div>
          )}
        </div>
      </div>
      {!following && (
        <button
          type="button"
          className="button-round to-end"
          aria-label="To the latest message"
          onClick={follow}
        >
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}
