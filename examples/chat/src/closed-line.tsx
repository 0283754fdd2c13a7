import { useEffect, useRef } from "react";

type Props = { reason: string | undefined; onNewChat: () => void };

/** In the composer's place, where a chat takes no more messages. */
export function ClosedLine({ reason, onNewChat }: Props) {
  const next = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    // What had the focus, the composer or the menu, may have gone with the chat's end.
    if (document.activeElement === document.body) next.current?.focus();
  }, []);

  return (
    <div className="closed" data-testid="closed">
      <p role="status">
        <strong>This chat is closed{reason ? ":" : "."}</strong>{" "}
        {reason && <span className="closed-reason">“{reason}”.</span>} You can still read it.
      </p>
      <button ref={next} type="button" className="button" onClick={onNewChat}>
        New chat
      </button>
    </div>
  );
}
