import type { ChatRequestOptions, ChatTransport, UIMessage, UIMessageChunk } from "ai";
import { abortError } from "../../src/browser/host.js";
import { checkCall, pendingOf, sendOf } from "./calls.js";
import { compiling } from "./compile.js";
import { Core } from "./core.js";
import { checkCallback, coreOptions, hasToken } from "./options.js";
import { checkStreamSource } from "./stream-source.js";
import { hasTabs } from "./tabs/has-tabs.js";
import type { SharedChat, TabsHost } from "./tabs/shared-chat.js";
import type { Tabs } from "./tabs/tabs.js";
import type {
  ChatActionOptions,
  ChatConnectionState,
  ChatFetchOverride,
  ChatInputChunk,
  ChatSessionPersistedState,
  ChatTransportEvent,
  TriggerChatTransportOptions,
} from "./types.js";

/** What `sendMessages` takes; the AI SDK's shape. */
export type SendMessagesOptions = {
  /** Whether the last message is sent, or the last answer is wanted anew. */
  trigger: "submit-message" | "regenerate-message";
  /** The app's chat id. */
  chatId: string;
  /** The message that is sent again or answered anew, where it is not the last one. */
  messageId: string | undefined;
  /** All messages of the chat. A submit sends the last one, a head start all of them. */
  messages: UIMessage[];
  /** Ends the stream, and stops the turn unless `stopOnAbort` is `false`. */
  abortSignal: AbortSignal | undefined;
} & ChatRequestOptions;

/** What `reconnectToStream` takes; the AI SDK's shape. */
export type ReconnectToStreamOptions = {
  /** The app's chat id. */
  chatId: string;
  /** Ends the stream. The turn goes on, unless `stopOnAbort` says otherwise. */
  abortSignal?: AbortSignal | undefined;
  /** Whether aborting stops the turn: for a caller that owns it. Default: false. */
  stopOnAbort?: boolean;
} & ChatRequestOptions;

/** Told the connection of a chat when it changes. */
export type ConnectionStateListener = (chatId: string, state: ChatConnectionState) => void;

/** Told when a chat becomes another tab's, or is let go of by it. */
export type ReadOnlyListener = (chatId: string, isReadOnly: boolean) => void;

/** Told the messages of a chat that another tab speaks for, whenever they change. */
export type MessagesListener = (chatId: string, messages: unknown[]) => void;

/** The state of a chat that nothing is known of, and of every chat while a server renders. */
export const idle: ChatConnectionState = { status: "idle" };

/**
 * The AI SDK's chat transport for Trigger.dev Sessions. A face of typed methods: the WebAssembly
 * core does the work, and is made when it is first needed, so that a transport can be made during
 * server rendering at no cost.
 */
export class TriggerChatTransport implements ChatTransport<UIMessage> {
  /** `reconnectToStream` replays the running turn from its start. The AI SDK reads it. */
  readonly resumeStreamIsReplay = true;

  #options: TriggerChatTransportOptions;
  #core: Core | undefined;
  #connections = new Map<string, ChatConnectionState>();
  #connectionListeners = new Set<ConnectionStateListener>();
  /** The other tabs, once they are open. */
  #tabs: Tabs | undefined;
  #opening: Promise<void> | undefined;
  /** The chats with a send that waits for that. */
  #beginning = new Set<string>();
  #readOnlyListeners = new Set<ReadOnlyListener>();
  #messagesListeners = new Set<MessagesListener>();

  /** @throws Where options exclude each other; what else is wrong with them is told at the first call. */
  constructor(options: TriggerChatTransportOptions) {
    checkStreamSource(options);
    this.#options = options;
  }

  /**
   * Sends a message, or asks for the last answer anew.
   *
   * @returns The stream of the answer's chunks, once the send is acknowledged.
   * @throws With `multiTab`, where another tab speaks for the chat.
   */
  sendMessages = async (options: SendMessagesOptions): Promise<ReadableStream<UIMessageChunk>> =>
    this.#send(options?.chatId, options);

