// The first turn of a new chat, by way of the app's own route.
import { afterEach, beforeEach, describe, expect, vi } from "vitest";
import { agree, differ, type Stage } from "./clients";
import { type App, NOW, type Options, pass, said, stored, word } from "./conversation";
import {
  type Chunk,
  type Exchange,
  type OutStream,
  ScriptedService,
  settle,
} from "./scripted-service";

const ROUTE = "https://app.test/api/chat";
const TOKEN = { "X-Trigger-Chat-Access-Token": "from the route" };
const TURN_COMPLETE: Chunk = { type: "trigger:turn-complete" };

// The route is the app's own: it is asked by the global `fetch`, and not by the option.
let app: ScriptedService;

beforeEach(() => {
  app = new ScriptedService();
  vi.stubGlobal("fetch", app.globalFetch);
});

afterEach(() => {
  vi.unstubAllGlobals();
  expect(app.untaken()).toEqual([]);
});

type Open = Stage["open"];

function start(open: Open, options: Options = {}): App {
  return open({ headStart: ROUTE, ...options });
}

/** The route's answer. */
function streamed(exchange: Exchange, more: Record<string, string> = {}): RouteStream {
  return new RouteStream(exchange.stream({ ...TOKEN, ...more }));
}

class RouteStream {
  readonly out: OutStream;

  constructor(out: OutStream) {
    this.out = out;
  }

  say(...chunks: Chunk[]): this {
    for (const chunk of chunks) this.out.write(`data: ${JSON.stringify(chunk)}\n\n`);
    return this;
  }
}

describe("the request", () => {
  agree("is a post of the whole history, and nothing else leaves", async ({ open }) => {
    const page = start(open, { clientData: { plan: "free" } });
    const messages = [said("one"), said("two")];
    const answer = page.send("", {
      ...{ messages, messageId: "m-1", body: { model: "x", chatId: "other" } },
      metadata: { tone: "dry" },
    });
    const request = await app.route();
    expect(request).toMatchObject({ method: "POST", url: ROUTE });
    expect(request.body).toEqual({
      ...{ model: "x", headStartMessages: messages, chatId: "chat" },
      ...{ trigger: "submit-message", messageId: "m-1" },
      metadata: { plan: "free", tone: "dry" },
    });
    streamed(request).say(word("a"), TURN_COMPLETE).out.end();
    expect(await answer.closed()).toEqual([word("a")]);
    expect([page.starts, page.refreshes, page.service.requests]).toEqual([[], [], []]);
  });

  agree("has the app's headers, and no token", async ({ open }) => {
    const page = start(open, { headers: { "x-app": "demo" } });
    page.send("hello");
    const request = await app.route();
    expect(request.headers).toEqual({ "content-type": "application/json", "x-app": "demo" });
    request.refuse(500);
  });

  agree("can be withdrawn by the send's signal", async ({ open }) => {
    const page = start(open);
    const abort = new AbortController();
    const answer = page.send("hello", { abortSignal: abort.signal });
    const request = await app.route();
    abort.abort();
    await answer.rejected();
    expect(request.isAborted).toBe(true);
  });

  agree("is for chats that nobody knows: a stored one goes the usual way", async ({ open }) => {
    const page = start(open, { sessions: stored() });
    await page.turn("hello", 0);
    expect(app.requests).toEqual([]);
  });

  agree("is not for actions", async ({ open }) => {
    const page = start(open);
    const answer = page.send("hello", { body: { action: { type: "undo" } } });
    const append = await page.service.append();
    expect(append.payload.trigger).toBe("action");
    append.accept(0);
    (await page.service.out()).stream().turnComplete(0);
    await answer.closed();
    expect(app.requests).toEqual([]);
  });
});

