import type { ModelMessage, UIMessage, UIMessageChunk } from "ai";
import { TriggerChatTransport } from "../transport.js";
import type {
  ChatBaseURLResolver,
  ChatFetchOverride,
  ChatInputChunk,
  ChatSessionPersistedState,
  ChatTransportEvent,
  InferChatClientData,
} from "../types.js";
import { closedError } from "./api-error.js";
import { authorizedFetch } from "./authorized-fetch.js";
import { ChatStream } from "./chat-stream.js";
import { createSession, type SessionTriggerConfig } from "./create-session.js";
import { type Environment, readEnvironment } from "./environment.js";

/** What a server stores of a chat, to go on with it in another process. */
export type ChatSession = {
  /** The cursor at the start of the running turn, so that `reconnect` gives it whole; else the last one. */
  lastEventId?: string;
};

/** Options of `AgentChat`. */
export type AgentChatOptions<TAgent = unknown> = {
  /** The id of the agent's task. */
  agent: string;
  /** The chat's id. Default: a random one. */
  id?: string;
  /** Sent with every message and at the session's creation. */
  clientData?: InferChatClientData<TAgent>;
  /**
   * What was stored of the chat: its session is there already. A chat id that was used before, given
   * without this, shows what is left of its earlier turns before the next answer.
   */
  session?: ChatSession;
  /** Told when the chat's first run was triggered, also when a session that was lost is made anew. */
  onTriggered?: (event: { runId: string; chatId: string }) => void | Promise<void>;
  /** Told when a turn is over: the time to store its cursor. What it throws is ignored. */
  onTurnComplete?: (event: { chatId: string; lastEventId?: string }) => void | Promise<void>;
  /** The long-poll window that is asked for, in seconds. Default: 120. */
  streamTimeoutSeconds?: number;
  /** How the session's runs are started. */
  triggerConfig?: SessionTriggerConfig;
  /**
   * The service's base URL, or a function that picks it for each request to the session. Sessions are
   * created at `TRIGGER_API_URL`; where the environment has none, at this one if it is a string.
   * Default: `https://api.trigger.dev`.
   */
  baseURL?: string | ChatBaseURLResolver;
  /** Sends every request to the session in place of the global `fetch`; not the one that creates it. */
  fetch?: ChatFetchOverride;
  /** The key that this server calls the service with. Default: `TRIGGER_SECRET_KEY` of the environment. */
  secretKey?: string;
};

/** A message, or what looks like one. */
type AnyMessage = { id: string; role: string; parts?: unknown[]; [key: string]: unknown };

/** Stands in the core for the token: the key takes its place in each request. */
const NO_TOKEN = "none";

/**
 * A server's chat with an agent. A thin layer over the transport that browsers use, with a secret key
 * in place of the session token: what it promises of sends and streams holds here too.
 */
export class AgentChat<TAgent = unknown> {
  #options: AgentChatOptions<TAgent>;
  #id: string;
  /** Made at the first use, so that a chat can be made where there is no key. */
  #service: { environment: Environment; transport: TriggerChatTransport } | undefined;
  /** The session is there. */
  #isStarted: boolean;
  /** It has this object's configuration as well. */
  #isConfigured = false;
  #configuring: Promise<void> | undefined;

  constructor(options: AgentChatOptions<TAgent>) {
    this.#options = options;
    this.#id = options.id ?? randomId();
    this.#isStarted = Boolean(options.session);
  }

  /** The chat's id. */
  get id(): string {
    return this.#id;
  }

