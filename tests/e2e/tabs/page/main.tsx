// A page with one chat that it shares with other tabs, by either client's hooks, in the hands of a driver.
import { useChat } from "@ai-sdk/react";
import * as published from "@trigger.dev/sdk/chat/react";
import { StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import * as ours from "trigger-chat-transport/react";
import { fromAppServer } from "../../support/app-server";
import type { Setup, View } from "./contract";
import { Pings } from "./pings";

/** How late a timer may be. */
const TIMER_MS = 20;

const { client, chat, isRacing }: Setup = JSON.parse(
  new URL(location.href).searchParams.get("setup") ?? "",
);
const { useTriggerChatTransport, useMultiTabChat } = { ours, published }[client] as typeof ours;

const pings = isRacing ? new Pings() : undefined;
const outcomes: View["outcomes"] = [];
const changes: View["changes"] = [];
const isFromCache: View["isFromCache"] = [];
addEventListener("pageshow", ({ persisted }) => isFromCache.push(persisted));

function Chat() {
  const transport = useTriggerChatTransport({
    ...fromAppServer(),
    task: "model",
    multiTab: true,
    onEvent: ({ type }) => {
      if (type === "message-sent") outcomes.push("sent");
    },
  });
  const { messages, setMessages, sendMessage, status, resumeStream } = useChat({
    id: chat,
    transport,
    onError: ({ message }) => void outcomes.push(message),
  });
  const { isReadOnly } = useMultiTabChat(transport, chat, messages, setMessages);

  useEffect(() => void changes.push({ isReadOnly, at: Date.now() }), [isReadOnly]);
  useEffect(() => {
    globalThis.tab = {
      view: () => ({
        isReadOnly,
        hasClaim: transport.hasClaim(chat),
        status,
        messages: messages.map(({ role, parts }) => {
          const texts = parts.map((part) => (part.type === "text" ? part.text : ""));
          return `${role}: ${texts.join("")}`;
        }),
        outcomes,
        changes,
        isFromCache,
        slowestPing: pings?.slowest ?? 0,
      }),
      send(text, at = 0) {
        const send = () => {
          // A timer is not that exact.
          while (Date.now() < at);
          void sendMessage({ text });
          pings?.ping();
        };
        if (at > 0) setTimeout(send, at - Date.now() - TIMER_MS);
        else send();
      },
      async resume() {
        // A tab that has only followed has no token yet.
        await transport.start(chat);
        void resumeStream();
      },
    };
  });
  return (
    <input
      disabled={isReadOnly}
      placeholder={isReadOnly ? "This chat is active in another tab" : "Say something"}
    />
  );
}

createRoot(document.body.appendChild(document.createElement("main"))).render(
  <StrictMode>
    <Chat />
  </StrictMode>,
);
