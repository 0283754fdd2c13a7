// Answers by `EventSource`: what is asked, what its events mean, and how each of its ends goes on.
import { TriggerChatTransport, type TriggerChatTransportOptions } from "trigger-chat-transport";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { App, BASE_URL, NOW, type Options, pass, said, stored, word } from "./conversation";
import { OWN_RETRY_MS, scriptedEventSource } from "./scripted-event-source";
import { type Exchange, settle } from "./scripted-service";

const running = (state = {}) => stored({ isStreaming: true, ...state });

const apps: App[] = [];

afterEach(leave);

// What reads by `EventSource` is loaded when it is first needed, and no fake time passes while it is.
beforeAll(async () => {
  const { app, made } = open({ sessions: running() });
  app.resume();
  await vi.waitFor(() => expect(made).toHaveLength(1), 60_000);
  await leave();
});

async function leave() {
  await settle();
  for (const { client } of apps.splice(0)) client.dispose();
  vi.useRealTimers();
  vi.unstubAllGlobals();
}

/** A page whose answers come by event source. */
function open(options: Options & { withCredentials?: boolean } = {}) {
  vi.useFakeTimers({ now: NOW });
  const make = (all: object) =>
    new TriggerChatTransport({
      streamSource: "eventsource",
      ...all,
    } as TriggerChatTransportOptions);
  const app = new App(make, { sessions: stored(), fetch: undefined, ...options });
  apps.push(app);
  const EventSource = scriptedEventSource(app.service);
  vi.stubGlobal("EventSource", EventSource);
  vi.stubGlobal("fetch", app.service.globalFetch);
  const made = EventSource.made;
  /** The states of all that were made so far. */
  const states = () => made.map(({ readyState }) => ["connecting", "open", "closed"][readyState]);
  return { app, made, states };
}

function asked(request: Exchange): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(request.query));
}

const isByFetch = (request: Exchange) => request.headers.accept === "text/event-stream";

describe("a request", () => {
  test("asks in its query, and sends no token", async () => {
    const { app, made } = open({ sessions: running({ lastEventId: "41" }) });
    app.service.nextSeq = 42;
    const answer = app.resume();
    const request = await app.service.out();
    expect(request.path).toBe("/realtime/v1/sessions/chat/out");
    expect(asked(request)).toEqual({
      lastEventId: "41",
      peekSettled: "1",
      timeoutSeconds: "120",
    });
    expect(request.headers).toEqual({});
    expect(made[0]?.withCredentials).toBe(false);
    request.stream().turnComplete(0);
    await answer.closed();
  });

  test("says nothing of what is not to be said", async () => {
    const { app } = open({ streamTimeoutSeconds: 0 });
    const { request } = await app.turn("hello", 0);
    expect(asked(request)).toEqual({});
  });

  test("takes the cookie along as far as the app allows", async () => {
    for (const [withCredentials, credentials] of [
      [false, "same-origin"],
      [true, "include"],
    ] as const) {
      const { app, made } = open({ withCredentials });
      const fetched = vi.spyOn(globalThis, "fetch");
      const { append } = await app.turn("hello", 0);
      expect(made.map((source) => source.withCredentials)).toEqual([withCredentials]);
      expect(append.headers).toEqual({
        "content-type": "application/json",
        "x-part-id": append.partId,
        "x-trigger-source": "sdk",
      });
      expect(fetched.mock.calls.map(([, init]) => init?.credentials)).toEqual([credentials]);
    }
  });

  test("of what has landed goes by the cookie, too", async () => {
    const { app } = open();
    const answer = app.send("hello");
    const append = await app.service.append();
    append.fail();
    await pass(5_000);
    (await app.service.append()).accept();
    const records = await app.service.records();
    expect(records.headers).toEqual({});
    records.answer(200, { records: [{ id: append.partId, seqNum: 0, data: {} }] });
    (await app.service.out()).stream().turnComplete(0);
    expect(await answer.closed()).toEqual([]);
  });
});

