import type { ChatStatus } from "ai";
import { useEffect, useState } from "react";
import type { ChatConnectionState } from "trigger-chat-transport";
import { Icon } from "./icon";

type Props = { status: ChatStatus; connection: ChatConnectionState };

/** One line for what the chat is doing: what is said comes from the hook, how it travels from the transport. */
export function ConnectionStatus({ status, connection }: Props) {
  const isLost = connection.status === "reconnecting";
  return (
    <p
      role="status"
      className={isLost ? "connection-lost" : undefined}
      data-testid="status"
      data-status={status}
      data-connection={connection.status}
    >
      {isLost && <Icon name="alert" />}
      {isLost ? "Connection lost. " : textOf(status, connection)}
      {isLost && <NextTry at={connection.nextTryAt} />}
    </p>
  );
}

function textOf(status: ChatStatus, connection: ChatConnectionState): string {
  if (connection.status === "closed") return "This chat is closed";
  if (status === "error") return "Not answered";
  if (status === "ready") return "Ready";
  if (connection.status === "connecting") return "Sending…";
  return connection.status === "live" ? "Answering…" : "Thinking…";
}

/** Hidden from screen readers: they would read every second aloud. */
function NextTry({ at }: { at: number | undefined }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = at === undefined ? 0 : Math.ceil((at - now) / 1000);
  return (
    <span aria-hidden="true">
      {seconds > 0 ? `Trying again in ${seconds} s…` : "Trying again now…"}
    </span>
  );
}
