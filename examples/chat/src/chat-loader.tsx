import { useCallback, useEffect, useState } from "react";
import { defaultAgent } from "./agents";
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

const emptyChat: StoredChat = { agent: defaultAgent, messages: [], session: null };

/** Mounts the chat once its history is here: `useChat` and the transport take it only at the start. */
export function ChatLoader({ chatId, isNew, onFirstMessage, onSaved, onNewChat }: Props) {
  const [stored, setStored] = useState<StoredChat | undefined>(isNew ? emptyChat : undefined);
  const [error, setError] = useState<unknown>();

  const load = useCallback(() => {
    setError(undefined);
    loadChat(chatId).then(setStored, setError);
  }, [chatId]);

  useEffect(() => {
    if (!stored) load();
  }, [stored, load]);

  if (stored) {
    return (
      <Chat
        chatId={chatId}
        stored={stored}
        onFirstMessage={onFirstMessage}
        onSaved={onSaved}
        onNewChat={onNewChat}
      />
    );
  }
  if (error === undefined) return <p className="loading">Loading the chat…</p>;
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
