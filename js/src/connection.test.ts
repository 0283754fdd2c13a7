import { afterEach, describe, expect, test, vi } from "vitest";
import { ChatTransport } from "./index.js";
import type { TriggerChatTransportOptions } from "./types.js";

const options: TriggerChatTransportOptions = {
  task: "agent",
  accessToken: () => "token",
  baseURL: "http://sessions.test",
};

const encoder = new TextEncoder();
const record = (seq: number, more: object) => ({ seq_num: seq, timestamp: 1, ...more });
const body = (chunk: object) => JSON.stringify({ data: chunk, id: crypto.randomUUID() });
const event = (name: string, data: object) =>
  encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
const batch = (...records: object[]) => event("batch", { records });

/** A transport whose stream the test writes, and the states that it goes through. */
function observed() {
  let out: ReadableStreamDefaultController<Uint8Array> | undefined;
  let requests = 0;
  let refusal: Response | undefined;
  let signal: AbortSignal | undefined;
  const fetch: TriggerChatTransportOptions["fetch"] = async (_url, init, { endpoint }) => {
    if (endpoint === "in") return new Response('{"ok":true,"seq":0}');
    requests += 1;
    signal = init?.signal ?? undefined;
    const refused = refusal;
    refusal = undefined;
    if (refused) return refused;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        out = controller;
      },
    });
    return new Response(stream, { headers: { "X-Stream-Version": "v2" } });
  };
  const sessions = { chat: { publicAccessToken: "token", isStreaming: false } };
  const transport = new ChatTransport({ ...options, fetch, sessions });
  const states: string[] = [];
  transport.addConnectionStateListener((chatId, state) => {
    expect(state).toBe(transport.connectionState(chatId));
    const attempt = state.status === "reconnecting" ? ` ${state.attempt}` : "";
    if (states.at(-1) !== state.status + attempt) states.push(state.status + attempt);
  });
  return {
    transport,
    states,
    write: (bytes: Uint8Array) => out?.enqueue(bytes),
    breakOff: () => out?.error(new TypeError("network")),
    refuseNext: (response: Response) => {
      refusal = response;
    },
    requests: () => requests,
    isOpen: () => signal?.aborted === false,
  };
}

