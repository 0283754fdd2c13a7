// A page with one chat, which shows what went wrong.
import { useChat } from "@ai-sdk/react";
import { createRoot } from "react-dom/client";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import { fromAppServer } from "../support/app-server";

function Chat() {
  const transport = useTriggerChatTransport({ ...fromAppServer(), task: "echo" });
  const { messages, sendMessage, status, error } = useChat({ id: "chat", transport });
  const texts = messages.flatMap(({ parts }) =>
    parts.map((part) => (part.type === "text" ? part.text : "")),
  );
  return (
    <>
      <button type="button" onClick={() => void sendMessage({ text: `${messages.length}, 世界` })}>
        Send
      </button>
      <output>{JSON.stringify([status, error?.message ?? "", ...texts.filter(Boolean)])}</output>
    </>
  );
}

createRoot(document.body.appendChild(document.createElement("main"))).render(<Chat />);
