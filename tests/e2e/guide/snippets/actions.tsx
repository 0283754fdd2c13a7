// What a person does besides speaking: the page shows at once what the agent will make of it.
import { useChat } from "@ai-sdk/react";
import { useState } from "react";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import { Conversation, setting, show } from "../app/page";
import { serverActions } from "../app/server-actions";

const { mintToken, startSession } = serverActions("echo");

function Chat({ chatId }: { chatId: string }) {
  const [summary, setSummary] = useState("");
  const transport = useTriggerChatTransport({
    task: "echo",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
  });
  const { messages, setMessages, sendMessage, status } = useChat({ id: chatId, transport });

  const undo = () => {
    void transport.sendAction(chatId, { type: "undo" });
    setMessages((messages) => messages.slice(0, -2));
  };
  const rollBack = () => {
    void transport.sendAction(chatId, { type: "rollback", targetMessageId: messages[1]?.id });
    setMessages((messages) => messages.slice(0, 2));
  };
  const summarize = async () => {
    setSummary("");
    const stream = await transport.sendAction(chatId, { type: "summarize" });
    for await (const chunk of stream) {
      if (chunk.type === "text-delta") setSummary((summary) => summary + chunk.delta);
    }
    setSummary((summary) => `${summary}(That is all.)`);
  };

  return (
    <Conversation messages={messages} status={status} onSend={(text) => void sendMessage({ text })}>
      <button type="button" onClick={undo}>
        Undo the last exchange
      </button>
      <button type="button" onClick={rollBack}>
        Back to the first answer
      </button>
      <button type="button" onClick={() => void summarize()}>
        What have I said?
      </button>
      <aside>{summary}</aside>
    </Conversation>
  );
}

show(<Chat chatId={setting("chat")} />);
