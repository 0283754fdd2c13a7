// The app's server has stored the session; the page has it deleted when it is gone for good: when the
// service knows it no more, and the page has no way to make it anew. A guest's page has none.
import { useChat } from "@ai-sdk/react";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import type { echo } from "../app/agents";
import { Conversation, setting, show } from "../app/page";
import { deleteSession, loadSessions, serverActions } from "../app/server-actions";

const { mintToken, startSession } = serverActions("echo");
const isGuest = setting("who") === "guest";
const sessions = await loadSessions(setting("chat"));

function Chat() {
  const transport = useTriggerChatTransport<typeof echo>({
    task: "echo",
    accessToken: ({ chatId }) => mintToken(chatId),
    ...(!isGuest && {
      startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
    }),
    sessions,
    onSessionChange: (chatId, session) => {
      if (!session) void deleteSession(chatId);
    },
  });
  const { messages, sendMessage, status, error } = useChat({ id: setting("chat"), transport });
  return (
    <Conversation
      messages={messages}
      status={status}
      error={error}
      onSend={(text) => void sendMessage({ text })}
    />
  );
}

show(<Chat />);