describe("the answer", () => {
  agree("reaches the app without its control, and is stored as it goes", async ({ open }) => {
    const page = start(open);
    const answer = page.send("hello");
    const route = streamed(await app.route());
    await answer.opened();
    const running = { publicAccessToken: "from the route", isStreaming: true };
    expect(page.states).toEqual([running]);
    route.say({ type: "start" }, word("a"));
    expect(await answer.received(2)).toEqual([{ type: "start" }, word("a")]);
    route.say({ type: "trigger:session-state", lastEventId: "7" }, TURN_COMPLETE).out.end();
    expect(await answer.closed()).toEqual([{ type: "start" }, word("a")]);
    expect(page.state).toEqual({
      ...{ publicAccessToken: "from the route", lastEventId: "7", isStreaming: false },
    });
    expect(page.states.at(-1)).toEqual(page.state);
  });

  agree("may hold what is no JSON, which is dropped", async ({ open }) => {
    const page = start(open);
    const answer = page.send("hello");
    const { out } = streamed(await app.route());
    out.write("data: [DONE]\n\ndata: {broken\n\n: comment\n\n");
    out
      .write(`data: ${JSON.stringify(word("a"))}\n\n`)
      .write(`data: {"type":"trigger:turn-complete"}\n\n`);
    out.end();
    expect(await answer.closed()).toEqual([word("a")]);
  });

  agree("may come byte by byte", async ({ open }) => {
    const page = start(open);
    const answer = page.send("hello");
    const { out } = streamed(await app.route());
    for (const character of `data: ${JSON.stringify(word("a b"))}\n\n`) out.write(character);
    expect(await answer.received(1)).toEqual([word("a b")]);
    out.end();
    await answer.closed();
  });

  agree("that ends without a boundary ends well, and nothing runs any more", async ({ open }) => {
    const page = start(open);
    const answer = page.send("hello");
    const route = streamed(await app.route()).say(word("a"));
    await answer.received(1);
    route.out.end();
    expect(await answer.closed()).toEqual([word("a")]);
    expect(page.state).toEqual({ publicAccessToken: "from the route", isStreaming: false });
    await page.resume().isNothing();
    await pass(60_000);
    expect(page.service.requests).toEqual([]);
  });

  agree("that breaks off fails the stream, and tells it", async ({ open }) => {
    const page = start(open);
    const answer = page.send("hello");
    const route = streamed(await app.route()).say(word("a"));
    await answer.received(1);
    route.out.cut(new TypeError("network error"));
    expect((await answer.failed()).message).toContain("network error");
    expect(page.eventTypes.at(-1)).toBe("stream-error");
  });

  agree("ends well when the send's signal is aborted", async ({ open }) => {
    const page = start(open);
    const abort = new AbortController();
    const answer = page.send("hello", { abortSignal: abort.signal });
    const request = await app.route();
    streamed(request).say(word("a"));
    await answer.received(1);
    abort.abort();
    expect(await answer.closed()).toEqual([word("a")]);
    await settle();
    expect(request.isAborted).toBe(true);
    expect(page.eventTypes).not.toContain("stream-error");
    for (const append of page.service.untaken()) {
      expect(append).toContain("/in/append");
      (await page.service.append()).accept(0);
    }
  });
});

