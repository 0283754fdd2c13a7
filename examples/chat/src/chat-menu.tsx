import { type FormEvent, useContext, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { Icon } from "./icon";
import { TopbarEnd } from "./topbar";

type Props = {
  /** While an answer streams the chat stays open. */
  canClose: boolean;
  onClose: (reason: string) => void;
};

/** What can be done to the open chat, behind a button in the topbar. A popover, as the sidebar is. */
export function ChatMenu({ canClose, onClose }: Props) {
  const place = useContext(TopbarEnd);
  const menu = useRef<HTMLDivElement>(null);
  const [isAsking, setAsking] = useState(false);
  if (!place) return null;

  const hide = () => menu.current?.hidePopover();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason")).trim();
    hide();
    onClose(reason);
  };

  return createPortal(
    <>
      <button
        type="button"
        className="button-plain"
        data-testid="chat-menu"
        popoverTarget="chat-menu"
        aria-label="More about this chat"
      >
        <Icon name="more" />
      </button>
      <div
        ref={menu}
        id="chat-menu"
        className="chat-menu"
        popover="auto"
        onToggle={(event) => event.newState === "closed" && setAsking(false)}
      >
        {isAsking ? (
          <form className="close-question" onSubmit={submit}>
            <label htmlFor="close-reason">Why is it over?</label>
            <input
              ref={focus}
              id="close-reason"
              name="reason"
              autoComplete="off"
              maxLength={200}
              placeholder="You may leave this out"
            />
            <p>It takes no more messages, for good. You can still read it.</p>
            <div className="close-answers">
              <button type="button" className="button" onClick={hide}>
                Keep it open
              </button>
              <button type="submit" className="button danger">
                Close it
              </button>
            </div>
          </form>
        ) : (
          <button
            type="button"
            className="menu-item"
            disabled={!canClose}
            onClick={() => setAsking(true)}
          >
            <Icon name="lock" />
            Close this chat…
          </button>
        )}
      </div>
    </>,
    place,
  );
}

/** As a ref: focuses the element when it appears. */
function focus(element: HTMLElement | null) {
  element?.focus();
}