describe("a stream", () => {
  test("comes as it does by fetch, and its event source is closed with it", async () => {
    const { app, states } = open();
    const { answer, out } = await app.ask("hello", 0);
    out.ping().chunks(word("a\r\n\u2028"), word("b"));
    expect(await answer.received(2)).toEqual([word("a\r\n\u2028"), word("b")]);
    expect(states()).toEqual(["open"]);
    out.turnComplete(0);
    await answer.closed();
    expect(states()).toEqual(["closed"]);
    expect(app.eventTypes.filter((type) => type === "stream-connected")).toHaveLength(1);
  });

  test("has data of several lines", async () => {
    const { app } = open();
    const { answer, out } = await app.ask("hello", 0);
    out.write('event: batch\ndata: {"records":[\ndata: ]}\n\n').chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
    expect(app.service.seen("out")).toHaveLength(1);
  });

  test("of an older server is told by its events, whose ids are the cursor", async () => {
    const { app } = open();
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    const out = (await app.service.out()).streamV1();
    await answer.opened();
    out.event(word("a")).event(word("b"));
    // It has no id of its own, and an `EventSource` shows the last one again.
    out.write(`data: ${JSON.stringify(word("c"))}\n\n`);
    expect(await answer.received(3)).toEqual([word("a"), word("b"), word("c")]);
    out.cut();
    await pass(5_000);
    const next = await app.service.out();
    expect(asked(next)).toMatchObject({ lastEventId: "1" });
    next.streamV1().event({ type: "trigger:turn-complete" });
    await answer.closed();
  });

  test("ends at the app's wish", async () => {
    const { app, states } = open();
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    await answer.cancel();
    await settle();
    expect(states()).toEqual(["closed"]);
    expect(out.isOpen).toBe(false);
  });

  test("is let go of before it has opened", async () => {
    const { app, states } = open({ sessions: running() });
    const answer = app.resume();
    const request = await app.service.out();
    await answer.opened();
    await answer.cancel();
    await settle();
    expect(states()).toEqual(["closed"]);
    expect(request.isAborted).toBe(true);
  });
});

describe("a connection that has ended goes on behind the last record, by a fresh event source", () => {
  const ends = {
    "as its window is over": (out) => out.done(),
    "without a word": (out) => out.end(),
    "for it broke off": (out) => out.cut(),
    "by the service's own error": (out) => out.error("storage is away"),
  } satisfies Record<string, (out: ReturnType<Exchange["stream"]>) => void>;

  test.each(Object.entries(ends))("%s", async (_, end) => {
    const { app, states } = open();
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    end(out);
    await settle();
    expect(states()).toEqual(["closed"]);
    await pass(5_000);
    const next = await app.service.out();
    expect(asked(next)).toMatchObject({ lastEventId: "0" });
    const rest = next.stream().chunks(word("b"));
    expect(await answer.received(2)).toEqual([word("a"), word("b")]);
    await pass(2 * OWN_RETRY_MS);
    expect(states()).toEqual(["closed", "open"]);
    expect(app.service.seen("out")).toHaveLength(2);
    rest.turnComplete(0);
    await answer.closed();
  });

  test("and what had come before is not lost with it", async () => {
    const { app } = open();
    const answer = app.send("hello");
    const append = await app.service.append();
    // Unread, until the message has landed.
    const out = (await app.service.out()).stream().chunks(word("a"));
    await settle();
    out.cut();
    await settle();
    append.accept(0);
    expect(await answer.received(1)).toEqual([word("a")]);
    await pass(5_000);
    const next = await app.service.out();
    expect(asked(next)).toMatchObject({ lastEventId: "0" });
    next.stream().turnComplete(0);
    await answer.closed();
  });
});

