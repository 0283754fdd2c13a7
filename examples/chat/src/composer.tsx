import type { ChatStatus } from "ai";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { ChatConnectionState } from "trigger-chat-transport";
import type { PendingMessage } from "trigger-chat-transport/react";
import { ConnectionStatus } from "./connection-status";
import { keepDraft, readDraft } from "./draft";
import { Icon } from "./icon";
import { ModelPicker } from "./model-picker";
import { PendingList } from "./pending-list";

type Props = {
  chatId: string;
  /** Another tab speaks. */
  isReadOnly: boolean;
  status: ChatStatus;
  connection: ChatConnectionState;
  /** The agent thinks aloud just now. */
  isThinking: boolean;
  /** The chat is being changed, and takes a message when that is done. */
  isHeld: boolean;
  /** What was said while an answer streams, and waits. */
  pending: PendingMessage[];
  onSend: (text: string) => void;
  /** Unset where the agent hears nothing while it answers. */
  onSteer: ((text: string) => void) | undefined;
  onQueue: (text: string) => void;
  onPromote: (id: string) => void;
  onStop: () => void;
  /** Somebody does not want to wait for the next attempt to connect. */
  onRetry: () => void;
  /** Unset where there is nothing to pick. */
  model: string | undefined;
  onPickModel: (model: string) => void;
};

export function Composer(props: Props) {
  const { chatId, isReadOnly, status, connection, isThinking, isHeld, pending } = props;
  const { onSend, onSteer, onQueue, onPromote, onStop, onRetry, model, onPickModel } = props;
  const [text, setText] = useState(() => readDraft(chatId));
  const input = useRef<HTMLTextAreaElement>(null);
  const isAnswering = status === "streaming";
  const isBusy = isAnswering || status === "submitted";
  const canSend = status !== "submitted" && !isHeld && !isReadOnly && text.trim() !== "";

  useEffect(() => {
    // On a touch screen, focus would bring up the keyboard over half the chat.
    if (matchMedia("(pointer: fine)").matches) input.current?.focus();
  }, []);

  useEffect(() => {
    // What the agent was told already is on its way, and not to be said twice.
    const waiting = pending.filter(({ mode }) => mode === "queued").map(({ text }) => text);
    keepDraft(chatId, [...waiting, text]);
  }, [chatId, pending, text]);

  const hand = (take: (text: string) => void) => {
    if (!canSend) return;
    take(text.trim());
    setText("");
    // A button that was pressed may go with the text.
    input.current?.focus();
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    hand(isAnswering ? (onSteer ?? onQueue) : onSend);
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // While an input method composes, Enter accepts its suggestion.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  };

  const stop = () => {
    onStop();
    // The stop button is about to go, and would take the keyboard's place in the page with it.
    input.current?.focus();
  };

  return (
    <form className="composer" onSubmit={submit}>
      <PendingList pending={pending} onSayNow={isAnswering && onSteer ? onPromote : undefined} />
      <div className="composer-box">
        <textarea
          ref={input}
          data-testid="composer"
          aria-label="Message"
          aria-describedby="composer-hint"
          placeholder={placeholderFor(isReadOnly, isAnswering && onSteer !== undefined)}
          readOnly={isReadOnly}
          rows={1}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {isAnswering && canSend && (
          <button
            type="button"
            className="button-plain queue"
            data-testid="queue"
            aria-label="Send after this answer"
            title="Send after this answer"
            onClick={() => hand(onQueue)}
          >
            <Icon name="clock" />
          </button>
        )}
        {isAnswering && canSend && onSteer && (
          <button
            type="submit"
            className="button-plain steer"
            data-testid="steer"
            aria-label="Say it now"
            title="Say it now"
          >
            <Icon name="join" />
          </button>
        )}
        {isBusy ? (
          <button
            type="button"
            className="button-round stop"
            data-testid="stop"
            aria-label="Stop the answer"
            onClick={stop}
          >
            <Icon name="stop" />
          </button>
        ) : (
          <button
            type="submit"
            className="button-round"
            data-testid="send"
            aria-label="Send"
            disabled={!canSend}
          >
            <Icon name="send" />
          </button>
        )}
      </div>
      <div className="composer-foot">
        <ConnectionStatus
          status={status}
          connection={connection}
          isReadOnly={isReadOnly}
          isThinking={isThinking}
          onRetry={onRetry}
        />
        {!isReadOnly && (
          <p id="composer-hint" className="composer-hint">
            <kbd>Enter</kbd> {enterDoes(isAnswering, onSteer !== undefined)}, <kbd>Shift</kbd> +{" "}
            <kbd>Enter</kbd> starts a new line
          </p>
        )}
        {model && <ModelPicker model={model} onPick={onPickModel} />}
      </div>
    </form>
  );
}

function placeholderFor(isReadOnly: boolean, canJoin: boolean): string {
  if (isReadOnly) return "Active in another tab";
  return canJoin ? "Join in" : "Write a message";
}

function enterDoes(isAnswering: boolean, hears: boolean): string {
  if (!isAnswering) return "sends";
  return hears ? "says it now" : "sends after this answer";
}