const send = (transport: ChatTransport) =>
  transport.sendMessages({
    ...{ trigger: "submit-message", chatId: "chat", messageId: undefined },
    messages: [{ id: "m", role: "user", parts: [] }],
    abortSignal: undefined,
  });

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("the connection of a chat", () => {
  test("is told from the message to the end of its answer, through a loss", async () => {
    const { transport, states, write, breakOff } = observed();
    expect(transport.connectionState("chat")).toEqual({ status: "idle" });
    const reader = (await send(transport)).getReader();
    write(batch(record(0, { body: body({ type: "start" }) })));
    await reader.read();
    const next = reader.read();
    breakOff();
    // It is lost, and made again.
    await vi.waitFor(() => expect(states).toHaveLength(5));
    write(batch(record(1, { body: body({ type: "finish" }) })));
    await next;
    write(event("ping", { timestamp: 1 }));
    const boundary = [["trigger-control", "turn-complete"]];
    const end = reader.read();
    await vi.waitFor(() => expect(states).toHaveLength(7));
    write(batch(record(2, { headers: boundary })));
    expect(await end).toMatchObject({ done: true });
    expect(states).toEqual([
      ...["connecting", "waiting", "live", "reconnecting 1"],
      ...["waiting", "live", "waiting", "idle"],
    ]);
  });

  test("is given up a minute after its last record, and no record sets a timer for that", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    const { transport, states, write } = observed();
    const reader = (await send(transport)).getReader();
    const readAfter = async (ms: number, seq: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      write(batch(record(seq, { body: body({ type: "text-delta", id: "t", delta: "word" }) })));
      await reader.read();
    };
    await readAfter(0, 0);
    const setTimer = vi.spyOn(globalThis, "setTimeout");
    for (let seq = 1; seq <= 50; seq++) await readAfter(100, seq);
    expect(setTimer).not.toHaveBeenCalled();
    for (let seq = 51; seq <= 60; seq++) await readAfter(20_000, seq);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(states.at(-1)).toBe("live");
    await vi.advanceTimersByTimeAsync(1);
    expect(states.at(-1)).toBe("reconnecting 1");
    transport.dispose();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("reads a fast answer a frame at a time", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    const { transport, write } = observed();
    const reader = (await send(transport)).getReader();
    const writeWord = (seq: number) =>
      write(batch(record(seq, { body: body({ type: "text-delta", id: "t", delta: "word" }) })));
    for (let seq = 0; seq < 4; seq++) {
      await vi.advanceTimersByTimeAsync(5);
      writeWord(seq);
      await reader.read();
    }
    let isRead = false;
    const read = reader.read().then(() => {
      isRead = true;
    });
    writeWord(4);
    await vi.advanceTimersByTimeAsync(15);
    expect(isRead).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await read;
    transport.dispose();
  });

  test("is closed where the app has stored that the chat is", () => {
    const sessions = { chat: { publicAccessToken: "token", closed: true } };
    const transport = new ChatTransport({ ...options, sessions });
    expect(transport.connectionState("chat")).toEqual({ status: "closed" });
    expect(transport.connectionState("another")).toEqual({ status: "idle" });
  });

  test("takes an answer that is no bytes for a lost one", async () => {
    const { transport, states, write, refuseNext } = observed();
    const texts = new ReadableStream<string>({
      start: (controller) => controller.enqueue("an event"),
    });
    refuseNext(
      new Response(texts as unknown as BodyInit, { headers: { "X-Stream-Version": "v2" } }),
    );
    const reader = (await send(transport)).getReader();
    await vi.waitFor(() => expect(states).toHaveLength(4));
    expect(states).toEqual(["connecting", "waiting", "reconnecting 1", "waiting"]);
    write(batch(record(0, { body: body({ type: "start" }) })));
    expect((await reader.read()).value).toEqual({ type: "start" });
    transport.dispose();
  });

  test("sends no token that a header cannot hold, and asks for a fresh one", async () => {
    const secret = "se\ncret";
    const { transport, write } = observed();
    const reader = (await send(transport)).getReader();
    const end = [
      ["trigger-control", "turn-complete"],
      ["public-access-token", secret],
    ];
    write(batch(record(0, { headers: end })));
    expect(await reader.read()).toMatchObject({ done: true });
    const authorizations: unknown[] = [];
    transport.setFetch(async (_url, init, { endpoint }) => {
      const authorization = new Headers(init?.headers).get("Authorization");
      authorizations.push([endpoint, authorization]);
      return authorization === "Bearer"
        ? new Response("", { status: 401 })
        : Response.json({ ok: true, seq: 1 });
    });
    await send(transport);
    expect(authorizations).toContainEqual(["in", "Bearer token"]);
    expect(JSON.stringify(authorizations)).not.toContain("cret");
    transport.dispose();
  });

  test.each([
    ["that it reads", () => Promise.resolve()],
    ["that comes too late", () => new Promise((late) => setTimeout(late))],
  ])(
    "lets go of an answer %s, whatever the app's `fetch` does with the signal",
    async (_, time) => {
      const cancel = vi.fn();
      const fetch: TriggerChatTransportOptions["fetch"] = async (_url, _init, { endpoint }) => {
        if (endpoint === "in") return new Response('{"ok":true,"seq":0}');
        await time();
        return new Response(new ReadableStream({ cancel }));
      };
      const sessions = { chat: { publicAccessToken: "token" } };
      const transport = new ChatTransport({ ...options, fetch, sessions });
      await (await send(transport)).cancel();
      await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce());
    },
  );

  test("is told once of a stored chat, also to a listener that asks for more", () => {
    const sessions = { chat: { publicAccessToken: "token", closed: true } };
    const transport = new ChatTransport({ ...options, sessions });
    const heard: unknown[] = [];
    transport.addConnectionStateListener((chatId, { status }) =>
      heard.push([status, transport.getSession(chatId)?.closed]),
    );
    expect(transport.sessionStatus("chat")).toBe("closed");
    expect(heard).toEqual([["closed", true]]);
  });

  test("goes on when a listener throws, and tells nobody who has left", async () => {
    const { transport, states } = observed();
    const left = vi.fn();
    const complain = vi.spyOn(console, "error").mockImplementation(() => {});
    transport.addConnectionStateListener(left);
    transport.removeConnectionStateListener(left);
    transport.addConnectionStateListener(() => {
      throw new Error("of the app");
    });
    await send(transport);
    await vi.waitFor(() => expect(states.at(-1)).toBe("waiting"));
    expect(left).not.toHaveBeenCalled();
    expect(complain).toHaveBeenCalled();
    transport.dispose();
    expect(transport.connectionState("chat")).toEqual({ status: "idle" });
  });
});

