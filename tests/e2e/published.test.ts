// The published client alone with the session server: what works here works with the service, so what
// the other tests find about our client they do not find about a server of our own making.
import { TriggerChatTransport } from "@trigger.dev/sdk/chat";
import type { UIMessageChunk } from "ai";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { said, send } from "./support/recorder";
import { BUILD_TIMEOUT_MS, type SessionServer, startServer } from "./support/server";

// Only a fault takes this long.
vi.setConfig({ testTimeout: 120_000 });

type Options = ConstructorParameters<typeof TriggerChatTransport>[0];
type Stream = ReadableStream<UIMessageChunk>;

let server: SessionServer;
let chats = 0;

beforeAll(async () => {
  server = await startServer();
}, BUILD_TIMEOUT_MS);
afterAll(() => server?.stop());

/** An app with one chat of its own: its transport, and what it has been told. */
function openApp(options: Partial<Options> = {}, at = server, agent: "echo" | "story" = "echo") {
  const chatId = `chat ${++chats}`;
  const app = {
    chatId,
    tokensAsked: 0,
    events: [] as string[],
    stored: undefined as Options["sessions"],
    /** A page load: a transport that knows what the app has stored. */
    load(): TriggerChatTransport {
      const transport = new TriggerChatTransport({
        task: agent,
        baseURL: at.url,
        startSession: async () => ({ publicAccessToken: await at.createSession(chatId, agent) }),
        accessToken: () => {
          app.tokensAsked++;
          return at.createSession(chatId, agent);
        },
        onEvent: ({ type }) => app.events.push(type),
        onSessionChange: (id, session) => {
          if (session) app.stored = JSON.parse(JSON.stringify({ [id]: session }));
        },
        clientData: { paceMs: 0 },
        ...(app.stored ? { sessions: app.stored } : {}),
        ...options,
      });
      onTestFinished(() => transport.dispose());
      return transport;
    },
  };
  return app;
}

async function read(stream: Stream | null): Promise<UIMessageChunk[]> {
  const chunks: UIMessageChunk[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return chunks;
}

/** Reads the first chunks of an answer that goes on. */
async function readSome(stream: Stream | null, count: number): Promise<UIMessageChunk[]> {
  if (!stream) throw new Error("there is nothing to read");
  const chunks: UIMessageChunk[] = [];
  const reader = stream.getReader();
  while (chunks.length < count) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
  }
  reader.releaseLock();
  return chunks;
}

function textOf(chunks: UIMessageChunk[]): string {
  return chunks.map((chunk) => (chunk.type === "text-delta" ? chunk.delta : "")).join("");
}

function typesOf(chunks: UIMessageChunk[]): string[] {
  return chunks.map(({ type }) => type).filter((type, at, types) => type !== types[at - 1]);
}

/** The chunk types of a whole answer, repeats left out. */
const WHOLE = [
  "start",
  "start-step",
  "text-start",
  "text-delta",
  "text-end",
  "finish-step",
  "finish",
];
const TURN_EVENTS = ["message-sent", "stream-connected", "first-chunk", "turn-completed"];

/** Words so slow that the answer stands still after its first three chunks. */
const STUCK = { paceMs: 10_000 };

