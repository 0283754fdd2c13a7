// Every request of a session in the app's own hands: here each gets a header more.
import { useChat } from "@ai-sdk/react";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import { Conversation, setting, show } from "../app/page";
import { serverActions } from "../app/server-actions";

const { mintToken, startSession } = serverActions("echo");

function Chat() {
  const transport = useTriggerChatTransport({
    task: "echo",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
    fetch: (url, init, { endpoint, chatId }) =>
      fetch(url, {
        ...init,
        headers: { ...init.headers, "x-app-trace": `${endpoint} of ${chatId}` },
      }),
  });
  const { messages, sendMessage, status } = useChat({ id: setting("chat"), transport });
  return (
    <Conversation
      messages={messages}
      status={status}
      onSend={(text) => void sendMessage({ text })}
    />
  );
}

show(<Chat />);
