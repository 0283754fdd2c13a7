// An app that makes its transport itself.
import {
  type AccessTokenParams,
  type ChatBaseURLResolver,
  type ChatFetchOverride,
  type ChatSessionPersistedState,
  type ChatTransportEndpoint,
  type ChatTransportEndpointContext,
  createChatTransport,
  type StartSessionParams,
  type StartSessionResult,
  TriggerChatTransport,
  type TriggerChatTransportOptions,
} from "@trigger.dev/sdk/chat";
import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import { type Equal, proves } from "./equal.js";

type User = { userId: string; model?: string };

const fetchToken = async ({ chatId }: AccessTokenParams): Promise<string> => chatId;

const startSession = async (
  params: StartSessionParams<Record<string, unknown>>,
): Promise<StartSessionResult> => {
  params.taskId satisfies string;
  params.chatId satisfies string;
  params.clientData.anything satisfies unknown;
  return { publicAccessToken: params.chatId, pendingVersion: true };
};

const baseOf: Record<ChatTransportEndpoint, string> = { in: "/in", out: "/out" };
const baseURL: ChatBaseURLResolver = ({ endpoint, chatId }) => baseOf[endpoint] + chatId;

const fetchWithTrace: ChatFetchOverride = (url, init, ctx: ChatTransportEndpointContext) => {
  const headers = new Headers(init.headers);
  headers.set("x-trace", `${ctx.endpoint} ${ctx.chatId}`);
  init.headers = headers;
  return fetch(url, init);
};

const stored: Record<string, ChatSessionPersistedState> = {
  running: { publicAccessToken: "t", lastEventId: "7", activeInputSeq: 2, isStreaming: true },
  closed: { publicAccessToken: "t", closed: true, closedReason: "done" },
};

const options: TriggerChatTransportOptions = {
  task: "my-agent",
  accessToken: fetchToken,
  startSession,
  baseURL,
  streamBaseURL: "https://stream.example.com",
  fetch: fetchWithTrace,
  headers: { "x-app": "1" },
  streamTimeoutSeconds: 60,
  clientData: { userId: "u" },
  sessions: stored,
  onSessionChange: (chatId, session) => {
    if (session) stored[chatId] = session;
    else delete stored[chatId];
  },
  onEvent: (event) => console.log(event.type, event.chatId, event.timestamp),
};

export const transport: TriggerChatTransport = createChatTransport(options);
export const smallest = new TriggerChatTransport({ task: "my-agent", accessToken: () => "t" });

// @ts-expect-error: there has to be a way to a token
new TriggerChatTransport({ task: "my-agent" });
// @ts-expect-error: there has to be a task
new TriggerChatTransport({ accessToken: fetchToken });
// @ts-expect-error: a token is a text
new TriggerChatTransport({ task: "my-agent", accessToken: () => 1 });
// @ts-expect-error: no such option
new TriggerChatTransport({ task: "my-agent", accessToken: fetchToken, retries: 3 });
// @ts-expect-error: client data is a record
new TriggerChatTransport({ task: "my-agent", accessToken: fetchToken, clientData: "u" });

/** Options that know the client data. */
export const typed: TriggerChatTransportOptions<User> = {
  task: "my-agent",
  accessToken: fetchToken,
  clientData: { userId: "u" },
  startSession: async ({ clientData }) => {
    clientData satisfies User;
    // @ts-expect-error: there is no such member
    clientData.nobody;
    return { publicAccessToken: clientData.userId };
  },
};
// @ts-expect-error: `userId` is missing
typed.clientData = { model: "m" };
// @ts-expect-error: what is made for one user's data is not asked for any other's
new TriggerChatTransport(typed);

proves<{
  eachOfTwo: Equal<
    NonNullable<TriggerChatTransportOptions<{ a: 1 } | { b: 2 }>["clientData"]>,
    { a: 1 } | { b: 2 }
  >;
  anyRecordWhereItIsNone: Equal<
    NonNullable<TriggerChatTransportOptions<string>["clientData"]>,
    Record<string, unknown>
  >;
}>();

// The AI SDK's side, also for an app with messages of its own.
export const forMessages: ChatTransport<UIMessage> = transport;
type Message = UIMessage<{ tag: string }, { progress: { percent: number } }>;
export const forOwnMessages: ChatTransport<Message> = transport;

/** What an app calls, methods without their object among it. */
export async function use(message: Message, signal: AbortSignal): Promise<void> {
  const { sendMessages, reconnectToStream, sendPendingMessage, stopGeneration, getSession } =
    transport;
  const ofTurn = { chatId: "c", messages: [message], messageId: undefined, abortSignal: signal };
  const stream = await sendMessages({ ...ofTurn, trigger: "submit-message", body: { model: "m" } });
  stream satisfies ReadableStream<UIMessageChunk>;
  await sendMessages({ ...ofTurn, trigger: "regenerate-message", metadata: { tag: 1 } });
  // @ts-expect-error: no such trigger
  await sendMessages({ ...ofTurn, trigger: "resubmit" });

  const resumed = await reconnectToStream({ chatId: "c" });
  resumed satisfies ReadableStream<UIMessageChunk> | null;
  await reconnectToStream({ chatId: "c", abortSignal: undefined, headers: { "x-app": "1" } });
  await reconnectToStream({ chatId: "c", abortSignal: signal, stopOnAbort: true });

  (await sendPendingMessage("c", message)) satisfies boolean;
  (await sendPendingMessage("c", message, { model: "m" })) satisfies boolean;
  (await stopGeneration("c")) satisfies boolean;

  (await transport.start("c")) satisfies ChatSessionPersistedState;
  await transport.preload("c");

  const session = getSession("c");
  if (session) transport.setSession("c", session);
  // @ts-expect-error: there may be none
  transport.setSession("c", getSession("c"));
  // @ts-expect-error: a session has its token
  transport.setSession("c", { lastEventId: "1" });
}

/** Every option that is live, given and taken back. */
export function change(): void {
  transport.setOnSessionChange((_chatId, session) => session?.lastEventId);
  transport.setOnSessionChange(undefined);
  transport.setOnEvent((event) => event.type);
  transport.setOnEvent(undefined);
  transport.setClientData({ userId: "u" });
  transport.setClientData(undefined);
  // @ts-expect-error: client data is a record
  transport.setClientData("u");
  transport.setAccessToken(async ({ chatId }) => chatId);
  transport.setAccessToken(({ chatId }) => chatId);
  // @ts-expect-error: a transport always has a way to a token
  transport.setAccessToken(undefined);
  transport.setStartSession(startSession);
  transport.setStartSession(undefined);
  transport.setFetch(fetchWithTrace);
  transport.setFetch(undefined);
  transport.dispose();
}
