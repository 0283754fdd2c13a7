import type { ModelMessage, UIMessage } from "ai";

/** Arguments of the `accessToken` callback. */
export type AccessTokenParams = {
  /** The app's chat id. */
  chatId: string;
};

/** Arguments of the `startSession` callback. */
export type StartSessionParams<TClientData = unknown> = {
  /** The transport's `task`. */
  taskId: string;
  /** The app's chat id. */
  chatId: string;
  /** The transport's `clientData` of now; `{}` when it has none. */
  clientData: TClientData;
};

/** What `startSession` gives. */
export type StartSessionResult = {
  /** The session token: `read:sessions:{chatId}` and `write:sessions:{chatId}`. */
  publicAccessToken: string;
  /** The run waits for its deployment; told to `onEvent` as `run-pending-version`. */
  pendingVersion?: boolean;
};

/** What an app stores for each chat, to resume it after a reload. No member is ever `undefined`. */
export type ChatSessionPersistedState = {
  /** The session token. */
  publicAccessToken: string;
  /** The cursor at the start of the running turn, so that a reload replays it whole; else the last one. */
  lastEventId?: string;
  /** The seq of the last send in the session's input, until its turn is complete. */
  activeInputSeq?: number;
  /** Whether a turn runs. An app may drop it: the server knows as well. */
  isStreaming?: boolean;
  /** The conversation is over, for good. */
  closed?: boolean;
  /** What the closer gave as its reason. */
  closedReason?: string;
};

/** Which of a session's channels a request is for: `in` takes messages, `out` streams answers. */
export type ChatTransportEndpoint = "in" | "out";

/** What `baseURL` and `fetch` are told about a request. */
export type ChatTransportEndpointContext = {
  /** The channel that it is for. */
  endpoint: ChatTransportEndpoint;
  /** The app's chat id. */
  chatId: string;
};

/** Picks the base URL of a request. */
export type ChatBaseURLResolver = (ctx: ChatTransportEndpointContext) => string;

/** Sends a request in place of the global `fetch`. `init.headers` is a plain object. */
export type ChatFetchOverride = (
  url: string,
  init: RequestInit,
  ctx: ChatTransportEndpointContext,
) => Promise<Response>;

/** Which path a send took. */
export type ChatTransportSendSource =
  | "submit-message"
  | "regenerate-message"
  | "steer"
  | "action"
  | "stop"
  | "head-start";

/** The record that told that an action was processed. */
export type ChatActionSettlement = {
  /** The seq of the action in the session's input. */
  inputSeq: number;
  /** How far the agent had read the session's input: to `inputSeq`, or further. */
  sessionInEventId: string;
  /** The cursor of the record, in the session's output. */
  lastEventId?: string;
};

/** Options of `sendAction`. */
export type ChatActionOptions = {
  /** Ends the stream; while the turn runs, it is stopped. */
  abortSignal?: AbortSignal;
  /** Merged over the transport's `clientData`, for this action. */
  metadata?: Record<string, unknown>;
  /**
   * Called at most once, before the stream closes, when the action is known to be processed. What it
   * throws is ignored. An action may have been processed without it: when the stream is ended before.
   */
  onSettled?: (settlement: ChatActionSettlement) => void;
};

/**
 * A lifecycle event. Within a turn: `message-sent`, `stream-connected`, `first-chunk`, `turn-completed`.
 *
 * Times of day are in Unix milliseconds, durations in milliseconds. `lastEventId` is the cursor, `status` the
 * service's HTTP status, `messageId` the message that the app has sent; `durationMs` is how long a send took, to its
 * acknowledgement or its failure, and `bodyBytes` how large it was.
 */
export type ChatTransportEvent =
  | {
      type: "run-pending-version";
      chatId: string;
      timestamp: number;
      source: "start" | "send" | "head-start" | "upgrade";
    }
  | {
      type: "message-sent";
      chatId: string;
      timestamp: number;
      messageId?: string;
      source: ChatTransportSendSource;
      durationMs: number;
      /** The idempotency key of the append; the stored record has it too. */
      partId?: string;
      bodyBytes?: number;
    }
  | {
      type: "message-send-failed";
      chatId: string;
      timestamp: number;
      messageId?: string;
      source: ChatTransportSendSource;
      error: Error;
      status?: number;
      durationMs: number;
      partId?: string;
      bodyBytes?: number;
    }
  | {
      type: "stream-connected";
      chatId: string;
      timestamp: number;
      /** Whether it was opened by `reconnectToStream`, not by a send. */
      resumed: boolean;
      lastEventId?: string;
      messageId?: string;
    }
  | {
      type: "stream-error";
      chatId: string;
      timestamp: number;
      error: Error;
      status?: number;
    }
  | {
      type: "session-closed";
      chatId: string;
      timestamp: number;
      /** What the closer gave as its reason. */
      reason?: string;
      source: "stream" | "append";
    }
  | {
      type: "first-chunk";
      chatId: string;
      timestamp: number;
      /** The `type` of the chunk. */
      chunkType?: string;
      lastEventId?: string;
      messageId?: string;
      /** Milliseconds since the last send that started a turn was acknowledged. */
      sinceSendMs?: number;
    }
  | {
      type: "turn-completed";
      chatId: string;
      timestamp: number;
      lastEventId?: string;
      /** How far the agent had read the session's input. */
      sessionInEventId?: string;
      messageId?: string;
      sinceSendMs?: number;
    };

