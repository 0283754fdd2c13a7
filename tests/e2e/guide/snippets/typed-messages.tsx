// The agent's own kind of message: its data parts are known to the compiler.
import { useChat } from "@ai-sdk/react";
import { type InferChatUIMessage, useTriggerChatTransport } from "trigger-chat-transport/react";
import type { steered } from "../app/agents";
import { Composer, Said, setting, show, textOf } from "../app/page";
import { serverActions } from "../app/server-actions";

type Message = InferChatUIMessage<typeof steered>;

const { mintToken, startSession } = serverActions("steered");

/** What the agent has heard while it told. */
function heard({ parts }: Message) {
  return parts.flatMap((part) => {
    if (part.type !== "data-pending-message-injected") return [];
    // @ts-expect-error: the agent's data has no such member
    part.data.nobody satisfies unknown;
    return part.data.messages;
  });
}

function Chat() {
  const transport = useTriggerChatTransport<typeof steered>({
    task: "steered",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
  });
  const { messages, sendMessage, status } = useChat<Message>({ id: setting("chat"), transport });
  return (
    <>
      {messages.map((message) => (
        <Said key={message.id} by={message.role}>
          {textOf(message)}
          {heard(message).map(({ id, text }) => (
            <mark key={id}>{text}</mark>
          ))}
        </Said>
      ))}
      <Composer status={status} onSend={(text) => void sendMessage({ text })} />
    </>
  );
}

show(<Chat />);
