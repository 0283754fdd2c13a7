import type { Delta } from "./delta.js";

/** The name that the published client uses, whose tabs may be open beside ours during a deploy. */
const NAME = "trigger-chat-tab-coord";

/** How an owner's session stands: its persisted form, all but the token, which never leaves its tab. */
export type TabSession = {
  lastEventId?: string;
  activeInputSeq?: number;
  isStreaming?: boolean;
  closed?: boolean;
  closedReason?: string;
};

/** What one tab tells all others about a chat. */
export type TabMessage =
  /** The chat is this tab's: while its life lasts, or else until it falls silent. */
  | { type: "claim"; life?: number }
  /** Without locks: it wants the chat. */
  | { type: "asking" }
  | { type: "release" }
  /** Of the published client alone. */
  | { type: "heartbeat" }
  /** It is new, or has missed something: whose is the chat, and what are its messages? */
  | { type: "hello"; wasAway?: boolean }
  /** Of the owner alone, as are those below. */
  | { type: "session"; session: TabSession }
  /** All messages. The published client knows no `seq`. */
  | { type: "messages"; messages: unknown[]; seq?: number }
  /** What has changed in them since the one before. */
  | { type: "change"; delta: Delta; seq: number };

type Heard = (chatId: string, tabId: string, message: TabMessage) => void;

/** The `BroadcastChannel` of all tabs of an origin. */
export class TabChannel {
  #tabId: string;
  #channel = new BroadcastChannel(NAME);

  /** `heard` is told what other tabs say; what is no message of this protocol is left out. */
  constructor(tabId: string, heard: Heard) {
    this.#tabId = tabId;
    this.#channel.onmessage = ({ data }) => {
      if (isMessage(data)) heard(data.chatId, data.tabId, data);
    };
    // Node's own would keep the process alive.
    (this.#channel as { unref?: () => void }).unref?.();
  }

  /** Tells all other tabs. */
  post(chatId: string, message: TabMessage): void {
    try {
      this.#channel.postMessage({ ...message, chatId, tabId: this.#tabId });
    } catch (error) {
      // Messages can hold what cannot be cloned.
      console.error("Other tabs could not be told:", error);
    }
  }

  close(): void {
    this.#channel.close();
  }
}

/** What else each message has to hold. */
const checks: Record<TabMessage["type"], (data: Record<string, unknown>) => boolean> = {
  claim: ({ life }) => life === undefined || isWhole(life),
  asking: () => true,
  release: () => true,
  heartbeat: () => true,
  hello: ({ wasAway }) => wasAway === undefined || wasAway === true,
  session: ({ session }) => typeof session === "object" && session !== null,
  messages: ({ messages, seq }) => Array.isArray(messages) && (seq === undefined || isWhole(seq)),
  change: ({ delta, seq }) => Array.isArray(delta) && isWhole(seq),
};

function isMessage(data: unknown): data is TabMessage & { chatId: string; tabId: string } {
  if (typeof data !== "object" || data === null) return false;
  const { type, chatId, tabId } = data as Record<string, unknown>;
  const isAddressed = typeof chatId === "string" && typeof tabId === "string";
  if (!isAddressed || typeof type !== "string" || !Object.hasOwn(checks, type)) return false;
  return checks[type as TabMessage["type"]](data as Record<string, unknown>);
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value);
}
