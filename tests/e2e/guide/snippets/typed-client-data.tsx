// Client data that the compiler holds to the agent's schema.
import { useChat } from "@ai-sdk/react";
import {
  type UseTriggerChatTransportOptions,
  useTriggerChatTransport,
} from "trigger-chat-transport/react";
import type { story } from "../app/agents";
import { Conversation, setting, show } from "../app/page";
import { serverActions } from "../app/server-actions";

const { mintToken, startSession } = serverActions("story");

function Chat({ user }: { user: { id: string } }) {
  const transport = useTriggerChatTransport<typeof story>({
    task: "story",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData: { userId, model } }) =>
      startSession({ chatId, clientData: { userId: userId.toUpperCase(), model: model ?? "any" } }),
    clientData: { userId: user.id },
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

type Data = NonNullable<UseTriggerChatTransportOptions<typeof story>["clientData"]>;
// @ts-expect-error: the schema wants to know the user
({ model: "large" }) satisfies Data;
// @ts-expect-error: a user's id is a text
({ userId: 1 }) satisfies Data;

show(<Chat user={{ id: "ada" }} />);
