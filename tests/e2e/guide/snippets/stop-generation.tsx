// One handler that stops the agent and the page, whether the answer was asked for here or resumed.
import { useChat } from "@ai-sdk/react";
import { useCallback } from "react";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import type { story } from "../app/agents";
import { Conversation, setting, show } from "../app/page";
import { loadMessages, loadSessions, serverActions } from "../app/server-actions";

const { mintToken, startSession } = serverActions("story");
const chatId = setting("chat");
const [stored, sessions] = await Promise.all([loadMessages(chatId), loadSessions(chatId)]);

function Chat() {
  const transport = useTriggerChatTransport<typeof story>({
    task: "story",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
    sessions,
  });
  const {
    messages,
    sendMessage,
    stop: stopHere,
    status,
  } = useChat({ id: chatId, messages: stored, transport, resume: stored.length > 0 });
  const stop = useCallback(() => {
    void transport.stopGeneration(chatId);
    void stopHere();
  }, [transport, stopHere]);
  return (
    <Conversation messages={messages} status={status} onSend={(text) => void sendMessage({ text })}>
      {status === "streaming" && (
        <button type="button" onClick={stop}>
          Stop
        </button>
      )}
    </Conversation>
  );
}

show(<Chat />);
