import type { ChatStatus } from "ai";
import { useEffect, useState } from "react";
import type { ChatConnectionState } from "trigger-chat-transport";
import { Icon } from "./icon";

type Props = {
  status: ChatStatus;
  connection: ChatConnectionState;
  isReadOnly: boolean;
  isThinking: boolean;
  onRetry: () => void;
};

/** One line for what the chat is doing: what is said comes from the hook, how it travels from the transport. */
export function ConnectionStatus(props: Props) {
  return (
    <div className="connection">
      <StatusLine {...props} />
      {isLost(props.connection) && (
        <button type="button" className="button-quiet" onClick={props.onRetry}>
          Try now
        </button>
      )}
    </div>
  );
}

function isLost({ status }: ChatConnectionState): boolean {
  return status === "reconnecting" || status === "offline";
}

function StatusLine({ status, connection, isReadOnly, isThinking }: Props) {
  return (
    <p
      role="status"
      className={isLost(connection) ? "connection-lost" : undefined}
      data-testid="status"
      data-status={status}
      data-connection={connection.status}
    >
      {isLost(connection) && <Icon name="alert" />}
      {connection.status === "reconnecting" ? (
        <span>
          Connection lost. <NextTry at={connection.nextTryAt} />
        </span>
      ) : (
        textOf(status, connection, isReadOnly, isThinking)
      )}
    </p>
  );
}

function textOf(
  status: ChatStatus,
  connection: ChatConnectionState,
  isReadOnly: boolean,
  isThinking: boolean,
): string {
  if (connection.status === "offline")
    return "You are offline. The answer goes on when you are back.";
  if (status === "error") return "Not answered";
  if (isReadOnly) return "Following another tab";
  if (status === "ready") return "Ready";
  // Also after a reload, when there is nothing to send.
  if (connection.status === "connecting") return "Connecting…";
  if (status === "submitted") return connection.status === "idle" ? "Sending…" : "Thinking…";
  return connection.status === "waiting" || isThinking ? "Thinking…" : "Answering…";
}

/** Hidden from screen readers: they would read every second aloud. */
function NextTry({ at }: { at: number | undefined }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (at === undefined) return;
    const tick = () => setNow(Date.now());
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [at]);
  const seconds = at === undefined ? 0 : Math.ceil((at - now) / 1000);
  return (
    <span aria-hidden="true">
      {seconds > 0 ? `Trying again in ${seconds} s…` : "Trying again now…"}
    </span>
  );
}