describe("a connection that does not open", () => {
  test("is tried again, and shows by a fetch why it fails a second time", async () => {
    const { app, states } = open();
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    (await app.service.out()).refuse(410);
    await pass(5_000);
    (await app.service.out()).refuse(410);
    const question = await app.service.out();
    expect(app.service.seen("out").map(isByFetch)).toEqual([false, false, true]);
    expect(question.url).toBe(app.service.seen("out")[1]?.url);
    question.refuse(410);
    expect(await answer.failed()).toMatchObject({ name: "TriggerApiError", status: 410 });
    expect(states()).toEqual(["closed", "closed"]);
  });

  test("is nothing that an open one before it would count for", async () => {
    const { app } = open();
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    for (let time = 0; time < 3; time++) {
      (await app.service.out()).fail();
      await pass(5_000);
      (await app.service.out()).stream().ping().cut();
      await pass(5_000);
    }
    (await app.service.out()).stream().turnComplete(0);
    await answer.closed();
    expect(app.service.seen("out").filter(isByFetch)).toEqual([]);
  });

  test("has the cookie renewed where the status asks for it, once, and then fails", async () => {
    const { app } = open();
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    (await app.service.out()).refuse(401);
    await pass(5_000);
    (await app.service.out()).refuse(401);
    (await app.service.out()).refuse(401);
    await settle();
    expect(app.refreshes).toEqual([{ chatId: "chat" }]);
    (await app.service.out()).refuse(401);
    const question = await app.service.out();
    expect(isByFetch(question)).toBe(true);
    question.refuse(401);
    expect(await answer.failed()).toMatchObject({ status: 401 });
    expect(app.refreshes).toHaveLength(1);
  });

  test("is healed by a cookie that was renewed", async () => {
    const { app, states } = open();
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    (await app.service.out()).refuse(401);
    await pass(5_000);
    (await app.service.out()).refuse(401);
    (await app.service.out()).refuse(401);
    (await app.service.out()).stream().chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
    expect(states()).toEqual(["closed", "closed", "closed"]);
  });

  test("waits as long as the service asks it to", async () => {
    const { app } = open();
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    (await app.service.out()).refuse(429);
    await pass(5_000);
    (await app.service.out()).refuse(429);
    (await app.service.out()).refuse(429, {}, { "Retry-After": "20" });
    await pass(19_000);
    expect(app.service.untaken()).toEqual([]);
    await pass(1_001);
    (await app.service.out()).stream().turnComplete(0);
    await answer.closed();
  });

  test("is read by the fetch, where that one succeeds", async () => {
    const { app } = open();
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    (await app.service.out()).fail();
    await pass(5_000);
    (await app.service.out()).fail();
    (await app.service.out()).stream({}).chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });

  test("is no event stream, and comes to be one", async () => {
    const { app } = open();
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    (await app.service.out()).answer(200, {});
    await pass(5_000);
    (await app.service.out()).answer(200, {});
    (await app.service.out()).answer(200, {});
    await pass(5_000);
    (await app.service.out()).stream().turnComplete(0);
    expect(await answer.closed()).toEqual([]);
  });
});

describe("what comes faster than it is read", () => {
  const page = "x".repeat(300_000);

  test("is left at the service beyond a bound, and fetched when the rest is read", async () => {
    const { app, states } = open();
    const answer = app.send("hello");
    const append = await app.service.append();
    const out = (await app.service.out()).stream();
    out.chunks(word(`${page}1`)).chunks(word(`${page}2`));
    await settle();
    expect(states()).toEqual(["open"]);
    out.chunks(word(`${page}3`)).chunks(word(`${page}4`));
    await settle();
    expect(states()).toEqual(["closed"]);
    append.accept(0);
    expect(await answer.received(4)).toHaveLength(4);
    expect(app.client.getSession("chat")?.isStreaming).toBe(true);
    await pass(5_000);
    const next = await app.service.out();
    expect(asked(next)).toMatchObject({ lastEventId: "3" });
    next.stream().chunks(word("5")).turnComplete(0);
    const texts = (await answer.closed()).map((chunk) => "delta" in chunk && chunk.delta.at(-1));
    expect(texts).toEqual(["1", "2", "3", "4", "5"]);
    expect(app.eventTypes).not.toContain("stream-error");
  });

  test("is not taken for settled, although more of it is at the service", async () => {
    const { app } = open({ sessions: running() });
    const answer = app.resume();
    const out = (await app.service.out()).stream();
    // What comes while the first page is handed on is one read.
    out.write("event: settled\ndata: true\n\n");
    const pages = [1, 2, 3, 4].map((n) => word(`${page}${n}`));
    out.batch(
      ...pages.map((chunk) => ({ body: JSON.stringify({ data: chunk, id: chunk.delta.at(-1) }) })),
    );
    expect(await answer.received(4)).toHaveLength(4);
    await pass(5_000);
    expect(answer.state).toBe("open");
    (await app.service.out()).stream().turnComplete(0);
    await answer.closed();
  });
});

