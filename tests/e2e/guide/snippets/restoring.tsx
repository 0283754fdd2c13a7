// A page load: the chat's messages and session are fetched first, and an answer that is under way
// goes on.
import { useChat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { useEffect, useState } from "react";
import type { ChatSessionPersistedState } from "trigger-chat-transport";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import { Conversation, setting, show } from "../app/page";
import { deleteSession, loadMessages, loadSessions, serverActions } from "../app/server-actions";

type Stored = { messages: UIMessage[]; sessions: Record<string, ChatSessionPersistedState> };

const { mintToken, startSession } = serverActions("story");

function ChatPage({ chatId }: { chatId: string }) {
  const [stored, setStored] = useState<Stored>();

  useEffect(() => {
    async function load() {
      const [messages, sessions] = await Promise.all([loadMessages(chatId), loadSessions(chatId)]);
      setStored({ messages, sessions });
    }
    void load();
  }, [chatId]);

  return stored && <Chat chatId={chatId} stored={stored} />;
}

function Chat({ chatId, stored }: { chatId: string; stored: Stored }) {
  const transport = useTriggerChatTransport({
    task: "story",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
    sessions: stored.sessions,
    onSessionChange: (id, session) => {
      if (!session) void deleteSession(id);
    },
  });
  const { messages, sendMessage, status } = useChat({
    id: chatId,
    messages: stored.messages,
    transport,
    resume: stored.messages.length > 0,
  });
  return (
    <Conversation
      messages={messages}
      status={status}
      onSend={(text) => void sendMessage({ text })}
    />
  );
}

show(<ChatPage chatId={setting("chat")} />);