  /**
   * Resumes a turn that may be running.
   *
   * @returns The stream of the whole turn, or `null` where there is nothing to resume.
   */
  reconnectToStream = async (
    options: ReconnectToStreamOptions,
  ): Promise<ReadableStream<UIMessageChunk> | null> => {
    const core = this.#made();
    checkCall(options);
    const { chatId, abortSignal, stopOnAbort } = options;
    const stream = await core.call("reconnect", { chatId, abortSignal, stopOnAbort });
    if (stream) this.#share(chatId, (chat) => chat.resumed());
    return stream;
  };

  /** Creates the session where it is not there yet. Needs `startSession`, unless a token is held. */
  async start(chatId: string): Promise<ChatSessionPersistedState> {
    return this.#made().call("start", { chatId });
  }

  /** Creates the session before the person types: the same as `start`, without its result. */
  async preload(chatId: string): Promise<void> {
    await this.start(chatId);
  }

  /**
   * Adds a message to what the running turn was asked: steering. The open stream goes on.
   *
   * @returns Whether it was delivered; `false` without a session.
   */
  sendPendingMessage = async (
    chatId: string,
    message: UIMessage,
    metadata?: Record<string, unknown>,
  ): Promise<boolean> => this.#steer(chatId, message, metadata).catch(() => false);

  /**
   * Sends an action of the app's own, for the agent's `onAction`.
   *
   * @returns The stream of what the agent answers: empty, where it only acts.
   */
  sendAction = async (
    chatId: string,
    action: unknown,
    options?: ChatActionOptions,
  ): Promise<ReadableStream<UIMessageChunk>> =>
    this.#send(chatId, { ...options, chatId, trigger: "action", body: { action } });

  /**
   * Writes a record to the session's input as it is. Whatever it brings about is no turn of this
   * transport's.
   *
   * @internal
   * @returns `false` without a session, or with a closed one.
   */
  sendRecord = async (chatId: string, record: ChatInputChunk): Promise<boolean> =>
    this.#steer(chatId, record, false);

  /**
   * Ends the running turn.
   *
   * @returns Whether the stop was delivered. Where not, the stream stays open.
   */
  stopGeneration = async (chatId: string): Promise<boolean> =>
    this.#made().call("stop", { chatId });

  /**
   * Hands on what the next turn writes at once, though a stopped turn has not shown its end: for an
   * app that knows that the stopped turn died.
   */
  clearSupersedeGate = (chatId: string): void => this.#made().tell({ type: "died", chatId });

  /** Whether the conversation is over, for good: no message is taken any more. */
  sessionStatus = (chatId: string): "open" | "closed" =>
    this.getSession(chatId)?.closed ? "closed" : "open";

  /** What the closer gave as its reason, where it did. */
  sessionClosedReason = (chatId: string): string | undefined =>
    this.getSession(chatId)?.closedReason;

  /** What the app has to store to resume this chat after a reload. */
  getSession = (chatId: string): ChatSessionPersistedState | undefined =>
    this.#made().getSession(chatId);

  /** Restores what the app had stored. */
  setSession(chatId: string, session: ChatSessionPersistedState): void {
    if (!hasToken(session)) {
      throw new TypeError("`publicAccessToken` is required: the session's token, a string.");
    }
    this.#made().restore("session", chatId, session);
  }

  /**
   * Tells up to which cursor the app holds the chat's messages, from a transcript it has loaded: the
   * first stream begins behind it. Where the session stands at a cursor already, that one counts; where
   * there is no session yet, the cursor is kept for it.
   */
  seedResumeCursor = (chatId: string, lastEventId: string): void =>
    this.#made().tell({ type: "cursor", chatId, lastEventId });

  /** How the chat's connection is, for a page to show. The same object until it changes. */
  connectionState = (chatId: string): ChatConnectionState => {
    this.#made();
    return this.#connections.get(chatId) ?? idle;
  };

  /** Calls the listener whenever the connection of any chat changes. */
  addConnectionStateListener = (listener: ConnectionStateListener): void => {
    this.#connectionListeners.add(listener);
  };

  /** Calls the listener no more. */
  removeConnectionStateListener = (listener: ConnectionStateListener): void => {
    this.#connectionListeners.delete(listener);
  };