describe("a failure", () => {
  agree("of the route rejects the send, with its status, and leaves no chat", async ({ open }) => {
    const page = start(open);
    const answer = page.send("hello");
    (await app.route()).answer(503);
    expect(await answer.rejected()).toMatchObject({ status: 503 });
    expect(page.events).toMatchObject([
      { type: "message-send-failed", source: "head-start", status: 503, messageId: "user-hello" },
    ]);
    expect(page.client.getSession("chat")).toBeUndefined();
    expect(page.service.requests).toEqual([]);
  });

  agree("to give a token rejects the send, by the name of the header", async ({ open }) => {
    const page = start(open);
    const answer = page.send("hello");
    (await app.route()).stream({}).end();
    expect((await answer.rejected()).message).toContain("X-Trigger-Chat-Access-Token");
    expect(page.client.getSession("chat")).toBeUndefined();
  });

  agree("of the network rejects the send", async ({ open }) => {
    const page = start(open);
    const answer = page.send("hello");
    (await app.route()).fail(new TypeError("fetch failed"));
    expect((await answer.rejected()).message).toContain("fetch failed");
    expect(page.eventTypes).toEqual(["message-send-failed"]);
  });

  agree("leaves the next send to try the route again", async ({ open }) => {
    const page = start(open);
    const failed = page.send("hello");
    (await app.route()).answer(500);
    await failed.rejected();
    const answer = page.send("hello");
    streamed(await app.route())
      .say(word("a"), TURN_COMPLETE)
      .out.end();
    expect(await answer.closed()).toEqual([word("a")]);
  });
});

agree('the events are a turn\'s, of the source "head-start"', async ({ open }) => {
  const page = start(open);
  const answer = page.send("hello");
  const request = await app.route();
  await pass(40);
  const route = streamed(request, { "X-Trigger-Chat-Pending-Version": "1" });
  await answer.opened();
  await pass(100);
  route.say(word("a"), { type: "trigger:session-state", lastEventId: "7" }, TURN_COMPLETE);
  route.out.end();
  await answer.closed();
  const at = (ms: number) => ({ chatId: "chat", timestamp: NOW + ms });
  const messageId = "user-hello";
  expect(page.events).toEqual([
    {
      ...{ type: "message-sent", ...at(40), source: "head-start", messageId, durationMs: 40 },
      bodyBytes: request.bodyBytes,
    },
    { type: "run-pending-version", ...at(40), source: "head-start" },
    { type: "stream-connected", ...at(40), resumed: false, messageId },
    { type: "first-chunk", ...at(140), chunkType: "text-delta", messageId, sinceSendMs: 100 },
    { type: "turn-completed", ...at(140), lastEventId: "7", messageId, sinceSendMs: 100 },
  ]);
});

agree("later turns go to the service, behind the route's cursor", async ({ open }) => {
  const page = start(open);
  const answer = page.send("hello");
  const route = streamed(await app.route());
  route.say(word("a"), { type: "trigger:session-state", lastEventId: "7" }, TURN_COMPLETE);
  route.out.end();
  await answer.closed();
  page.service.nextSeq = 8;
  const { append, request } = await page.turn("more", 1);
  expect(append.token).toBe("from the route");
  expect([request.token, request.headers["last-event-id"]]).toEqual(["from the route", "7"]);
  expect(app.requests).toHaveLength(1);
});

agree("a reconnect does not disturb a route's answer that is over", async ({ open }) => {
  const page = start(open);
  const answer = page.send("hello");
  const route = streamed(await app.route()).say(word("a"), TURN_COMPLETE);
  await answer.received(1);
  await settle();
  await page.resume().isNothing();
  route.out.end();
  await answer.closed();
});

