// Client data for all sends, from what the page renders.
import { useChat } from "@ai-sdk/react";
import { useState } from "react";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import type { story } from "../app/agents";
import { Conversation, setting, show } from "../app/page";
import { serverActions } from "../app/server-actions";

const { mintToken, startSession } = serverActions("story");

function Chat() {
  const [userId, setUserId] = useState("ada");
  const transport = useTriggerChatTransport<typeof story>({
    task: "story",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
    clientData: { userId },
  });
  const { messages, sendMessage, status } = useChat({ id: setting("chat"), transport });
  return (
    <Conversation messages={messages} status={status} onSend={(text) => void sendMessage({ text })}>
      <button type="button" onClick={() => setUserId("grace")}>
        Now it is Grace
      </button>
    </Conversation>
  );
}

show(<Chat />);
