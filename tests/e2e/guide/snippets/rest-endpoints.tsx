// Tokens and sessions from plain endpoints of the app's server.
import { useChat } from "@ai-sdk/react";
import type { AccessTokenParams, StartSessionParams } from "trigger-chat-transport";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import { Conversation, setting, show } from "../app/page";

function Chat() {
  const transport = useTriggerChatTransport({
    task: "echo",
    accessToken: async ({ chatId }: AccessTokenParams) => {
      const answer = await fetch(`/app/chats/${chatId}/token`, { method: "POST" });
      return answer.text();
    },
    startSession: async ({ chatId, taskId, clientData }: StartSessionParams) => {
      const answer = await fetch(`/app/chats/${chatId}/start`, {
        method: "POST",
        body: JSON.stringify({ taskId, clientData }),
      });
      return answer.json();
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