  /** What to store, for the `session` option of the next process. */
  get session(): ChatSession {
    const { transport } = this.#service ?? {};
    const stored = transport ? transport.getSession(this.#id) : this.#options.session;
    return stored?.lastEventId === undefined ? {} : { lastEventId: stored.lastEventId };
  }

  /** Creates the session and triggers its first run, before there is anything to say. */
  async preload(options?: { idleTimeoutInSeconds?: number }): Promise<ChatSession> {
    await this.#start(options?.idleTimeoutInSeconds);
    return this.session;
  }

  /**
   * Sends a text.
   *
   * @returns The answer, once the message is acknowledged.
   */
  async sendMessage(text: string, options?: { abortSignal?: AbortSignal }): Promise<ChatStream> {
    return new ChatStream(await this.sendRaw([userMessage("msg", text)], options));
  }

  /** Sends the last of these messages, or asks for the last answer anew. */
  async sendRaw(
    messages: UIMessage[] | AnyMessage[],
    options?: { trigger?: "submit-message" | "regenerate-message"; abortSignal?: AbortSignal },
  ): Promise<ReadableStream<UIMessageChunk>> {
    await this.#start();
    return this.#connected().transport.sendMessages({
      chatId: this.#id,
      trigger: options?.trigger ?? "submit-message",
      messageId: undefined,
      messages: messages as UIMessage[],
      abortSignal: options?.abortSignal,
    });
  }

  /**
   * Sends an action of the app's own, for the agent's `onAction`.
   *
   * @returns What the agent answers: nothing, where it only acts.
   */
  async sendAction(action: unknown, options?: { abortSignal?: AbortSignal }): Promise<ChatStream> {
    await this.#start();
    return new ChatStream(await this.#connected().transport.sendAction(this.#id, action, options));
  }

  /**
   * Adds a message to what the running turn was asked. The open stream goes on.
   *
   * @returns Whether it was delivered.
   */
  async steer(text: string): Promise<boolean> {
    if (!this.#isStarted) return false;
    return this.#connected().transport.sendPendingMessage(this.#id, userMessage("steer", text));
  }

  /** Ends the running turn. The agent waits for the next one. */
  async stop(): Promise<void> {
    if (this.#isStarted) await this.#connected().transport.stopGeneration(this.#id);
  }

  /**
   * Tells the agent that the conversation is over.
   *
   * @returns Whether it was told.
   */
  async close(): Promise<boolean> {
    if (!this.#isStarted) return false;
    const payload = { chatId: this.#id, trigger: "close" } as const;
    const sent = this.#sendRecord({ kind: "message", payload });
    const wasSent = await sent.then(
      () => true,
      () => false,
    );
    if (wasSent) {
      this.#isStarted = false;
      this.#isConfigured = false;
    }
    return wasSent;
  }

  /**
   * Reads the running turn from its start, whoever has sent what it answers.
   *
   * @returns Its stream, which ends at once where no turn runs; `null` where a stream of this chat is
   * open here, and where there is no session or a closed one.
   */
  async reconnect(abortSignal?: AbortSignal): Promise<ReadableStream<UIMessageChunk> | null> {
    if (!this.#isStarted) return null;
    const { transport } = this.#connected();
    this.#forgetThatNothingRuns(transport);
    return transport.reconnectToStream({ chatId: this.#id, abortSignal });
  }

  /** Hands an answer that was begun elsewhere over to the agent, which waits for it. */
  async sendHandover(handover: {
    partialAssistantMessage: ModelMessage[];
    /** The id of the answer's message, which the agent goes on with. */
    messageId?: string;
    /** Whether that is the whole answer. */
    isFinal: boolean;
  }): Promise<void> {
    const { partialAssistantMessage, messageId, isFinal } = handover;
    await this.#sendRecord({
      kind: "handover",
      partialAssistantMessage,
      ...(messageId === undefined ? {} : { messageId }),
      isFinal,
    });
  }

  /** Tells the agent that there is nothing to hand over. */
  async sendHandoverSkip(): Promise<void> {
    await this.#sendRecord({ kind: "handover-skip" });
  }

  async #sendRecord(record: ChatInputChunk): Promise<void> {
    const { transport } = this.#connected();
    if (await transport.sendRecord(this.#id, record)) return;
    throw closedError(this.#id, transport.sessionClosedReason(this.#id));
  }

  #connected() {
    this.#service ??= this.#connect();
    return this.#service;
  }

  #connect() {
    const { agent, baseURL, clientData, fetch, streamTimeoutSeconds, secretKey } = this.#options;
    const environment = readEnvironment(secretKey);
    const { branch, apiURL } = environment;
    const base = baseURL ?? apiURL;
    const creatingURL = apiURL ?? (typeof baseURL === "string" ? baseURL : undefined);
    const transport = new TriggerChatTransport({
      task: agent,
      accessToken: () => NO_TOKEN,
      // Only for a session that the service has lost.
      startSession: async () => {
        this.#isStarted = false;
        await this.#create();
        return { publicAccessToken: NO_TOKEN };
      },
      fetch: authorizedFetch(environment.secretKey, fetch),
      sessions: { [this.#id]: restored(this.#options.session) },
      onEvent: this.#onEvent,
      ...(streamTimeoutSeconds === undefined ? {} : { streamTimeoutSeconds }),
      ...(base === undefined ? {} : { baseURL: base }),
      ...(clientData ? { clientData: clientData as Record<string, unknown> } : {}),
      ...(branch === undefined ? {} : { headers: { "x-trigger-branch": branch } }),
    });
    return { environment: { ...environment, apiURL: creatingURL }, transport };
  }

  /** The session is there from here on, with this object's configuration. */
  #start(idleTimeoutInSeconds?: number): Promise<void> {
    if (this.#isStarted && this.#isConfigured) return Promise.resolve();
    this.#configuring ??= this.#create(idleTimeoutInSeconds).finally(() => {
      this.#configuring = undefined;
    });
    return this.#configuring;
  }

  async #create(idleTimeoutInSeconds?: number): Promise<void> {
    const { agent, clientData, triggerConfig, onTriggered } = this.#options;
    const { runId } = await createSession(this.#connected().environment, {
      taskId: agent,
      chatId: this.#id,
      clientData: clientData as Record<string, unknown> | undefined,
      triggerConfig,
      idleTimeoutInSeconds,
    });
    const isNew = !this.#isStarted;
    this.#isStarted = true;
    this.#isConfigured = true;
    // Whoever gave a session knows of it: a hook that writes a row would write it again.
    if (isNew) await onTriggered?.({ runId, chatId: this.#id });
  }

  #onEvent = (event: ChatTransportEvent): void => {
    if (event.type !== "turn-completed") return;
    const { chatId, lastEventId } = event;
    const told = { chatId, ...(lastEventId === undefined ? {} : { lastEventId }) };
    Promise.resolve(this.#options.onTurnComplete?.(told)).catch(() => {});
  };

  /** A turn may run that another process has begun: the service is asked. */
  #forgetThatNothingRuns(transport: TriggerChatTransport): void {
    const session = transport.getSession(this.#id);
    const isIdle = transport.connectionState(this.#id).status === "idle";
    if (session?.isStreaming !== false || !isIdle) return;
    const { isStreaming, ...unknown } = session;
    transport.setSession(this.#id, unknown);
  }
}

function restored({ lastEventId }: ChatSession = {}): ChatSessionPersistedState {
  return { publicAccessToken: NO_TOKEN, ...(lastEventId === undefined ? {} : { lastEventId }) };
}

function userMessage(prefix: string, text: string): UIMessage {
  const id = `${prefix}-${Date.now()}-${Math.random().toString(36).slice(2, 8)}`;
  return { id, role: "user", parts: [{ type: "text", text }] };
}

/** Node 18 has no global `crypto`; the id tells chats apart, and guards no secret. */
function randomId(): string {
  if (typeof crypto !== "undefined") return crypto.randomUUID();
  const digit = () => Math.floor(Math.random() * 36).toString(36);
  return Array.from({ length: 25 }, digit).join("");
}
