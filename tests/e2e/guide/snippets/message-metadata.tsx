// Metadata for one message, above the client data of all.
import { useChat } from "@ai-sdk/react";
import { type InferChatUIMessage, useTriggerChatTransport } from "trigger-chat-transport/react";
import type { story } from "../app/agents";
import { Composer, Said, setting, show, textOf } from "../app/page";
import { serverActions } from "../app/server-actions";

const { mintToken, startSession } = serverActions("story");

function Chat() {
  const transport = useTriggerChatTransport<typeof story>({
    task: "story",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
    clientData: { userId: "ada", model: "small" },
  });
  const { messages, sendMessage, status } = useChat<InferChatUIMessage<typeof story>>({
    id: setting("chat"),
    transport,
  });
  const ask = (text: string) =>
    sendMessage({ text }, { metadata: { model: "large", priority: "high" } });
  return (
    <>
      {messages.map((message) => (
        <Said key={message.id} by={message.role}>
          <b>{message.metadata?.model}</b> {textOf(message)}
        </Said>
      ))}
      <Composer status={status} onSend={(text) => void sendMessage({ text })}>
        <button type="button" onClick={() => void ask("8 words, please, of the large model")}>
          Ask the large model
        </button>
      </Composer>
    </>
  );
}

show(<Chat />);
