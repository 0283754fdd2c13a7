// A page whose chat comes and goes in every way that React has. The test says what is to be seen, by
// `show`; what a person does, it does with the page's own buttons.
import { useChat } from "@ai-sdk/react";
import { generateId, type UIMessage } from "ai";
import * as React from "react";
import {
  lazy,
  StrictMode,
  Suspense,
  startTransition,
  useLayoutEffect,
  useReducer,
  useRef,
  useState,
} from "react";
import { flushSync } from "react-dom";
import { createRoot, type Root } from "react-dom/client";
import { type ChatSessionPersistedState, TriggerChatTransport } from "trigger-chat-transport";
import { useTriggerChatTransport } from "trigger-chat-transport/react";
import { fromAppServer } from "../../support/app-server";
import type { Scene } from "./contract";

// What an app keeps outside of its components

const sessions: Record<string, ChatSessionPersistedState> = {};
const histories: Record<string, UIMessage[]> = {};

const options = () => ({
  ...fromAppServer(),
  task: "model",
  sessions,
  onSessionChange: (chatId: string, session: ChatSessionPersistedState | null) => {
    if (session) sessions[chatId] = session;
  },
});

let ofThePage: TriggerChatTransport | undefined;
let root: Root | undefined;

// The chat

function Room({ chat }: { chat: string }) {
  const transport = useTriggerChatTransport(options());
  return <Conversation {...useConversation(chat, transport)} />;
}

function House({ scene, stopOnAbort }: { scene: Scene; stopOnAbort: boolean }) {
  const transport = useTriggerChatTransport({ ...options(), stopOnAbort });
  return scene.isOpen && <Lodger chat={scene.chat} transport={transport} />;
}

function Lodger({ chat, transport }: { chat: string; transport: TriggerChatTransport }) {
  return <Conversation {...useConversation(chat, transport)} />;
}

/** The chat; and the component that calls this renders again, or stops it by itself, when it is told. */
function useConversation(id: string, transport: TriggerChatTransport) {
  const chat = useChat({ id, messages: histories[id] ?? [], transport, resume: true });
  const [, renderAgain] = useReducer((renders: number) => renders + 1, 0);
  const [isStopDue, setStopDue] = useState(false);
  return { ...chat, id, renderAgain, isStopDue, setStopDue };
}

function Conversation(conversation: ReturnType<typeof useConversation>) {
  const { id, messages, status, sendMessage, stop, resumeStream } = conversation;
  const { renderAgain, isStopDue, setStopDue } = conversation;
  const stopButton = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (isStopDue) stopButton.current?.click();
  }, [isStopDue]);

  const send = () => {
    const parts: UIMessage["parts"] = [{ type: "text", text: "Count!" }];
    const message: UIMessage = { id: generateId(), role: "user", parts };
    histories[id] = [...messages, message];
    void sendMessage(message);
  };
  const stopAndRender = () => {
    void stop();
    renderAgain();
  };
  const renderAndStop = () => {
    renderAgain();
    void stop();
  };
  const renderAtOnceAndStop = () => {
    flushSync(renderAgain);
    void stop();
  };
  // A person may be so quick: what was rendered is on the screen before its effects have run.
  const renderAndStopBeforeEffects = () => startTransition(() => setStopDue(true));
  const last = messages.at(-1);
  return (
    <section aria-label={id}>
      <Button onClick={send}>Send</Button>
      <Button onClick={resumeStream}>Resume</Button>
      <button type="button" ref={stopButton} onClick={() => void stop()}>
        Stop
      </button>
      <Button onClick={stopAndRender}>Stop, and render</Button>
      <Button onClick={renderAndStop}>Render, and stop</Button>
      <Button onClick={renderAtOnceAndStop}>Render at once, and stop</Button>
      <Button onClick={renderAndStopBeforeEffects}>Render, and stop before any effect</Button>
      <output data-status={status}>
        {last?.role === "assistant" &&
          last.parts.map((part) => (part.type === "text" ? part.text : ""))}
      </output>
    </section>
  );
}

function Button({ onClick, children }: { onClick: () => void; children: string }) {
  return (
    <button type="button" onClick={() => void onClick()}>
      {children}
    </button>
  );
}

// Where it is

const NeverLoaded = lazy(() => new Promise<never>(() => {}));

// React 18 has none, and esbuild complains of an import of what is not there.
const { Activity } = { ...React };

function App({ first }: { first: Scene }) {
  const [scene, setScene] = useState(first);
  globalThis.show = (change, inTransition) => {
    const go = () => setScene((before) => ({ ...before, ...change }));
    if (inTransition) startTransition(go);
    else go();
  };
  const { kind, chat, isOpen, isHidden } = scene;
  const room = isOpen && <Room chat={chat} />;
  switch (kind) {
    case "room":
      return room;
    case "keyed room":
      return <Room key={chat} chat={chat} />;
    case "suspense":
      return (
        <Suspense fallback="…">
          {room}
          {isHidden && <NeverLoaded />}
        </Suspense>
      );
    case "activity":
      return <Activity mode={isHidden ? "hidden" : "visible"}>{room}</Activity>;
    case "house":
      return <House scene={scene} stopOnAbort={true} />;
    case "careful house":
      return <House scene={scene} stopOnAbort={false} />;
    case "no house":
      ofThePage ??= new TriggerChatTransport(options());
      return isOpen && <Lodger chat={chat} transport={ofThePage} />;
  }
}

globalThis.reactVersion = React.version;
globalThis.sessions = sessions;
globalThis.play = (scene, isStrict) => {
  root?.unmount();
  root = createRoot(document.body.appendChild(document.createElement("main")));
  const app = <App first={scene} />;
  root.render(isStrict ? <StrictMode>{app}</StrictMode> : app);
};