/** How a chat's connection to its answers is. */
export type ChatConnectionState =
  | {
      /**
       * - `idle`: no answer is awaited.
       * - `connecting`: a message is on its way, or the first request for its answer.
       * - `live`: the answer arrives.
       * - `waiting`: connected, and the agent is silent.
       * - `offline`: the connection was lost, and the browser says that there is no network. It is
       *   made again when there is.
       * - `closed`: the conversation is over, for good.
       */
      status: "idle" | "connecting" | "live" | "waiting" | "offline" | "closed";
    }
  | {
      /** The connection was lost, and is made again. What was shown stays; the rest follows it. */
      status: "reconnecting";
      /** How often it was lost since the last sign of life, from 1. */
      attempt: number;
      /** When the next attempt leaves, in Unix milliseconds. Absent while one is under way. */
      nextTryAt?: number;
    };

type ClientData<TClientData> =
  TClientData extends Record<string, unknown> ? TClientData : Record<string, unknown>;

/** Options of the transport. */
export type TriggerChatTransportOptions<TClientData = unknown> = {
  /** The id of the agent's task; handed to `startSession` as `taskId`. */
  task: string;
  /** Gives a fresh session token. Called after a 401 or 403, or when there is no token and no `startSession`. */
  accessToken: (params: AccessTokenParams) => string | Promise<string>;
  /**
   * Creates the session, or finds it. Called by `start` and `preload`, before the first send of a
   * chat, and when the service has lost the session. One call at a time for each chat.
   */
  startSession?: (
    params: StartSessionParams<ClientData<TClientData>>,
  ) => Promise<StartSessionResult>;
  /** The service's base URL, or a function that picks it for each request. Default: `https://api.trigger.dev`. */
  baseURL?: string | ChatBaseURLResolver;
  /**
   * The base URL of `out` alone.
   * @deprecated Pass a function as `baseURL`.
   */
  streamBaseURL?: string;
  /** Sends every request of a session in place of the global `fetch`. */
  fetch?: ChatFetchOverride;
  /** Added to every request of a session. The transport's own headers win. */
  headers?: Record<string, string>;
  /**
   * `"eventsource"`: answers are read by the host's own `EventSource`, from a proxy of the app's that
   * knows its users by a cookie. `baseURL` is that proxy's; the session token is sent nowhere, though
   * `accessToken` is still asked after a refusal, to renew the cookie; `fetch` and `headers` cannot be
   * had. Default: `"fetch"`.
   */
  streamSource?: "fetch" | "eventsource";
  /** With `streamSource: "eventsource"`: the cookie goes to a proxy of another origin, too. Default: false. */
  withCredentials?: boolean;
  /** The long-poll window that is asked for, in seconds. Default: 120. */
  streamTimeoutSeconds?: number;
  /**
   * `"auto"`: while 64 or more chunks wait unread, adjacent deltas of one part become one, so that a
   * long answer that is read again costs less; no text is lost, and nothing changes places. And what a
   * fast answer brings within 16 ms, a frame of a display, is read together. `false`: each chunk is
   * handed on as it was written, when it comes. Default: `"auto"`.
   */
  coalesce?: "auto" | false;
  /**
   * For how long a send is tried again over a bad network, in seconds; while the browser says that
   * there is none, the clock waits. 0: never. Default: 60.
   */
  sendTimeoutSeconds?: number;
  /** Whether aborting a send's signal stops its turn. Default: true. */
  stopOnAbort?: boolean;
  /**
   * Only reads, whoever sends: the stream that `reconnectToStream` gives shows every turn there is, and
   * stays open between them. Default: false.
   */
  watch?: boolean;
  /**
   * Whether one tab speaks for a chat at a time, and all others of the origin follow it: see
   * `useMultiTabChat`. A send is then refused while another tab speaks. Nothing without
   * `BroadcastChannel`, on a server, and with `watch`. Default: false.
   */
  multiTab?: boolean;
  /**
   * The URL of a route of the app's own, which answers the first message of a chat that has no session
   * yet, and creates the session meanwhile: the SDK's `chat.headStart`. It is fetched by the global
   * `fetch`, with `headers`.
   */
  headStart?: string;
  /** @internal Whether whoever aborts a signal now goes away, and stops no turn. Must not throw. */
  isLeaving?: () => boolean;
  /** Merged into the `metadata` of every send, where the send's own wins, and given to `startSession`. */
  clientData?: ClientData<TClientData>;
  /** What the app had stored, by chat id, to resume after a reload. */
  sessions?: Record<string, ChatSessionPersistedState>;
  /** Told whenever a chat's persisted state changes. */
  onSessionChange?: (chatId: string, session: ChatSessionPersistedState | null) => void;
  /** Told every lifecycle event. What it throws is swallowed, but what its promise rejects with is not. */
  onEvent?: (event: ChatTransportEvent) => void;
};