describe("a page that goes and comes back", () => {
  const WAKE_EVENTS = [
    ...["online", "offline", "visibilitychange"],
    ...["pagehide", "freeze", "pageshow", "resume"],
  ];

  /** A window that the test tells what happens, and the names that are listened to on it. */
  function pageOf({ onLine = true, visibilityState = "visible" } = {}) {
    const page = new EventTarget();
    const listened: string[] = [];
    const navigator = { onLine };
    const document = { visibilityState };
    vi.stubGlobal("navigator", navigator);
    vi.stubGlobal("document", document);
    vi.stubGlobal("addEventListener", (name: string, listener: EventListener) => {
      listened.push(name);
      page.addEventListener(name, listener);
    });
    vi.stubGlobal("removeEventListener", (name: string, listener: EventListener) => {
      listened.splice(listened.indexOf(name), 1);
      page.removeEventListener(name, listener);
    });
    const happens = (name: string, more: object = {}) => {
      const event = new Event(name);
      for (const [member, value] of Object.entries(more)) {
        Object.defineProperty(event, member, { value });
      }
      page.dispatchEvent(event);
    };
    return { listened, navigator, document, happens };
  }

  test("is listened to from the message to the end of its answer, and not longer", async () => {
    const page = pageOf();
    const { transport } = observed();
    transport.getSession("chat");
    expect(page.listened).toEqual([]);
    const stream = await send(transport);
    expect(page.listened).toEqual(WAKE_EVENTS);
    await stream.cancel();
    expect(page.listened).toEqual([]);
    await send(transport);
    transport.dispose();
    expect(page.listened).toEqual([]);
  });

  test("connects anew when the network is back, or the page is", async () => {
    const page = pageOf();
    const { transport, states, requests } = observed();
    await send(transport);
    await vi.waitFor(() => expect(states.at(-1)).toBe("waiting"));
    page.happens("pageshow", { persisted: false });
    expect(requests()).toBe(1);
    page.happens("online");
    expect(requests()).toBe(2);
    transport.dispose();
  });

  test("has all that came before it was refused", async () => {
    const page = pageOf();
    const { transport, states, write, refuseNext } = observed();
    const reader = (await send(transport)).getReader();
    const words = ["one ", "two ", "three"];
    const said = { type: "text-delta", id: "t" };
    write(batch(...words.map((delta, seq) => record(seq, { body: body({ ...said, delta }) }))));
    await vi.waitFor(() => expect(states.at(-1)).toBe("live"));
    refuseNext(new Response("", { status: 410 }));
    page.happens("online");
    await vi.waitFor(() => expect(states.at(-1)).toBe("idle"));
    for (const delta of words) expect((await reader.read()).value).toEqual({ ...said, delta });
    await expect(reader.read()).rejects.toMatchObject({ name: "TriggerApiError", status: 410 });
  });

  test.each([
    ["put into the back/forward cache", "pagehide", "pageshow"],
    ["frozen", "freeze", "resume"],
  ])("holds no connection while it is %s", async (_, away, back) => {
    const page = pageOf();
    const { transport, states, requests, isOpen } = observed();
    await send(transport);
    await vi.waitFor(() => expect(states.at(-1)).toBe("waiting"));
    page.happens(away);
    expect(isOpen()).toBe(false);
    page.happens(back);
    expect(requests()).toBe(2);
    page.happens("pageshow");
    expect(requests(), "told twice").toBe(2);
    transport.dispose();
  });

  test("takes an element's event of such a name for what it is", async () => {
    const page = pageOf();
    const { transport, states, isOpen } = observed();
    await send(transport);
    await vi.waitFor(() => expect(states.at(-1)).toBe("waiting"));
    page.happens("freeze", { target: { parentNode: {} } });
    expect(isOpen()).toBe(true);
    transport.dispose();
  });

  test("waits for the network while the browser says that there is none", async () => {
    const page = pageOf({ onLine: false });
    const { transport, states, breakOff, requests } = observed();
    await send(transport);
    await vi.waitFor(() => expect(states.at(-1)).toBe("waiting"));
    breakOff();
    await vi.waitFor(() => expect(states.at(-1)).toBe("offline"));
    page.happens("pageshow", { persisted: true });
    expect(requests()).toBe(1);
    page.navigator.onLine = true;
    page.happens("online");
    await vi.waitFor(() => expect(states.at(-1)).toBe("waiting"));
    expect(requests()).toBe(2);
    transport.dispose();
  });

  test("connects anew after it was hidden for half a minute", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const page = pageOf({ visibilityState: "hidden" });
    const { transport, states, requests } = observed();
    await send(transport);
    await vi.waitFor(() => expect(states.at(-1)).toBe("waiting"));
    vi.setSystemTime(Date.now() + 30_000);
    page.document.visibilityState = "visible";
    page.happens("visibilitychange");
    expect(requests()).toBe(2);
    page.happens("visibilitychange");
    expect(requests()).toBe(2);
    transport.dispose();
  });

  test("takes no harm from a clock that is set back", async () => {
    const clock = Date.now;
    let setBack = 0;
    vi.spyOn(Date, "now").mockImplementation(() => clock() - setBack);
    const { transport, states, breakOff } = observed();
    await send(transport);
    await vi.waitFor(() => expect(states.at(-1)).toBe("waiting"));
    setBack = 3_600_000;
    breakOff();
    await vi.waitFor(() => expect(states).toHaveLength(4));
    expect(states).toEqual(["connecting", "waiting", "reconnecting 1", "waiting"]);
    transport.dispose();
  });
});