describe("a settled chat", () => {
  test("is told by an event, and its stream ends with its body", async () => {
    const { app, states } = open({ sessions: running() });
    const answer = app.resume();
    const request = await app.service.out();
    expect(asked(request)).toMatchObject({ peekSettled: "1" });
    request.stream().write("event: settled\ndata: true\n\n").done();
    expect(await answer.closed()).toEqual([]);
    expect(app.state?.isStreaming).toBe(false);
    expect(states()).toEqual(["closed"]);
  });

  test("is not taken for read where its stream was cut", async () => {
    const { app } = open({ sessions: running() });
    const answer = app.resume();
    (await app.service.out()).stream().write("event: settled\ndata: true\n\n").cut();
    await pass(5_000);
    expect(answer.state).toBe("open");
    const next = await app.service.out();
    expect(asked(next)).toMatchObject({ peekSettled: "1" });
    next.stream().write("event: settled\ndata: true\n\n").chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });
});

describe("options", () => {
  const base = { task: "agent", accessToken: () => "cookie", baseURL: BASE_URL };
  const byEventSource = { ...base, streamSource: "eventsource" as const };
  const made = (options: object) =>
    new TriggerChatTransport(options as TriggerChatTransportOptions).getSession("chat");
  const refusal = new TypeError(
    '`streamSource: "eventsource"` needs `baseURL` and an EventSource, and excludes `fetch` and `headers`.',
  );

  test("that it cannot meet are refused", () => {
    open();
    const { fetch } = globalThis;
    expect(() => made({ ...byEventSource, fetch })).toThrow(refusal);
    expect(() => made({ ...byEventSource, headers: { "X-Tenant": "t" } })).toThrow(refusal);
    expect(() => made({ ...byEventSource, baseURL: undefined })).toThrow(refusal);
    expect(made(byEventSource)).toBeUndefined();
    expect(made({ ...byEventSource, baseURL: "" })).toBeUndefined();
    expect(made({ ...base, fetch, headers: {}, streamSource: "fetch" })).toBeUndefined();
  });

  test("that it cannot meet are refused when the transport is made, on a server too", () => {
    vi.stubGlobal("EventSource", undefined);
    const { fetch } = globalThis;
    const make = (options: object) =>
      new TriggerChatTransport(options as TriggerChatTransportOptions);
    expect(() => make({ ...byEventSource, fetch })).toThrow(refusal);
    expect(() => make({ ...byEventSource, headers: { "X-Tenant": "t" } })).toThrow(refusal);
    expect(() => make({ ...byEventSource, baseURL: undefined })).toThrow(refusal);
    expect(() => make(byEventSource), "its page has an EventSource").not.toThrow();
  });

  test("are refused where there is no EventSource", () => {
    vi.stubGlobal("EventSource", undefined);
    expect(() => made(byEventSource)).toThrow(refusal);
    expect(made(base)).toBeUndefined();
  });

  test("do not take a `fetch` later either", async () => {
    const { app } = open();
    const { service, client } = app;
    expect(() => client.setFetch(service.fetch)).not.toThrow();
    expect(() => client.getSession("chat")).toThrow(refusal);
    client.setFetch(undefined);
    expect(client.getSession("chat")).toMatchObject({ publicAccessToken: "stored" });
    expect(() => client.setFetch(service.fetch)).toThrow(refusal);
    await app.turn("hello", 0);
  });

  test("leave the head start as it is", async () => {
    const { app } = open({ sessions: {}, headStart: "http://app.test/first" });
    const answer = app.send("hello", { messages: [said("hello")] });
    const route = await app.service.route();
    expect(route.headers).toEqual({ "content-type": "application/json" });
    route
      .stream({ "X-Trigger-Chat-Access-Token": "begun" })
      .write(`data: ${JSON.stringify(word("a"))}\n\n`)
      .write('data: {"type":"trigger:turn-complete"}\n\n')
      .end();
    expect(await answer.closed()).toEqual([word("a")]);
  });
});