describe("the published client", () => {
  test("gets a whole answer to each of several messages", async () => {
    const app = openApp();
    const transport = app.load();
    const { chatId } = app;
    for (const text of ["hello", 'Grüße 日本語 🎉\u2028 "quoted" \\ ', "three"]) {
      const chunks = await read(await send(transport, { chatId, messages: [said(text)] }));
      expect(typesOf(chunks)).toEqual(WHOLE);
      expect(textOf(chunks)).toBe(text);
      expect(app.stored?.[chatId]).toMatchObject({ isStreaming: false });
      expect(app.events.splice(0)).toEqual(TURN_EVENTS);
    }
    expect(app.tokensAsked).toBe(0);
  });

  test("gets an answer of thousands of chunks, the same each time", async () => {
    const app = openApp({ clientData: { words: 3000, paceMs: 0 } }, server, "story");
    const transport = app.load();
    const { chatId } = app;
    const first = textOf(await read(await send(transport, { chatId })));
    expect(first.split(/\s+/).length).toBeGreaterThanOrEqual(3000);
    expect(textOf(await read(await send(transport, { chatId })))).toBe(first);
  });

  test("gets the last message answered anew", async () => {
    const app = openApp();
    const transport = app.load();
    const { chatId } = app;
    await read(await send(transport, { chatId, messages: [said("again?")] }));
    const anew = await read(
      await send(transport, { chatId, trigger: "regenerate-message", messageId: "answer" }),
    );
    expect(typesOf(anew)).toEqual(WHOLE);
    expect(textOf(anew)).toBe("again?");
  });

  test("aborts an answer, and the next one begins with its own first chunk", async () => {
    const app = openApp();
    const transport = app.load();
    const { chatId } = app;
    const abort = new AbortController();
    const stuck = { chatId, metadata: STUCK, abortSignal: abort.signal };
    const stream = await send(transport, stuck);
    expect(typesOf(await readSome(stream, 3))).toEqual(WHOLE.slice(0, 3));
    abort.abort();
    expect(await read(stream)).toEqual([]);
    const next = await read(await send(transport, { chatId, messages: [said("next")] }));
    expect(typesOf(next)).toEqual(WHOLE);
    expect(textOf(next)).toBe("next");
    const kinds = (await server.inputs(chatId)).map(({ data }) => data.kind);
    expect(kinds.sort()).toEqual(["message", "message", "stop"]);
  });

  test("stops an answer, and the next one is whole", async () => {
    const app = openApp();
    const transport = app.load();
    const { chatId } = app;
    const stream = await send(transport, { chatId, metadata: STUCK });
    await readSome(stream, 3);
    expect(await transport.stopGeneration(chatId)).toBe(true);
    await read(stream);
    expect(app.stored?.[chatId]).toMatchObject({ isStreaming: false });
    const next = await read(await send(transport, { chatId, messages: [said("next")] }));
    expect(typesOf(next)).toEqual(WHOLE);
    expect(textOf(next)).toBe("next");
  });

  test("resumes an answer after a reload, from its start", async () => {
    const app = openApp();
    const { chatId } = app;
    await read(await send(app.load(), { chatId, messages: [said("before")] }));
    const page = app.load();
    const begun = await readSome(await send(page, { chatId, metadata: STUCK }), 3);
    page.dispose();
    const stream = await app.load().reconnectToStream({ chatId });
    expect(await readSome(stream, 3)).toEqual(begun);
    await server.append(chatId, { kind: "stop" });
    expect(typesOf(await read(stream))).toEqual(["text-end", "abort"]);
    expect(app.stored?.[chatId]).toMatchObject({ isStreaming: false });
  });

  test("is told at once that there is nothing to resume", async () => {
    const app = openApp();
    const { chatId } = app;
    await read(await send(app.load(), { chatId }));
    expect(await app.load().reconnectToStream({ chatId })).toBeNull();
    // An app that does not store the flag asks the server.
    for (const session of Object.values(app.stored ?? {})) delete session.isStreaming;
    const settled = await app.load().reconnectToStream({ chatId });
    expect(settled).not.toBeNull();
    expect(await read(settled)).toEqual([]);
  });

  test("learns from a send that the session is closed, and sends no more", async () => {
    const app = openApp();
    const transport = app.load();
    const { chatId } = app;
    await read(await send(transport, { chatId }));
    await server.closeSession(chatId, "all is said");
    const closed = { status: 409, code: "session_closed", closedReason: "all is said" };
    await expect(send(transport, { chatId })).rejects.toMatchObject(closed);
    expect(transport.sessionStatus(chatId)).toBe("closed");
    await expect(send(transport, { chatId })).rejects.toMatchObject(closed);
    expect(await server.inputs(chatId)).toHaveLength(1);
    expect(await transport.reconnectToStream({ chatId })).toBeNull();
  });

  test("learns from the stream that the session is closed", async () => {
    const app = openApp();
    const transport = app.load();
    const { chatId } = app;
    const stream = await send(transport, { chatId, metadata: STUCK });
    await readSome(stream, 3);
    await server.closeSession(chatId, "enough");
    await read(stream);
    expect(transport.sessionClosedReason(chatId)).toBe("enough");
  });

  test("asks for a token once its own has expired", async () => {
    const strict = await startServer({ flags: ["--token-seconds", "2"] });
    onTestFinished(() => strict.stop());
    const app = openApp({}, strict);
    const transport = app.load();
    const { chatId } = app;
    await transport.start(chatId);
    const [, claims] = app.stored?.[chatId]?.publicAccessToken.split(".") ?? [];
    const { exp } = JSON.parse(Buffer.from(claims ?? "", "base64url").toString());
    // Tokens count whole seconds: the one that `exp` names has to be over.
    await new Promise((resolve) => setTimeout(resolve, (exp + 1) * 1000 - Date.now()));
    expect(textOf(await read(await send(transport, { chatId })))).toBe("hello");
    expect(app.tokensAsked).toBeGreaterThan(0);
  });

  test("asks for a token when its own is refused, at a send and at the stream", async () => {
    const app = openApp();
    const { chatId } = app;
    await server.createSession(chatId);
    app.stored = { [chatId]: { publicAccessToken: "bad", isStreaming: false } };
    const stream = await send(app.load(), { chatId, metadata: STUCK });
    await readSome(stream, 3);
    expect(app.tokensAsked).toBe(1);
    app.stored = { [chatId]: { publicAccessToken: "worse", isStreaming: true } };
    const resumed = await app.load().reconnectToStream({ chatId });
    expect(typesOf(await readSome(resumed, 3))).toEqual(WHOLE.slice(0, 3));
    expect(app.tokensAsked).toBe(2);
  });

  test("recreates a session that the server does not have", async () => {
    const app = openApp();
    const { chatId } = app;
    const publicAccessToken = await server.mintToken(chatId);
    app.stored = { [chatId]: { publicAccessToken, lastEventId: "41", isStreaming: false } };
    expect(textOf(await read(await send(app.load(), { chatId })))).toBe("hello");
  });
});

test("a message that came twice under one part id is answered once", async () => {
  const app = openApp();
  const { chatId } = app;
  const fetchTwice: Options["fetch"] = async (url, init, { endpoint }) => {
    const response = await fetch(url, init);
    if (endpoint === "in") {
      const repeat = await (await fetch(url, init)).json();
      expect(repeat).toEqual({ ok: true });
    }
    return response;
  };
  const transport = app.load();
  transport.setFetch(fetchTwice);
  expect(textOf(await read(await send(transport, { chatId })))).toBe("hello");
  expect(await server.inputs(chatId)).toHaveLength(1);
});
