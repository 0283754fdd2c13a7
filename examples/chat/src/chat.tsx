import { useChat } from "@ai-sdk/react";
import { generateId, type UIMessage } from "ai";
import { useState } from "react";
import type { ChatSessionPersistedState } from "trigger-chat-transport";
import { useConnectionState, useTriggerChatTransport } from "trigger-chat-transport/react";
import { useAgentName } from "./agents";
import * as api from "./api";
import { Composer } from "./composer";
import { closedChat, describeError } from "./describe-error";
import { isThinking } from "./message";
import { MessageList } from "./message-list";
import { Notice } from "./notice";
import { Welcome } from "./welcome";

type Props = {
  chatId: string;
  stored: api.StoredChat;
  onFirstMessage: () => void;
  onSaved: () => void;
  onNewChat: () => void;
};

export function Chat({ chatId, stored, onFirstMessage, onSaved, onNewChat }: Props) {
  const [agent, setAgent] = useState(stored.agent);
  const [unsaved, setUnsaved] = useState<UIMessage[]>();
  const [isStopLost, setStopLost] = useState(false);

  const transport = useTriggerChatTransport({
    task: agent,
    baseURL: location.origin,
    accessToken: () => api.mintAccessToken(chatId),
    // `task` is fixed once the transport is made, but until the first message the user may still
    // choose another agent. This callback is always the latest, so the agent is taken from here.
    startSession: ({ clientData }) => api.startSession(chatId, { taskId: agent, clientData }),
    sessions: stored.session ? { [chatId]: resumable(stored.session, stored.messages) } : {},
    // This is what a reload needs to find an answer that is still being written. When it cannot
    // be saved the chat itself goes on, and the next change saves it.
    onSessionChange: (id, session) => void api.saveSession(id, session).catch(console.warn),
    // Leaving the chat aborts the request, which must not end the answer. The stop button does.
    stopOnAbort: false,
  });

  const { messages, sendMessage, regenerate, status, error, clearError } = useChat({
    id: chatId,
    messages: stored.messages,
    transport,
    // A chat with messages may have an answer on its way; a new one cannot.
    resume: stored.messages.length > 0,
    // A fast agent sends more often than anyone can read.
    throttle: 50,
    // Saved only when the turn is over. Coming back to a running one replays it from its start,
    // so a part saved meanwhile would show twice. Aborted: the user went to another chat, and the
    // agent writes on. A stop is no abort, it ends the answer.
    onFinish: ({ messages, isAbort, isError }) => {
      setStopLost(false);
      if (!isAbort && !isError) void save(messages);
    },
  });

  const connection = useConnectionState(transport, chatId);
  const agentName = useAgentName(agent);
  const isBusy = status === "submitted" || status === "streaming";
  const isClosed = connection.status === "closed";
  const last = messages.at(-1);

  async function save(messages: UIMessage[]) {
    try {
      await api.saveMessages(chatId, messages);
      setUnsaved(undefined);
      onSaved();
    } catch {
      setUnsaved(messages);
    }
  }

  function send(text: string) {
    const message: UIMessage = { id: generateId(), role: "user", parts: [{ type: "text", text }] };
    if (messages.length === 0) {
      // Failing here makes saving the messages fail too, and that is shown.
      void api.createChat(chatId, agent).catch(console.warn);
      onFirstMessage();
    }
    void save([...messages, message]);
    void sendMessage(message);
  }

  function answerAgain() {
    if (last?.role === "assistant") {
      void save(messages.slice(0, -1));
      void regenerate();
    } else {
      // Perhaps the agent never got the message: send it as it stands, under the same id.
      void sendMessage();
    }
  }

  async function stopAnswer() {
    // Tells the agent, and ends the answer here once it has heard. The hook's own `stop()` would
    // only close the page's ear, and hide that the agent talks on.
    setStopLost(!(await transport.stopGeneration(chatId)));
  }

  const problem = isClosed ? closedChat : error && describeError(error);
  const remedies = {
    retry: { label: "Try again", run: answerAgain },
    "new-chat": { label: "New chat", run: onNewChat },
  };

  return (
    <>
      {messages.length === 0 ? (
        <Welcome agent={agent} onAgentChange={setAgent} onSuggestion={send} />
      ) : (
        <MessageList
          messages={messages}
          agentName={agentName}
          isBusy={isBusy}
          onAnswerAgain={isBusy || problem ? undefined : answerAgain}
        />
      )}
      <div className="dock">
        {problem && (
          <Notice
            title={problem.title}
            action={problem.remedy && remedies[problem.remedy]}
            onDismiss={isClosed ? undefined : clearError}
          >
            {problem.advice}
          </Notice>
        )}
        {isStopLost && (
          <Notice
            title="The answer could not be stopped."
            action={{ label: "Stop again", run: () => void stopAnswer() }}
            onDismiss={() => setStopLost(false)}
          >
            The agent has not heard, and writes on.
          </Notice>
        )}
        {unsaved && (
          <Notice
            title="The chat could not be saved."
            action={{ label: "Save again", run: () => void save(unsaved) }}
          >
            A reload now would lose its latest messages.
          </Notice>
        )}
        <Composer
          status={status}
          connection={connection}
          isBusy={isBusy}
          isThinking={isBusy && last !== undefined && isThinking(last)}
          onSend={send}
          onStop={() => void stopAnswer()}
          onRetry={() => transport.retryNow(chatId)}
        />
      </div>
    </>
  );
}

/**
 * A question without an answer: a reload may have come before the word that it had arrived. Without
 * `isStreaming` the transport asks the server. A seq there is of a turn that was stopped.
 */
function resumable(
  session: ChatSessionPersistedState,
  messages: UIMessage[],
): ChatSessionPersistedState {
  if (session.activeInputSeq !== undefined || messages.at(-1)?.role !== "user") return session;
  const { isStreaming: _, ...rest } = session;
  return rest;
}
