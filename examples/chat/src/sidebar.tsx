import { useRef, useState } from "react";
import { useAgentName } from "./agents";
import type { ChatSummary } from "./api";
import { Icon } from "./icon";

type Props = {
  chats: ChatSummary[];
  currentId: string;
  onNew: () => void;
  onDelete: (id: string) => void;
};

/** A column where there is room. On a phone, a popover: the browser opens, closes and focuses it. */
export function Sidebar({ chats, currentId, onNew, onDelete }: Props) {
  const drawer = useRef<HTMLElement>(null);
  const close = () => drawer.current?.hidePopover();

  return (
    <nav ref={drawer} id="sidebar" className="sidebar" popover="auto" aria-label="Chats">
      <button
        type="button"
        className="button new-chat"
        data-testid="new-chat"
        onClick={() => {
          close();
          onNew();
        }}
      >
        <Icon name="plus" />
        New chat
      </button>
      {chats.length === 0 && <p className="no-chats">Your chats will be listed here.</p>}
      <ul className="chats">
        {chats.map((chat) => (
          <ChatItem
            key={chat.id}
            chat={chat}
            isCurrent={chat.id === currentId}
            onOpen={close}
            onDelete={() => onDelete(chat.id)}
          />
        ))}
      </ul>
    </nav>
  );
}

type ItemProps = {
  chat: ChatSummary;
  isCurrent: boolean;
  onOpen: () => void;
  onDelete: () => void;
};

function ChatItem({ chat, isCurrent, onOpen, onDelete }: ItemProps) {
  const [question, setQuestion] = useState<"unasked" | "asked" | "declined">("unasked");
  const title = chat.title || "New chat";
  const agentName = useAgentName(chat.agent);

  if (question === "asked") {
    const decline = () => setQuestion("declined");
    return (
      <li className="chat-question" onKeyDown={(event) => event.key === "Escape" && decline()}>
        <span>Delete this?</span>
        <button type="button" className="button-quiet" ref={focus} onClick={decline}>
          Keep
        </button>
        <button type="button" className="button-quiet danger" onClick={onDelete}>
          Delete
        </button>
      </li>
    );
  }
  return (
    <li className="chat-row">
      <a
        href={`#${chat.id}`}
        className="chat-item"
        data-testid="chat-item"
        aria-current={isCurrent ? "page" : undefined}
        onClick={onOpen}
      >
        <span className="chat-title">{title}</span>
        <span className="chat-agent">{agentName}</span>
      </a>
      <button
        // The question took the focus from here.
        ref={question === "declined" ? focus : undefined}
        type="button"
        className="button-plain chat-delete"
        data-testid="delete-chat"
        aria-label={`Delete “${title}”`}
        onClick={() => setQuestion("asked")}
      >
        <Icon name="trash" />
      </button>
    </li>
  );
}

/** As a ref: focuses the element when it appears. */
function focus(element: HTMLElement | null) {
  element?.focus();
}
