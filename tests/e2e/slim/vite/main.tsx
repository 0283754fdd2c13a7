// A page that Vite builds: the file becomes one of its own, with a hash in its name.
import { useChat } from "@ai-sdk/react";
import { init, useTriggerChatTransport } from "trigger-chat-transport/slim/react";
import { Conversation, setting, show } from "../../guide/app/page";
import { serverActions } from "../../guide/app/server-actions";

const { mintToken, startSession } = serverActions("echo");

function Chat() {
  const transport = useTriggerChatTransport({
    task: "echo",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession,
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

await init();
show(<Chat />);
