import { isDataUIPart, isToolUIPart, type UIMessage } from "ai";
import { memo } from "react";
import { reasonOf } from "./broken-answer";
import { Icon } from "./icon";
import { Injected } from "./injected";
import { Markdown } from "./markdown";
import { modelOf } from "./models";
import { Reasoning } from "./reasoning";
import { isRunning, ToolCall } from "./tool-call";

type Props = {
  message: UIMessage;
  agentName: string;
  isStreaming: boolean;
  /** No other message has come after it. */
  isLatest: boolean;
};

export function hasContent(message: UIMessage): boolean {
  return message.parts.some(
    (part) =>
      isToolUIPart(part) ||
      ((part.type === "text" || part.type === "reasoning") && part.text !== ""),
  );
}

/** Whether the agent thinks aloud just now. */
export function isThinking({ role, parts }: UIMessage): boolean {
  const last = parts.at(-1);
  return role === "assistant" && last?.type === "reasoning" && last.state === "streaming";
}

/** Whether the message shows by itself that more of it is on its way. */
export function showsProgress(message: UIMessage): boolean {
  const last = message.parts.at(-1);
  if (!last || !hasContent(message)) return false;
  if (last.type === "text") return last.text !== "";
  return isToolUIPart(last) ? isRunning(last) : isThinking(message);
}

/** Memoized: while one message streams, the others need not render again. */
export const Message = memo(function Message({ message, ...props }: Props) {
  const { agentName, isStreaming, isLatest } = props;
  // An answer exists before its first word does.
  if (!hasContent(message)) return null;
  const model = modelOf(message);
  const reason = reasonOf(message);
  const author = message.role === "user" ? "You" : agentName;

  return (
    <article className="message" data-testid="message" data-role={message.role} aria-label={author}>
      {message.role === "assistant" && (
        <p className="author" aria-hidden="true">
          {author}
          {model && <span className="author-model">{model}</span>}
        </p>
      )}
      {message.parts.map((part, index) => {
        // Parts are only ever added at the end, so their place identifies them.
        if (part.type === "text") {
          return message.role === "user" ? (
            <p key={index} className="plain-text">
              {part.text}
            </p>
          ) : (
            <Markdown key={index} text={part.text} isStreaming={isStreaming} />
          );
        }
        if (part.type === "reasoning" && part.text !== "") {
          const isLast = index === message.parts.length - 1;
          return (
            <Reasoning
              key={index}
              text={part.text}
              isThinking={isStreaming && isLast && isThinking(message)}
            />
          );
        }
        if (isToolUIPart(part)) {
          return <ToolCall key={index} part={part} isLatest={isLatest} />;
        }
        return isDataUIPart(part) ? <Injected key={index} part={part} /> : null;
      })}
      {reason && (
        <p className="broken" data-testid="broken">
          <Icon name="alert" />
          <span>The answer broke off. {reason}</span>
        </p>
      )}
    </article>
  );
});
