// A page with chats and nothing to look at: `useChat` over this package's hook, in the hands of a
// driver.
import { useChat } from "@ai-sdk/react";
import { generateId, type UIMessage } from "ai";
import { StrictMode, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import type { ChatSessionPersistedState } from "trigger-chat-transport";
import { useConnectionState, useTriggerChatTransport } from "trigger-chat-transport/react";
import { serveBy } from "./app-server";
import type { ChatSetup, Setup } from "./contract";
import { watchForProblems } from "./problems";
import { recorded } from "./recorder";
import { saveMessages, saveRecordings, saveSession, stored, storedRecordings } from "./stored";

function Chat({ service, source, chat }: Omit<Setup, "chats"> & { chat: ChatSetup }) {
  const { id, agent, coalesces } = chat;
  const [history] = useState(() => stored(id));
  const [recordings] = useState(() => storedRecordings(id));
  const acknowledged = useRef(0);
  const session = useRef<ChatSessionPersistedState | null>(history.sessions[id] ?? null);

  const transport = useTriggerChatTransport({
    task: agent,
    baseURL: source === "eventsource" ? `${service}/proxy` : service,
    streamSource: source,
    withCredentials: true,
    accessToken: ({ chatId }) => globalThis.mintToken(chatId),
    startSession: async ({ chatId, taskId }) => ({
      publicAccessToken: await globalThis.startSession(chatId, taskId),
    }),
    sessions: history.sessions,
    // That a turn is over is stored with its answer: a reload between the two would find neither.
    onSessionChange: (id, state) => {
      session.current = state;
      if (state?.isStreaming) saveSession(id, state);
    },
    onEvent: ({ type }) => {
      if (type === "message-sent") acknowledged.current += 1;
    },
    coalesce: coalesces ? "auto" : false,
    // A page that goes away must not end the answer.
    stopOnAbort: false,
  });
  const [observed] = useState(() => recorded(transport, recordings));

  const { messages, sendMessage, status, error } = useChat({
    id,
    messages: history.messages,
    transport: observed,
    resume: true,
    onFinish: ({ messages, isAbort, isError }) => {
      if (isAbort || isError) return;
      saveMessages(id, messages);
      saveSession(id, session.current);
    },
  });
  const connection = useConnectionState(transport, id);

  useEffect(() => {
    // Only then is it sure that no chunk comes any more.
    const leave = () => saveRecordings(id, recordings);
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, [id, recordings]);

  useEffect(() => {
    globalThis.chats[id] = {
      view: () => ({
        messages,
        status,
        ...(error && { error: String(error) }),
        connection: connection.status,
        acknowledged: acknowledged.current,
        recordings,
      }),
      send(text, metadata) {
        const parts: UIMessage["parts"] = [{ type: "text", text }];
        const message: UIMessage = { id: generateId(), role: "user", parts };
        saveMessages(id, [...messages, message]);
        void sendMessage(message, { metadata });
      },
      stop: () => transport.stopGeneration(id),
      retryNow: () => transport.retryNow(id),
    };
  });
  return null;
}

const setup: Setup = JSON.parse(new URL(location.href).searchParams.get("setup") ?? "");
globalThis.chats = {};
globalThis.problems = watchForProblems();
if (setup.app) serveBy(setup.app);
createRoot(document.body.appendChild(document.createElement("main"))).render(
  <StrictMode>
    {setup.chats.map((chat) => (
      <Chat key={chat.id} service={setup.service} source={setup.source} chat={chat} />
    ))}
  </StrictMode>,
);
