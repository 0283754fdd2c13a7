import { useCallback, useContext, useEffect, useState } from "react";
import { AgentsContext } from "./agents";
import { HttpError, loadChat, type StoredChat } from "./api";
import { Chat } from "./chat";
import { Notice } from "./notice";

type Props = {
  chatId: string;
  isNew: boolean;
  onFirstMessage: () => void;
  onSaved: () => void;
  onNewChat: () => void;
};

/**
 * Mounts the chat once its history is here: `useChat` and the transport take it only at the start.
 * A new chat has none, but needs an agent to talk to.
 */
export function ChatLoader({ chatId, isNew, onFirstMessage, onSaved, onNewChat }: Props) {
  const agents = useContext(AgentsContext);
  const [stored, setStored] = useState<StoredChat>();
  const [error, setError] = useState<unknown>();

  // Kept from here on: with its first message the chat gets a name, and is new no more.
  const [firstAgent] = agents.list ?? [];
  if (!stored && isNew && firstAgent) {
    setStored({ agent: firstAgent.id, messages: [], session: null });
  }

  const load = useCallback(() => {
    setError(undefined);
    loadChat(chatId).then(setStored, setError);
  }, [chatId]);

  useEffect(() => {
    if (!stored && !isNew) load();
  }, [stored, isNew, load]);

  if (stored) {
    return (
      <Chat
        chatId={chatId}
        isNew={isNew}
        stored={stored}
        onFirstMessage={onFirstMessage}
        onSaved={onSaved}
        onNewChat={onNewChat}
      />
    );
  }
  if (isNew && agents.error !== undefined) {
    return (
      <Notice
        title="The agents could not be listed."
        action={{ label: "Try again", run: agents.reload }}
      >
        Check that the server is running and that you are online.
      </Notice>
    );
  }
  if (error === undefined) {
    return <p className="loading">{isNew ? "Looking for agents…" : "Loading the chat…"}</p>;
  }
  if (error instanceof HttpError && error.status === 404) {
    return (
      <Notice title="There is no such chat." action={{ label: "New chat", run: onNewChat }}>
        It may have been deleted.
      </Notice>
    );
  }
  return (
    <Notice title="The chat could not be loaded." action={{ label: "Try again", run: load }}>
      Check that the server is running and that you are online.
    </Notice>
  );
}
