// A page with `useChat` that every AI SDK from 5 on can build. What a person does, the test does with
// the page's buttons; a reload finds what the page has stored.
import { useChat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import * as ai from "ai";
import { Fragment, StrictMode, useEffect, version } from "react";
import { createRoot } from "react-dom/client";
import type { ChatSessionPersistedState } from "trigger-chat-transport";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import type { Scene } from "./contract";

// AI SDK 5 has no approvals: there the page says itself what became of a call. (A copy, for esbuild
// complains of the import of what is not there.)
const {
  lastAssistantMessageIsCompleteWithApprovalResponses: isDecided,
  lastAssistantMessageIsCompleteWithToolCalls: isDone,
}: Partial<typeof ai> = { ...ai };

const { chat, agent, mode } = Object.fromEntries(
  new URLSearchParams(location.search),
) as unknown as Scene;

// The app's server

const post = (what: string, body: unknown) =>
  fetch(`/app/chats/${chat}/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
const accessToken = async () => (await post("token", {})).text();
const startSession = async ({ taskId, clientData }: { taskId: string; clientData: unknown }) =>
  (await post("start", { taskId, clientData })).json();

/** What the app has stored. */
type Stored = { messages?: UIMessage[]; session?: ChatSessionPersistedState | null };
const stored: Stored = JSON.parse(localStorage.getItem(chat) ?? "{}");
const store = (change: Stored) => {
  localStorage.setItem(chat, JSON.stringify(Object.assign(stored, change)));
};
const { messages: history = [], session } = stored;

function Chat() {
  const transport = useTriggerChatTransport({
    task: agent,
    baseURL: location.origin,
    accessToken,
    startSession,
    sessions: session ? { [chat]: session } : {},
    onSessionChange: (_, session) => store({ session }),
  });
  const sendAutomaticallyWhen = isDecided ?? isDone;
  const { messages, status, error, sendMessage, stop, regenerate, ...tools } = useChat({
    id: chat,
    messages: history,
    transport,
    resume: history.length > 0,
    ...(sendAutomaticallyWhen && { sendAutomaticallyWhen }),
    onError: ({ message }) => globalThis.errors.push(message),
  });
  globalThis.messages = messages;
  // An answer that is being written is replayed whole: a part of it must not be stored.
  useEffect(() => {
    if (status !== "streaming") store({ messages });
  }, [messages, status]);

  const last = messages.at(-1);
  const call = last?.parts.find((part) => part.type === "tool-send_email");
  const approve = () => {
    if (call === undefined || !("toolCallId" in call)) return;
    const { toolCallId, approval } = call;
    if (approval) void tools.addToolApprovalResponse({ id: approval.id, approved: true });
    else void tools.addToolOutput({ tool: "send_email", toolCallId, output: { sent: true } });
  };
  return (
    <main>
      <Button onClick={() => sendMessage({ text: "Count!" })}>Send</Button>
      <Button onClick={stop}>Stop</Button>
      <Button onClick={() => transport.stopGeneration(chat)}>Stop the turn</Button>
      <Button onClick={() => regenerate()}>Regenerate</Button>
      <Button onClick={approve}>Approve</Button>
      <output data-status={status}>
        {last?.role === "assistant" &&
          last.parts.map((part) => (part.type === "text" ? part.text : ""))}
      </output>
      {error && <p role="alert">{error.message}</p>}
    </main>
  );
}

function Button({ onClick, children }: { onClick: () => unknown; children: string }) {
  return (
    <button type="button" onClick={() => void onClick()}>
      {children}
    </button>
  );
}

globalThis.reactVersion = version;
globalThis.errors = [];
const root = createRoot(document.body.appendChild(document.createElement("div")));
const Around = mode === "strict" ? StrictMode : Fragment;
root.render(
  <Around>
    <Chat />
  </Around>,
);