/** A message to an agent, as it stands in the session's input. One record holds one message at most. */
export type ChatTaskWirePayload<TMessage extends UIMessage = UIMessage, TMetadata = unknown> = {
  /** The person's message, or the agent's own with the answers to its tool calls: of a submit alone. */
  message?: TMessage;
  /** The whole history; only where the first turn begins at the app's own server. */
  headStartMessages?: TMessage[];
  /** The app's chat id. */
  chatId: string;
  /** What the agent shall do. `handover-prepare`: wait for what the app's own server has begun. */
  trigger:
    | "submit-message"
    | "regenerate-message"
    | "preload"
    | "close"
    | "action"
    | "handover-prepare";
  /** The message that is sent again or answered anew, where the call has named one. */
  messageId?: string;
  /** The client data, and above it the send's own metadata. */
  metadata?: TMetadata;
  /** What an `action` asks for. An agent may have a schema for it. */
  action?: unknown;
  /** Where an `action` comes from. Default: `client`. */
  actionSource?: "client" | "webhook" | "channel";
  /** In place of a message: what came in over a channel, such as a messenger. */
  channelEvent?: {
    /** The channel's connection to the service. */
    connectorId: string;
    /** What came in, as the channel has it. */
    event: unknown;
    /** The kind of channel. */
    source: string;
    /** The headers that it came with. */
    headers: Record<string, string>;
    /** The service's id of the delivery: a retry has the same, a replay another one. */
    deliveryId: string;
    /** The channel's own id of it: a replay has the same. */
    externalDeliveryId?: string;
  };
  /** Whether an earlier run of this chat has ended. */
  continuation?: boolean;
  /** The run that has ended. */
  previousRunId?: string;
  /** How long the run waits for the next message. */
  idleTimeoutInSeconds?: number;
  /** The service's id of the session. */
  sessionId?: string;
};

/** A record of the session's input. */
export type ChatInputChunk<TMessage extends UIMessage = UIMessage, TMetadata = unknown> =
  | {
      /** Begins a turn, or is taken into the one that runs. */
      kind: "message";
      /** The message, and what goes with it. */
      payload: ChatTaskWirePayload<TMessage, TMetadata>;
    }
  | {
      /** Stops the turn that runs. */
      kind: "stop";
      /** Why, for people to read. */
      message?: string;
    }
  | {
      /** The app's own server has begun the answer, and hands it over. */
      kind: "handover";
      /** What there is of the answer. */
      partialAssistantMessage: ModelMessage[];
      /** The id of the answer's message, which the agent goes on with. */
      messageId?: string;
      /** Whether that is the whole answer. */
      isFinal: boolean;
    }
  | {
      /** The app's own server has given up: there is nothing to hand over. */
      kind: "handover-skip";
    };

/** What of a Trigger.dev task's type the hooks look at. The SDK itself is no dependency. */
export type AnyChatTask = {
  /** The task's id. */
  id: string;
  /** Of its type, the payload is what counts. */
  // biome-ignore lint/suspicious/noExplicitAny: a constraint that every task has to meet, and no value's type
  trigger: (payload: any, ...rest: any[]) => unknown;
};

type PayloadOf<TTask extends AnyChatTask> = Parameters<TTask["trigger"]>[0];

/**
 * The client data of an agent, from its type: what its `clientDataSchema` takes; without one, any
 * record.
 */
export type InferChatClientData<TTask> = TTask extends AnyChatTask
  ? PayloadOf<TTask> extends { chatId: string; metadata?: infer TMetadata }
    ? unknown extends TMetadata
      ? Record<string, unknown>
      : TMetadata
    : Record<string, unknown>
  : Record<string, unknown>;

/** The UI message of an agent, from its type. */
export type InferChatUIMessage<TTask> = TTask extends AnyChatTask
  ? PayloadOf<TTask> extends { chatId: string; message?: infer TMessage extends UIMessage }
    ? TMessage
    : UIMessage
  : UIMessage;

/** Options of `useTriggerChatTransport`; with an agent's type, its id and client data are checked. */
export type UseTriggerChatTransportOptions<TTask extends AnyChatTask = AnyChatTask> = Omit<
  TriggerChatTransportOptions<InferChatClientData<TTask>>,
  "task"
> & {
  /** The id of the agent's task. */
  task: TTask["id"];
};
