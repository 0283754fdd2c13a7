// The same chat in many tabs: one of them speaks, and the others follow it.
import { useChat } from "@ai-sdk/react";
import { useMultiTabChat, useTriggerChatTransport } from "trigger-chat-transport/react";
import { Conversation, setting, show } from "../app/page";
import { serverActions } from "../app/server-actions";

const { mintToken, startSession } = serverActions("story");

function Chat({ chatId }: { chatId: string }) {
  const transport = useTriggerChatTransport({
    task: "story",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
    multiTab: true,
  });
  const { messages, setMessages, sendMessage, status } = useChat({ id: chatId, transport });
  const { isReadOnly } = useMultiTabChat(transport, chatId, messages, setMessages);

  return (
    <Conversation
      messages={messages}
      status={status}
      isReadOnly={isReadOnly}
      onSend={(text) => void sendMessage({ text })}
    >
      {isReadOnly && <aside>This chat is active in another tab. Messages are read-only.</aside>}
    </Conversation>
  );
}

show(<Chat chatId={setting("chat")} />);
