import type { ChatRequestOptions, UIMessage } from "ai";
import type { TriggerChatTransport } from "../transport.js";

/** A message that was written while an answer streams, and waits. */
export type PendingMessage = {
  /** The id that the message will have in the chat. */
  id: string;
  /** What was written. */
  text: string;
  /** `steering`: the running turn was told. `queued`: it waits for the next turn. */
  mode: "steering" | "queued";
  /** Whether the running turn has taken it in. Such a message leaves the list in the same moment. */
  injected: boolean;
};

/** A message that a turn has taken in, as its injection point has it. */
export type InjectedMessage = {
  /** The message's id. */
  id: string;
  /** What was written. */
  text: string;
};

/** Options of `usePendingMessages`; most of them are what `useChat` returns. */
export type UsePendingMessagesOptions<TUIMessage extends UIMessage = UIMessage> = {
  /** The chat's transport. */
  transport: Pick<TriggerChatTransport, "sendPendingMessage">;
  /** The app's chat id. What waits stays with its chat. */
  chatId: string;
  /** The status of `useChat`. */
  status: string;
  /** The messages of `useChat`. */
  messages: TUIMessage[];
  /** The `setMessages` of `useChat`. */
  setMessages: (messages: TUIMessage[] | ((messages: TUIMessage[]) => TUIMessage[])) => void;
  /** The `sendMessage` of `useChat`. */
  sendMessage: (message: { text: string }, options?: ChatRequestOptions) => void;
  /** Goes with every message that is sent here. */
  metadata?: Record<string, unknown> | undefined;
};

/** What `usePendingMessages` returns. All functions keep their identity for the component's life. */
export type UsePendingMessagesReturn = {
  /** The messages of this chat that wait. */
  pending: PendingMessage[];
  /** Tells the running turn; where none streams, sends a message like any other. */
  steer: (text: string) => void;
  /** Keeps the message for the next turn; where none streams, sends it like any other. */
  queue: (text: string) => void;
  /** Tells the running turn a message that is queued. */
  promoteToSteering: (id: string) => void;
  /** Whether a part of an answer is the place where messages were taken in. */
  isInjectionPoint: (part: unknown) => boolean;
  /** The ids of the messages that were taken in there. */
  getInjectedMessageIds: (part: unknown) => string[];
  /** The messages that were taken in there, also after the turn. */
  getInjectedMessages: (part: unknown) => InjectedMessage[];
};

type Waiting = { chatId: string; message: PendingMessage };

const nothing: never[] = [];

/**
 * The messages that wait, of every chat that its owner has shown. `commit` and `follow` keep it up
 * with the chat: the first at once, the second when what it sends and tells may be sent and told.
 *
 * A message leaves in one of two ways: the running turn takes it in, and says so in an injection
 * point; or the turn ends, and what is left of its chat is sent as the next one. A turn is what was
 * seen to stream, and ends when `follow` sees that it no longer does. Until then messages wait, so
 * that one written in the very moment of the end goes with the others.
 */
export class PendingMessages<TUIMessage extends UIMessage> {
  #options: UsePendingMessagesOptions<TUIMessage>;
  #waiting: readonly Waiting[] = nothing;
  /** The chat whose turn streams, or has just ended. */
  #streamingChat: string | undefined;
  #listeners = new Set<() => void>();

