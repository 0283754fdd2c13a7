import { useChat } from "@ai-sdk/react";
import {
  generateId,
  lastAssistantMessageIsCompleteWithApprovalResponses as isDecided,
  type UIMessage,
} from "ai";
import { useMemo, useRef, useState } from "react";
import {
  useConnectionState,
  useMultiTabChat,
  usePendingMessages,
  useSubAgentMessages,
  useTriggerChatTransport,
} from "trigger-chat-transport/react";
import { hearsMeanwhile, takesModel, useAgentName } from "./agents";
import * as api from "./api";
import { asBroken } from "./broken-answer";
import { ChatMenu } from "./chat-menu";
import { ClosedLine } from "./closed-line";
import { Composer } from "./composer";
import { describeError, isOfAgent, isOfOtherTab } from "./describe-error";
import { keepDraft, readDraft } from "./draft";
import { hasContent, isThinking } from "./message";
import { MessageList } from "./message-list";
import { latestModel } from "./models";
import { Notice } from "./notice";
import { PartsContext } from "./parts-context";
import { resumable, resumingWith } from "./resuming";
import { useAbandoned } from "./use-abandoned";
import { useChatAction } from "./use-chat-action";
import { Welcome } from "./welcome";

type Props = {
  chatId: string;
  /** The server has not heard of it. */
  isNew: boolean;
  stored: api.StoredChat;
  onFirstMessage: () => void;
  onSaved: () => void;
  onNewChat: () => void;
};

