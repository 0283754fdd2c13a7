// Answers by `EventSource`, from the app's own proxy: a cookie tells it who is there.
import { useChat } from "@ai-sdk/react";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import { Conversation, setting, show } from "../app/page";
import { renewCookie, serverActions } from "../app/server-actions";

const { startSession } = serverActions("echo");

function Chat() {
  const transport = useTriggerChatTransport({
    task: "echo",
    baseURL: "/chat",
    streamSource: "eventsource",
    accessToken: async () => {
      await renewCookie();
      return "in the cookie";
    },
    startSession: async ({ chatId, clientData }) => {
      await startSession({ chatId, clientData });
      return { publicAccessToken: "in the cookie" };
    },
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