  constructor(options: UsePendingMessagesOptions<TUIMessage>) {
    this.#options = options;
    this.commit(options);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The same until a message comes, goes or changes. */
  waiting = (): readonly Waiting[] => this.#waiting;

  steer = (text: string): void => this.#take(text, "steering");

  queue = (text: string): void => this.#take(text, "queued");

  promoteToSteering = (id: string): void => {
    const { chatId } = this.#options;
    const found = this.#waiting.find((one) => one.message.id === id && one.chatId === chatId);
    if (found?.message.mode !== "queued") return;
    if (this.#streamingChat === chatId) {
      this.#setMode(id, "steering");
      void this.#deliver(found.message);
    } else {
      this.#keep((one) => one !== found);
      this.#send(found.message.text);
    }
  };

  /** Takes the options of the latest render. Sends nothing and tells nobody. */
  commit(options: UsePendingMessagesOptions<TUIMessage>): void {
    this.#options = options;
    if (options.status === "streaming") this.#streamingChat = options.chatId;
  }

  /** Lets go of what the turn has taken in, and sends what is left when it has ended. */
  follow(): void {
    const { chatId, status, messages } = this.#options;
    const injected = injectedIds(this.#waiting, messages);
    this.#keep(({ message }) => !injected.has(message.id));
    if (status === "streaming") return;
    const endedChat = this.#streamingChat;
    this.#streamingChat = undefined;
    // After an error the messages wait on, for the turn that the user then starts.
    if (status !== "ready" || endedChat !== chatId) return;
    const left = this.#waiting.filter((one) => one.chatId === chatId);
    if (left.length === 0) return;
    this.#keep((one) => one.chatId !== chatId);
    this.#send(left.map(({ message }) => message.text).join("\n"));
  }

  #take(text: string, mode: PendingMessage["mode"]): void {
    const { chatId } = this.#options;
    if (this.#streamingChat !== chatId) {
      this.#send(text);
      return;
    }
    const message = { id: randomId(), text, mode, injected: false };
    this.#set([...this.#waiting, { chatId, message }]);
    if (mode === "steering") void this.#deliver(message);
  }

  async #deliver({ id, text }: PendingMessage): Promise<void> {
    const { transport, chatId, status, metadata } = this.#options;
    // A turn that has just ended takes nothing in any more.
    if (status !== "streaming") return;
    const message: UIMessage = { id, role: "user", parts: [{ type: "text", text }] };
    const isDelivered = await transport.sendPendingMessage(chatId, message, metadata);
    // It goes with the next turn, and the user may try again before.
    if (isDelivered === false) this.#setMode(id, "queued");
  }

  #send(text: string): void {
    const { sendMessage, metadata } = this.#options;
    sendMessage({ text }, metadata ? { metadata } : undefined);
  }

  #setMode(id: string, mode: PendingMessage["mode"]): void {
    if (!this.#waiting.some(({ message }) => message.id === id)) return;
    this.#set(
      this.#waiting.map((one) =>
        one.message.id === id ? { ...one, message: { ...one.message, mode } } : one,
      ),
    );
  }

  #keep(isKept: (one: Waiting) => boolean): void {
    const kept = this.#waiting.filter(isKept);
    // Points of earlier turns stay in the messages: most calls change nothing, and tell nobody.
    if (kept.length < this.#waiting.length) this.#set(kept);
  }

  #set(waiting: readonly Waiting[]): void {
    this.#waiting = waiting;
    for (const listener of this.#listeners) listener();
  }
}

/** What of the waiting messages a page shows with these messages of the chat. */
export function pendingOf(
  waiting: readonly Waiting[],
  chatId: string,
  messages: UIMessage[],
): PendingMessage[] {
  if (waiting.length === 0) return nothing;
  const injected = injectedIds(waiting, messages);
  return waiting
    .filter((one) => one.chatId === chatId && !injected.has(one.message.id))
    .map(({ message }) => message);
}

export function isInjectionPoint(part: unknown): boolean {
  return (part as { type?: unknown } | null)?.type === "data-pending-message-injected";
}

export function getInjectedMessageIds(part: unknown): string[] {
  return listAt(part, "messageIds");
}

export function getInjectedMessages(part: unknown): InjectedMessage[] {
  return listAt(part, "messages");
}

function listAt<T>(part: unknown, key: string): T[] {
  if (!isInjectionPoint(part)) return [];
  const list = (part as { data?: Record<string, unknown> }).data?.[key];
  return Array.isArray(list) ? list : [];
}

/** The ids of all that these answers have taken in; not looked for while nothing waits. */
function injectedIds(waiting: readonly Waiting[], messages: UIMessage[]): Set<string> {
  if (waiting.length === 0) return new Set();
  // Messages that the app stored with an old AI SDK have no parts.
  return new Set(messages.flatMap(({ parts }) => (parts ?? []).flatMap(getInjectedMessageIds)));
}

/** 128 random bits. Pages on plain http have no `crypto.randomUUID`. */
function randomId(): string {
  const words = crypto.getRandomValues(new Uint32Array(4));
  return Array.from(words, (word) => word.toString(16).padStart(8, "0")).join("");
}
