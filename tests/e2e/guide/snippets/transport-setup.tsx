// A component with a transport of its own, and `useChat` on it.
import { useChat } from "@ai-sdk/react";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import type { echo } from "../app/agents";
import { Conversation, show } from "../app/page";
import { serverActions } from "../app/server-actions";

const { mintToken, startSession } = serverActions("echo");

function Chat() {
  const transport = useTriggerChatTransport<typeof echo>({
    task: "echo",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
  });
  const { messages, sendMessage, stop, status } = useChat({ transport });
  return (
    <Conversation messages={messages} status={status} onSend={(text) => void sendMessage({ text })}>
      <button type="button" onClick={() => void stop()}>
        Stop
      </button>
    </Conversation>
  );
}

show(<Chat />);
