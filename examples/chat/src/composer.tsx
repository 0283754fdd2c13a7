import type { ChatStatus } from "ai";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { ChatConnectionState } from "trigger-chat-transport";
import { ConnectionStatus } from "./connection-status";
import { Icon } from "./icon";

type Props = {
  status: ChatStatus;
  connection: ChatConnectionState;
  isBusy: boolean;
  /** The agent thinks aloud just now. */
  isThinking: boolean;
  onSend: (text: string) => void;
  onStop: () => void;
  /** Somebody does not want to wait for the next attempt to connect. */
  onRetry: () => void;
};

export function Composer(props: Props) {
  const { status, connection, isBusy, isThinking, onSend, onStop, onRetry } = props;
  const [text, setText] = useState("");
  const input = useRef<HTMLTextAreaElement>(null);
  const canSend = !isBusy && connection.status !== "closed" && text.trim() !== "";

  useEffect(() => {
    // On a touch screen, focus would bring up the keyboard over half the chat.
    if (matchMedia("(pointer: fine)").matches) input.current?.focus();
  }, []);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!canSend) return;
    onSend(text.trim());
    setText("");
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
      <div className="composer-box">
        <textarea
          ref={input}
          data-testid="composer"
          aria-label="Message"
          aria-describedby="composer-hint"
          placeholder="Write a message"
          rows={1}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
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
          isThinking={isThinking}
          onRetry={onRetry}
        />
        <p id="composer-hint" className="composer-hint">
          <kbd>Enter</kbd> sends, <kbd>Shift</kbd> + <kbd>Enter</kbd> starts a new line
        </p>
      </div>
    </form>
  );
}