  /**
   * Whether another tab speaks for the chat: with `multiTab`, from when the transport's first listener
   * was added, or its first message was sent.
   */
  isReadOnly(chatId: string): boolean {
    return this.#shared(chatId)?.isReadOnly ?? false;
  }

  /**
   * Whether this tab speaks for the chat: from the send on, while it is not yet known whether another
   * tab does, until a moment after the turn. Without `multiTab`, whether a turn of it runs here.
   */
  hasClaim(chatId: string): boolean {
    const isHeld = this.#shared(chatId)?.isHeld;
    return isHeld ?? (this.#hasTurn(chatId) || this.#beginning.has(chatId));
  }

  /** Calls the listener whenever a chat becomes another tab's, or is let go of. Needs `multiTab`. */
  addReadOnlyListener(listener: ReadOnlyListener): void {
    this.#readOnlyListeners.add(listener);
    void this.#opened();
  }

  /** Calls the listener no more. */
  removeReadOnlyListener(listener: ReadOnlyListener): void {
    this.#readOnlyListeners.delete(listener);
  }

  /**
   * Tells other tabs the messages of a chat, where this tab speaks for it: only what has changed, so call
   * it whenever they do. Messages that have changed are new objects, as React has them.
   */
  broadcastMessages(chatId: string, messages: unknown[]): void {
    this.#share(chatId, (chat) => chat.setMessages(messages));
  }

  /** Calls the listener with the messages of a chat that another tab speaks for. Needs `multiTab`. */
  addMessagesListener(listener: MessagesListener): void {
    this.#messagesListeners.add(listener);
    void this.#opened();
  }

  /** Calls the listener no more. */
  removeMessagesListener(listener: MessagesListener): void {
    this.#messagesListeners.delete(listener);
  }

  /** Makes a lost connection again without waiting any longer, for a "Try again" button. */
  retryNow = (chatId: string): void => {
    this.#core?.tell({ type: "retry", chatId });
  };

  /** Replaces the callback. */
  setOnSessionChange(callback: TriggerChatTransportOptions["onSessionChange"]): void {
    this.#set("onSessionChange", callback);
  }

  /** Replaces the callback. */
  setOnEvent(callback: ((event: ChatTransportEvent) => void) | undefined): void {
    this.#set("onEvent", callback);
  }

  /** Replaces the client data; the next send has it. */
  setClientData(clientData: Record<string, unknown> | undefined): void {
    this.#set("clientData", clientData);
  }

  /** Replaces the callback. */
  setAccessToken(accessToken: TriggerChatTransportOptions["accessToken"]): void {
    this.#set("accessToken", accessToken);
  }

  /** Replaces the callback. */
  setStartSession(
    startSession: TriggerChatTransportOptions<Record<string, unknown>>["startSession"],
  ): void {
    this.#set("startSession", startSession);
  }

  /** Replaces the function that sends requests; the next request is sent by it. */
  setFetch(fetch: ChatFetchOverride | undefined): void {
    this.#set("fetch", fetch);
  }

  /**
   * Lets go of every stream, request and timer. Turns go on at the server, messages on their way
   * arrive, and a later call brings the transport back to life.
   */
  dispose(): void {
    this.#core?.dispose();
    this.#tabs?.dispose();
    this.#tabs = undefined;
    this.#opening = undefined;
  }

  /** The AI SDK's name for `dispose`. */
  close(): void {
    this.dispose();
  }

  #made(): Core {
    if (!this.#core) {
      const options = coreOptions(this.#options, {
        onConnection: this.#connectionChanged,
        onSession: (chatId) => this.#tabs?.chat(chatId).sessionChanged(),
      });
      this.#core = new Core(options);
      this.#options = options;
      // A listener that is told of one may ask for more.
      for (const stored of options.stored) this.#core.restore("restored", ...stored);
    }
    return this.#core;
  }

  /** @throws At once, where there is no message. */
  #steer(chatId: string, message: object, metadata: object | false | undefined): Promise<boolean> {
    const core = this.#made();
    return core.call("steer", pendingOf(this.#options, chatId, message, metadata));
  }

  /** Sends something that begins a turn, where the chat is this tab's or nobody's. */
  async #send(chatId: string | undefined, call: object): Promise<ReadableStream<UIMessageChunk>> {
    const send = async () => {
      const core = this.#made();
      return core.call("send", sendOf(this.#options, call, this.getSession));
    };
    // Without a chat it is refused, in words.
    const opening = chatId ? this.#opened() : undefined;
    if (!chatId || !opening) return send();
    if (!this.#tabs) await this.#waitFor(opening, chatId);
    if (!this.#tabs || this.#opening !== opening) throw abortError();
    return this.#tabs.chat(chatId).begin(send);
  }

  async #waitFor(opening: Promise<void>, chatId: string): Promise<void> {
    this.#beginning.add(chatId);
    try {
      await opening;
    } catch (error) {
      // The next send tries again.
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    } finally {
      this.#beginning.delete(chatId);
    }
  }

  #hasTurn(chatId: string): boolean {
    const { status } = this.#connections.get(chatId) ?? idle;
    return status !== "idle" && status !== "closed";
  }

  /** The chat as other tabs share it. While they are being opened it is none, and is asked for then. */
  #shared(chatId: string): SharedChat | undefined {
    if (this.#opening !== undefined && !this.#tabs) this.#share(chatId, () => {});
    return this.#tabs?.chat(chatId);
  }

  /** Does something with the chat as other tabs share it, where there are any to share it with. */
  #share(chatId: string, use: (chat: SharedChat) => void): void {
    const opening = this.#opened();
    if (this.#tabs) {
      // At once: the page may be put away in this moment.
      use(this.#tabs.chat(chatId));
    } else {
      void opening?.then(
        () => this.#tabs && use(this.#tabs.chat(chatId)),
        () => {},
      );
    }
  }

  /** Opens the other tabs; there are none on a server, nor for whoever only watches. */
  #opened(): Promise<void> | undefined {
    const { multiTab, watch } = this.#options;
    if (!multiTab || watch || !hasTabs()) return undefined;
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Whoever wants no `multiTab` does not download it. */
  #open(): Promise<void> {
    const opening = import("./tabs/tabs.js").then(({ Tabs }) => {
      // Disposed meanwhile.
      if (this.#opening !== opening) return;
      const host: TabsHost = {
        abortError,
        hasTurn: (chatId) => this.#hasTurn(chatId),
        session: this.getSession,
        adopt: (chatId, session) => this.#made().restore("adopt", chatId, session),
        readOnlyChanged: (chatId, isReadOnly) =>
          tellEach(this.#readOnlyListeners, chatId, isReadOnly),
        messagesChanged: (chatId, messages) => tellEach(this.#messagesListeners, chatId, messages),
      };
      this.#tabs = compiling(() => new Tabs(host));
    });
    opening.catch((error) => console.error("`multiTab` could not be loaded:", error));
    return opening;
  }

  #connectionChanged = (chatId: string, state: ChatConnectionState): void => {
    this.#connections.set(chatId, state);
    this.#tabs?.chat(chatId).turnChanged();
    tellEach(this.#connectionListeners, chatId, state);
  };

  /** Sets an option that is live: in the core, or where there is none yet, for the one to be made. */
  #set<Key extends keyof TriggerChatTransportOptions>(
    key: Key,
    value: TriggerChatTransportOptions[Key],
  ): void {
    if (this.#core) {
      if (key !== "clientData") checkCallback(key, value);
      checkStreamSource({ ...this.#options, [key]: value });
      // A copy, which the core looks things up in.
      this.#options[key] = value;
      this.#core.optionsChanged();
    } else {
      this.#options = { ...this.#options, [key]: value };
    }
  }
}

/** Tells every listener, whatever another one does. */
function tellEach<Fact>(
  listeners: Set<(chatId: string, fact: Fact) => void>,
  chatId: string,
  fact: Fact,
): void {
  for (const listener of listeners) {
    try {
      listener(chatId, fact);
    } catch (error) {
      console.error("A callback threw:", error);
    }
  }
}

/** Makes a transport; the same as its constructor. */
export function createChatTransport(options: TriggerChatTransportOptions): TriggerChatTransport {
  return new TriggerChatTransport(options);
}