describe("the route's answer, as a stream", () => {
  const opened = async (open: Open) => {
    const page = start(open);
    const answer = page.send("hello");
    const request = await app.route();
    const route = streamed(request).say(word("a"));
    await answer.received(1);
    return { page, answer, request, route };
  };

  differ("head-start-is-a-stream", {
    ours: [
      "a reconnect beside it is nothing",
      async ({ open }) => {
        const { page, answer, route } = await opened(open);
        await page.resume().isNothing();
        route.say(TURN_COMPLETE).out.end();
        await answer.closed();
      },
    ],
    published: [
      "a reconnect beside it opens a second one",
      async ({ open }) => {
        const { page } = await opened(open);
        page.resume();
        await page.service.out();
      },
    ],
  });

  differ("head-start-is-a-stream", {
    ours: [
      "a stop ends it, and withdraws its request",
      async ({ open }) => {
        const { page, answer, request } = await opened(open);
        const stopped = page.client.stopGeneration("chat");
        (await page.service.append()).accept(0);
        expect(await stopped).toBe(true);
        expect(await answer.closed()).toEqual([word("a")]);
        expect(request.isAborted).toBe(true);
      },
    ],
    published: [
      "a stop leaves it open",
      async ({ open }) => {
        const { page, answer } = await opened(open);
        const stopped = page.client.stopGeneration("chat");
        (await page.service.append()).accept(0);
        expect(await stopped).toBe(true);
        await settle();
        expect(answer.state).toBe("open");
      },
    ],
  });

  differ("head-start-is-a-stream", {
    ours: [
      "a client that is let go ends it",
      async ({ open }) => {
        const { page, answer, request } = await opened(open);
        page.client.dispose();
        expect(await answer.closed()).toEqual([word("a")]);
        await settle();
        expect(request.isAborted).toBe(true);
      },
    ],
    published: [
      "a client that is let go leaves it open",
      async ({ open }) => {
        const { page, answer, route } = await opened(open);
        page.client.dispose();
        await settle();
        expect(answer.state).toBe("open");
        route.out.end();
        await answer.closed();
      },
    ],
  });

  differ("head-start-is-a-stream", {
    ours: [
      "its failure says that nothing runs",
      async ({ open }) => {
        const { page, answer, route } = await opened(open);
        route.out.cut();
        await answer.failed();
        expect(page.state?.isStreaming).toBe(false);
        expect(page.order.slice(-2)).toEqual(["state", "stream-error"]);
      },
    ],
    published: [
      "its failure leaves a turn that runs",
      async ({ open }) => {
        const { page, answer, route } = await opened(open);
        route.out.cut();
        await answer.failed();
        expect(page.state?.isStreaming).toBe(true);
      },
    ],
  });

  differ("head-start-is-a-stream", {
    ours: [
      "its end is told before its state, as any turn's is",
      async ({ open }) => {
        const { page, answer, route } = await opened(open);
        route.say(TURN_COMPLETE).out.end();
        await answer.closed();
        expect(page.order.slice(-2)).toEqual(["turn-completed", "state"]);
      },
    ],
    published: [
      "its end is told behind its state",
      async ({ open }) => {
        const { page, answer, route } = await opened(open);
        route.say(TURN_COMPLETE).out.end();
        await answer.closed();
        expect(page.order.slice(-2)).toEqual(["state", "turn-completed"]);
      },
    ],
  });
});

differ("head-start-errors", {
  ours: [
    "a route that fails is an error as the service's is",
    async ({ open }) => {
      const answer = start(open).send("hello");
      (await app.route()).answer(503);
      expect(await answer.rejected()).toMatchObject({ name: "TriggerApiError", status: 503 });
    },
  ],
  published: [
    "a route that fails is an error without a name of its own",
    async ({ open }) => {
      const answer = start(open).send("hello");
      (await app.route()).answer(503);
      expect(await answer.rejected()).toMatchObject({ name: "Error", status: 503 });
    },
  ],
});

differ("head-start-errors", {
  ours: [
    "a route that gives no token fails the message",
    async ({ open }) => {
      const page = start(open);
      const answer = page.send("hello");
      (await app.route()).stream({}).end();
      await answer.rejected();
      expect(page.eventTypes).toEqual(["message-send-failed"]);
    },
  ],
  published: [
    "a route that gives no token has the message sent all the same",
    async ({ open }) => {
      const page = start(open);
      const answer = page.send("hello");
      (await app.route()).stream({}).end();
      await answer.rejected();
      expect(page.eventTypes).toEqual(["message-sent"]);
    },
  ],
});

agree("a chat that was started before its first message goes the usual way", async ({ open }) => {
  const page = start(open);
  await page.client.preload("chat");
  const { append } = await page.turn("hello", 0);
  expect(append.token).toBe("started-1");
  expect(app.requests).toEqual([]);
});