export function Chat({ chatId, isNew, stored, onFirstMessage, onSaved, onNewChat }: Props) {
  const [agent, setAgent] = useState(stored.agent);
  const [picked, setPicked] = useState(() => latestModel(stored.messages));
  const [unsaved, setUnsaved] = useState<UIMessage[]>();
  const [isStopLost, setStopLost] = useState(false);
  const [denials, setDenials] = useState(0);

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
    // One tab speaks at a time, and the others follow.
    multiTab: true,
  });
  const [resuming] = useState(() => resumingWith(transport, stored.messages));

  const failure = useRef<Error>(undefined);
  const lastSaid = useRef("");

  const subAgents = useSubAgentMessages();
  const {
    messages,
    setMessages,
    sendMessage,
    regenerate,
    addToolApprovalResponse,
    resumeStream,
    status,
    error,
    clearError,
  } = useChat({
    id: chatId,
    messages: stored.messages,
    transport: resuming,
    // A chat with messages may have an answer on its way; a new one cannot.
    resume: stored.messages.length > 0,
    // A fast agent sends more often than anyone can read.
    throttle: 50,
    onData: subAgents.onData,
    // What the user has decided is a message like any other: saved when it is sent.
    sendAutomaticallyWhen: ({ messages }) => {
      if (!isDecided({ messages })) return false;
      void save(messages);
      return true;
    },
    // Saved only when the turn is over. Coming back to a running one replays it from its start,
    // so a part saved meanwhile would show twice. Aborted: the user went to another chat, and the
    // agent writes on. A stop is no abort, it ends the answer.
    onFinish: ({ message, messages, isAbort, isError }) => {
      setStopLost(false);
      if (isError) saveBroken(message, messages);
      else if (!isAbort) void save(messages);
    },
    // Called before `onFinish`, which is not told.
    onError: (error) => {
      failure.current = error;
      // Behind the hook, which is about to take the error up.
      if (isOfOtherTab(error)) queueMicrotask(takeBackWords);
    },
  });
  const { isReadOnly } = useMultiTabChat(transport, chatId, messages, setMessages);
  useAbandoned(transport, chatId, isReadOnly, resumeStream);

  const model = takesModel(agent) ? picked : undefined;
  const metadata = useMemo(() => (model ? { model } : undefined), [model]);
  const waiting = usePendingMessages({
    transport,
    chatId,
    status,
    messages,
    setMessages,
    sendMessage: ({ text }) => send(text),
    metadata,
  });
  const action = useChatAction(transport, chatId);

  const connection = useConnectionState(transport, chatId);
  const agentName = useAgentName(agent);
  const isBusy = status === "submitted" || status === "streaming";
  const isClosed = transport.sessionStatus(chatId) === "closed";
  const last = messages.at(-1);
  const hasBegun = last?.role === "assistant" && hasContent(last);

  const { isInjectionPoint, getInjectedMessages } = waiting;
  const parts = useMemo(
    () => ({
      isInjectionPoint,
      getInjectedMessages,
      subAgentOf: subAgents.get,
      onDecide:
        isClosed || isReadOnly
          ? undefined
          : (id: string, approved: boolean) =>
              void addToolApprovalResponse({ id, approved, options: { metadata } }),
    }),
    [
      isInjectionPoint,
      getInjectedMessages,
      subAgents.get,
      isClosed,
      isReadOnly,
      addToolApprovalResponse,
      metadata,
    ],
  );

  async function save(messages: UIMessage[]) {
    try {
      await api.saveMessages(chatId, messages);
      setUnsaved(undefined);
      onSaved();
    } catch {
      setUnsaved(messages);
    }
  }

  function saveBroken(message: UIMessage, messages: UIMessage[]) {
    const error = failure.current;
    const isOver = error !== undefined && isOfAgent(error);
    if (!isOver || !hasContent(message) || messages.at(-1)?.id !== message.id) return;
    void save([...messages.slice(0, -1), asBroken(message, error.message)]);
  }

  /** Another tab was quicker: what was to be said is kept for later. */
  function takeBackWords() {
    keepDraft(chatId, [lastSaid.current, readDraft(chatId)]);
    lastSaid.current = "";
    setDenials((count) => count + 1);
    clearError();
  }

  function send(text: string) {
    lastSaid.current = text;
    const message: UIMessage = { id: generateId(), role: "user", parts: [{ type: "text", text }] };
    if (isNew) {
      // Failing here makes saving the messages fail too, and that is shown.
      void api.createChat(chatId, agent).catch(console.warn);
      onFirstMessage();
    }
    action.forget();
    void save([...messages, message]);
    void sendMessage(message, { metadata });
  }

  function answerAgain() {
    lastSaid.current = "";
    if (last?.role === "assistant" && !isDecided({ messages })) {
      void save(messages.slice(0, -1));
      void regenerate({ metadata });
    } else {
      // Perhaps the agent never got the message: send it as it stands, under the same id.
      void sendMessage(undefined, { metadata });
    }
  }

  async function takeBack() {
    const kept = messages.slice(
      0,
      messages.findLastIndex(({ role }) => role === "user"),
    );
    clearError();
    setMessages(kept);
    if (await action.act({ type: "undo" })) void save(kept);
    else setMessages(messages);
  }

  async function stopAnswer() {
    // Tells the agent, and ends the answer here once it has heard. The hook's own `stop()` would
    // only close the page's ear, and hide that the agent talks on.
    setStopLost(!(await transport.stopGeneration(chatId)));
  }

  const problem = error && !isClosed ? describeError(error) : undefined;
  const canChange = !isBusy && !isClosed && !isReadOnly && !action.isActing;

  return (
    <PartsContext value={parts}>
      {!isNew && !isClosed && (
        <ChatMenu
          canClose={canChange}
          onClose={(reason) => void action.act({ type: "close", ...(reason && { reason }) })}
        />
      )}
      {messages.length === 0 ? (
        <Welcome
          agent={agent}
          onAgentChange={isNew ? setAgent : undefined}
          onSuggestion={isClosed || isReadOnly ? undefined : send}
        />
      ) : (
        <MessageList
          messages={messages}
          agentName={agentName}
          isBusy={isBusy}
          onAnswerAgain={canChange && !problem ? answerAgain : undefined}
          onTakeBack={canChange ? () => void takeBack() : undefined}
        />
      )}
      <div className="dock">
        {problem && (
          <Notice
            title={problem.title}
            action={
              problem.remedy && {
                label: hasBegun ? "Answer again" : "Try again",
                run: answerAgain,
              }
            }
            onDismiss={clearError}
          >
            {problem.advice}
          </Notice>
        )}
        {action.failed === "undo" && (
          <Notice
            title="The last exchange could not be taken back."
            action={{ label: "Try again", run: () => void takeBack() }}
            onDismiss={action.forget}
          >
            The agent still remembers it, so it is shown again.
          </Notice>
        )}
        {action.failed === "close" && (
          <Notice title="The chat could not be closed." onDismiss={action.forget}>
            It is still open. Check that you are online, then close it once more.
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
        {isClosed ? (
          <ClosedLine reason={transport.sessionClosedReason(chatId)} onNewChat={onNewChat} />
        ) : (
          <Composer
            // A new one takes the draft up.
            key={denials}
            chatId={chatId}
            isReadOnly={isReadOnly}
            status={status}
            connection={connection}
            isThinking={isBusy && last !== undefined && isThinking(last)}
            isHeld={action.isActing}
            pending={waiting.pending}
            onSend={send}
            onSteer={hearsMeanwhile(agent) ? waiting.steer : undefined}
            onQueue={waiting.queue}
            onPromote={waiting.promoteToSteering}
            onStop={() => void stopAnswer()}
            onRetry={() => transport.retryNow(chatId)}
            model={model}
            onPickModel={setPicked}
          />
        )}
      </div>
    </PartsContext>
  );
}
