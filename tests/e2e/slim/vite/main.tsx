/// <reference types="vite/client" />
// A page that Vite builds: the file becomes one of the page's own, with its hash in its name.
import { useChat } from "@ai-sdk/react";
import { init, useTriggerChatTransport } from "trigger-chat-transport/slim/react";
import wasm from "trigger-chat-transport/trigger_chat_transport_bg.wasm?url";
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

await init(wasm);
show(<Chat />);
