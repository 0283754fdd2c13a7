import type { PendingMessage } from "trigger-chat-transport/react";
import { Icon } from "./icon";

type Props = {
  pending: PendingMessage[];
  /** Unset where the agent hears nothing meanwhile. */
  onSayNow: ((id: string) => void) | undefined;
};

/** What the user has said while an answer streams, and what becomes of it. */
export function PendingList({ pending, onSayNow }: Props) {
  return (
    <div aria-live="polite">
      {pending.length > 0 && (
        <ul className="pending" aria-label="Waiting messages">
          {pending.map(({ id, text, mode }) => (
            <li key={id} data-testid="pending" data-mode={mode}>
              <Icon name={mode === "steering" ? "join" : "clock"} />
              <span className="pending-text">{text}</span>
              <span className="pending-mode">
                {mode === "steering" ? "At the next pause" : "After this answer"}
              </span>
              {mode === "queued" && onSayNow && (
                <button type="button" className="button-quiet" onClick={() => onSayNow(id)}>
                  Say it now
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
