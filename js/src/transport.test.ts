import { afterEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import { ChatTransport, createChatTransport, TriggerChatTransport } from "./index.js";
import type {
  ChatSessionPersistedState,
  InferChatClientData,
  InferChatUIMessage,
  TriggerChatTransportOptions,
  UseTriggerChatTransportOptions,
} from "./types.js";

const options: TriggerChatTransportOptions = {
  task: "agent",
  accessToken: () => "token",
  baseURL: "http://sessions.test",
};

afterEach(() => vi.restoreAllMocks());

describe("making a transport", () => {
  test("compiles nothing before the first call", async () => {
    vi.resetModules();
    const compile = vi.spyOn(WebAssembly, "Module");
    const { TriggerChatTransport } = await import("./index.js");
    const transport = new TriggerChatTransport(options);
    transport.setOnEvent(() => {});
    transport.dispose();
    expect(compile).not.toHaveBeenCalled();
    transport.getSession("chat");
    // The core, and what puts it together.
    expect(compile).toHaveBeenCalledTimes(2);
    new TriggerChatTransport(options).getSession("chat");
    expect(compile).toHaveBeenCalledTimes(2);
  });

  test("has three names", () => {
    expect(ChatTransport).toBe(TriggerChatTransport);
    expect(createChatTransport(options)).toBeInstanceOf(ChatTransport);
  });

  test("names the option that is missing, at the first call", async () => {
    const transport = new ChatTransport({ ...options, task: "" });
    await expect(transport.start("chat")).rejects.toThrow("`task` is required");
  });
});

describe("a page that blocks WebAssembly", () => {
  test("is told what its policy lacks", async () => {
    vi.resetModules();
    vi.spyOn(WebAssembly, "Module").mockImplementation(function refuse() {
      throw new WebAssembly.CompileError(
        "WebAssembly.Module(): Compiling or instantiating WebAssembly module violates the following " +
          "Content Security policy directive because 'unsafe-eval' is not an allowed source",
      );
    });
    const { ChatTransport } = await import("./index.js");
    expect(() => new ChatTransport(options).getSession("chat")).toThrow("'wasm-unsafe-eval'");
  });
});

describe("an option that is live", () => {
  const started = { publicAccessToken: "token" };

  test("may be set before the first call", async () => {
    const transport = new ChatTransport(options);
    const told: [string, ChatSessionPersistedState | null][] = [];
    transport.setStartSession(async () => started);
    transport.setOnSessionChange((...change) => told.push(change));
    await transport.preload("chat");
    expect(told).toEqual([["chat", { ...started, isStreaming: false }]]);
  });

  test("may be set later", async () => {
    const transport = new ChatTransport(options);
    await expect(transport.start("chat")).rejects.toThrow("`startSession` is required");
    const clientData = { userId: "u" };
    const asked: unknown[] = [];
    transport.setClientData(clientData);
    transport.setStartSession(async (params) => {
      asked.push(params);
      return started;
    });
    await expect(transport.start("chat")).resolves.toEqual({ ...started, isStreaming: false });
    expect(asked).toEqual([{ taskId: "agent", chatId: "chat", clientData }]);
  });

  test("is refused when it is no function", () => {
    const transport = new ChatTransport(options);
    transport.getSession("chat");
    const wrong = "nothing" as unknown as TriggerChatTransportOptions["fetch"];
    expect(() => transport.setFetch(wrong)).toThrow("`fetch` has to be a function.");
  });
});

test.each([
  ["a secure page", globalThis.crypto],
  ["a page of plain http", { getRandomValues: crypto.getRandomValues.bind(crypto) }],
  ["a host without Web Crypto", undefined],
])("%s names each send by a UUID", async (_, host) => {
  vi.stubGlobal("crypto", host);
  const partIds: string[] = [];
  const fetch: TriggerChatTransportOptions["fetch"] = async (_url, { headers }) => {
    const partId = (headers as Record<string, string>)["X-Part-Id"];
    if (partId !== undefined) partIds.push(partId);
    return new Response("{}", { status: 400 });
  };
  const transport = new ChatTransport({ ...options, fetch });
  for (const chatId of ["a", "b"]) {
    const send = transport.sendMessages({
      ...{ trigger: "submit-message", chatId, messageId: undefined, abortSignal: undefined },
      messages: [{ id: "m", role: "user", parts: [] }],
    });
    await expect(send).rejects.toMatchObject({ name: "TriggerApiError", status: 400 });
  }
  vi.unstubAllGlobals();
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(partIds).toEqual([expect.stringMatching(uuid), expect.stringMatching(uuid)]);
  expect(partIds[0]).not.toBe(partIds[1]);
});

test("methods work without their object", async () => {
  const client = new ChatTransport(options);
  const { getSession, reconnectToStream, sendPendingMessage, stopGeneration } = client;
  expect(getSession("chat")).toBeUndefined();
  await expect(reconnectToStream({ chatId: "chat" })).resolves.toBeNull();
  await expect(stopGeneration("chat")).resolves.toBe(false);
  const message = { id: "m", role: "user" as const, parts: [] };
  await expect(sendPendingMessage("chat", message)).resolves.toBe(false);
  const nothing = undefined as unknown as typeof message;
  await expect(sendPendingMessage("chat", nothing)).rejects.toThrow("`message` is required");
});

test("a stored session comes back as it was, without keys that have no value", () => {
  const sessions: Record<string, ChatSessionPersistedState> = {
    bare: { publicAccessToken: "a" },
    running: { publicAccessToken: "b", lastEventId: "7", activeInputSeq: 2, isStreaming: true },
    closed: { publicAccessToken: "c", isStreaming: false, closed: true, closedReason: "done" },
  };
  const transport = new ChatTransport({ ...options, sessions });
  for (const [chatId, session] of Object.entries(sessions)) {
    expect(transport.getSession(chatId)).toStrictEqual(session);
  }
});

test.each<[string, (transport: ChatTransport, row: ChatSessionPersistedState) => ChatTransport]>([
  [
    "given to a new transport",
    (_, row) => new ChatTransport({ ...options, sessions: { chat: row } }),
  ],
  [
    "set later",
    (transport, row) => {
      transport.setSession("chat", row);
      return transport;
    },
  ],
])("a stored session, %s, may be a row with more in it", (_, restore) => {
  const session = { publicAccessToken: "a", lastEventId: "7", isStreaming: false };
  // What JSON cannot hold, and names that mean something else elsewhere.
  const row = { ...session, revision: 7n, body: { notes: [] }, type: "row", id: 4, thrown: "1" };
  const transport = restore(new ChatTransport(options), row);
  expect(transport.getSession("chat")).toStrictEqual(session);
});

describe("the agent's type", () => {
  type Message = { id: string; role: "user" | "assistant"; parts: []; metadata?: { tag: string } };
  type Agent = {
    id: "my-agent";
    trigger: (
      payload: { chatId: string; message?: Message; metadata?: { userId: string } },
      options?: object,
    ) => Promise<void>;
  };

  test("gives its messages and its client data", () => {
    expectTypeOf<InferChatUIMessage<Agent>>().toEqualTypeOf<Message>();
    expectTypeOf<NonNullable<InferChatClientData<Agent>>>().toEqualTypeOf<{ userId: string }>();
  });

  test("checks the hook's options", () => {
    type Options = UseTriggerChatTransportOptions<Agent>;
    expectTypeOf<Options["task"]>().toEqualTypeOf<"my-agent">();
    expectTypeOf<{ userId: string }>().toExtend<NonNullable<Options["clientData"]>>();
    expectTypeOf<{ userId: number }>().not.toExtend<NonNullable<Options["clientData"]>>();
  });
});