describe("a refusal that says when to come back", () => {
  const inAnHour = () => new Date(Date.now() + 3_600_000);

  test.each([
    ["in seconds", () => ({ "Retry-After": "20" }), 20_000],
    ["as a date", () => ({ "Retry-After": inAnHour().toUTCString() }), 300_000],
    ["as a moment", () => ({ "x-ratelimit-reset": String(+inAnHour()) }), 300_000],
  ])("%s is followed, until somebody asks for the next try", async (_, headers, wait) => {
    const { transport, refuseNext, requests } = observed();
    refuseNext(new Response("", { status: 429, headers: headers() }));
    const before = Date.now();
    await send(transport);
    const waits = () => {
      const state = transport.connectionState("chat");
      return state.status === "reconnecting" && state.nextTryAt ? state.nextTryAt - before : 0;
    };
    await vi.waitFor(() => expect(waits()).toBeGreaterThanOrEqual(wait));
    expect(requests()).toBe(1);
    transport.retryNow("chat");
    expect(requests()).toBe(2);
    await vi.waitFor(() =>
      expect(transport.connectionState("chat")).toEqual({ status: "waiting" }),
    );
    transport.retryNow("chat");
    transport.retryNow("another");
    expect(requests()).toBe(2);
    transport.dispose();
  });
});
