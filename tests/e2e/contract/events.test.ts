// The lifecycle events of each kind of call: whole lists, in order, with all that is in them.
import { describe, expect, vi } from "vitest";
import { agree, differ } from "./clients";
import { NOW, pass, said, stored, word } from "./conversation";
import { control, type Exchange, settle } from "./scripted-service";

const chatId = "chat";

/** The end of a send whose append is this. */
function sent(append: Exchange, source: string, more: object = {}) {
  const { partId, bodyBytes } = append;
  const times = { timestamp: NOW, durationMs: 0 };
  return { type: "message-sent", chatId, source, ...times, partId, bodyBytes, ...more };
}

function sendFailed(append: Exchange, source: string, more: object) {
  return {
    ...sent(append, source, { error: expect.any(Error), ...more }),
    type: "message-send-failed",
  };
}

/** Any other event. */
function told(type: string, more: object = {}) {
  return { type, chatId, timestamp: NOW, ...more };
}

describe("a turn", () => {
  agree("tells: sent, connected, first chunk, completed", async ({ open }) => {
    const app = open({ sessions: stored({ lastEventId: "41" }) });
    app.service.nextSeq = 42;
    const answer = app.send("hello");
    const append = await app.service.append();
    await pass(40);
    append.accept(5);
    const out = (await app.service.out()).stream();
    await answer.opened();
    await pass(250);
    out.chunks({ type: "start", messageId: "a-1" }, word("a"));
    await answer.received(2);
    await pass(1_000);
    out.turnComplete(6);
    await answer.closed();
    const messageId = "user-hello";
    const connected = app.events.find(({ type }) => type === "stream-connected");
    expect(app.events).toEqual([
      sent(append, "submit-message", { messageId, durationMs: 40, timestamp: NOW + 40 }),
      // At the headers or at the first record: the clients differ.
      told("stream-connected", {
        ...{ resumed: false, lastEventId: "41", messageId, timestamp: connected?.timestamp },
      }),
      told("first-chunk", {
        ...{ chunkType: "start", lastEventId: "42", messageId },
        ...{ sinceSendMs: 250, timestamp: NOW + 290 },
      }),
      told("turn-completed", {
        ...{ lastEventId: "44", sessionInEventId: "6", messageId },
        ...{ sinceSendMs: 1_250, timestamp: NOW + 1_290 },
      }),
    ]);
  });

  agree("that answers anew tells the message that it is about", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.regenerate({ messageId: "answer-1" });
    const append = await app.service.append();
    append.accept(0);
    (await app.service.out()).stream().chunks(word("a")).turnComplete(0);
    await answer.closed();
    const messageId = "answer-1";
    expect(app.events).toEqual([
      sent(append, "regenerate-message", { messageId }),
      told("stream-connected", { resumed: false, messageId }),
      told("first-chunk", {
        ...{ chunkType: "text-delta", lastEventId: "0", messageId, sinceSendMs: 0 },
      }),
      told("turn-completed", {
        ...{ lastEventId: "1", sessionInEventId: "0", messageId, sinceSendMs: 0 },
      }),
    ]);
  });

  agree("that answers anew without an id tells the last message's", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.regenerate();
    const append = await app.service.append();
    append.refuse(400);
    await settle();
    expect(app.events).toEqual([
      sendFailed(append, "regenerate-message", { messageId: "user-hello", status: 400 }),
    ]);
  });

  agree("without a chunk tells no first one", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.turnComplete(0);
    await answer.closed();
    expect(app.eventTypes).toEqual(["message-sent", "stream-connected", "turn-completed"]);
  });

  agree("of an older agent tells no number of its input", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello");
    out.turnComplete();
    await answer.closed();
    expect(app.events.at(-1)).toEqual(
      told("turn-completed", { lastEventId: "0", messageId: "user-hello", sinceSendMs: 0 }),
    );
  });
});

describe("a steer", () => {
  agree("tells that it was sent, and the running turn goes on telling", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    const delivered = app.client.sendPendingMessage(chatId, said("and this"));
    const append = await app.service.append();
    append.accept(1);
    expect(await delivered).toBe(true);
    out.turnComplete(1);
    await answer.closed();
    expect(app.events.slice(3)).toEqual([
      sent(append, "steer", { messageId: "user-and this" }),
      told("turn-completed", {
        ...{ lastEventId: "1", sessionInEventId: "1", messageId: "user-hello", sinceSendMs: 0 },
      }),
    ]);
  });

  agree("that is refused tells that it failed", async ({ open }) => {
    const app = open({ sessions: stored() });
    const delivered = app.client.sendPendingMessage(chatId, said("and this"));
    const append = await app.service.append();
    append.refuse(400);
    expect(await delivered).toBe(false);
    expect(app.events).toEqual([
      sendFailed(append, "steer", { messageId: "user-and this", status: 400 }),
    ]);
  });
});

describe("an action in the body", () => {
  agree("tells itself, and the last message for its answer", async ({ open }) => {
    const app = open({ sessions: stored() });
    await app.turn("hello", 0);
    const before = app.events.length;
    const answer = app.send("hello", { body: { action: { type: "undo" } } });
    const append = await app.service.append();
    append.accept(1);
    (await app.service.out()).stream().chunks(word("a")).turnComplete(1);
    await answer.closed();
    const messageId = "user-hello";
    expect(app.events.slice(before)).toEqual([
      sent(append, "action"),
      told("stream-connected", { resumed: false, lastEventId: "1", messageId }),
      told("first-chunk", {
        ...{ chunkType: "text-delta", lastEventId: "2", messageId, sinceSendMs: 0 },
      }),
      told("turn-completed", {
        ...{ lastEventId: "3", sessionInEventId: "1", messageId, sinceSendMs: 0 },
      }),
    ]);
  });
});

describe("a stop", () => {
  agree("tells that it was sent, and nothing of the stream that it ends", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    const stopped = app.client.stopGeneration(chatId);
    const append = await app.service.append();
    append.accept(1);
    expect(await stopped).toBe(true);
    await answer.closed();
    expect(app.events.slice(3)).toEqual([sent(append, "stop")]);
  });

  agree("that is refused tells that it failed", async ({ open }) => {
    const app = open({ sessions: stored() });
    const stopped = app.client.stopGeneration(chatId);
    const append = await app.service.append();
    append.refuse(403, {});
    const again = await app.service.append();
    again.refuse(403);
    expect(await stopped).toBe(false);
    expect(app.events).toEqual([sendFailed(append, "stop", { status: 403 })]);
  });
});

describe("failures", () => {
  agree("a refused message tells that alone", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    const append = await app.service.append();
    append.refuse(400);
    const error = await answer.rejected();
    await settle();
    expect(app.events).toEqual([
      sendFailed(append, "submit-message", { messageId: "user-hello", status: 400, error }),
    ]);
  });

  agree("a session that cannot be started tells nothing", async ({ open }) => {
    const startSession = () => Promise.reject(new RangeError("the app says no"));
    const app = open({ startSession });
    expect(await app.send("hello").rejected()).toBeInstanceOf(RangeError);
    expect(app.events).toEqual([]);
  });

  agree("a refused stream tells its error and status", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    const append = await app.service.append();
    append.accept(0);
    (await app.service.out()).refuse(410);
    const error = await answer.failed();
    expect(app.events).toEqual([
      sent(append, "submit-message", { messageId: "user-hello" }),
      told("stream-error", { error, status: 410 }),
    ]);
  });

  agree("a listener that throws breaks nothing", async ({ open }) => {
    const onEvent = vi.fn(() => {
      throw new Error("the app fails");
    });
    await open({ sessions: stored(), onEvent }).turn("hello", 0);
    expect(onEvent).toHaveBeenCalledTimes(4);
  });
});

describe("a close", () => {
  agree("that meets a message tells the close first", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    const append = await app.service.append();
    append.refuseAsClosed("all is said");
    await answer.rejected();
    await settle();
    expect(app.events).toEqual([
      told("session-closed", { reason: "all is said", source: "append" }),
      sendFailed(append, "submit-message", { messageId: "user-hello", status: 409 }),
    ]);
  });

  agree("in the stream tells the close alone", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a")).batch(control("session-closed", { "session-closed-reason": "done" }));
    expect(await answer.closed()).toEqual([word("a")]);
    expect(app.events.slice(3)).toEqual([
      told("session-closed", { reason: "done", source: "stream" }),
    ]);
  });

  agree("at the end of a turn tells the close, then the end", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.turnComplete(0, { "session-closed": "true" });
    await answer.closed();
    expect(app.events.slice(2)).toEqual([
      told("session-closed", { source: "stream" }),
      told("turn-completed", {
        ...{ lastEventId: "0", sessionInEventId: "0", messageId: "user-hello", sinceSendMs: 0 },
      }),
    ]);
  });
});

describe("a reconnect", () => {
  agree("tells that it resumed, without a message to name", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true, lastEventId: "41" }) });
    app.service.nextSeq = 42;
    const answer = app.resume();
    (await app.service.out()).stream().chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
    expect(app.events).toEqual([
      told("stream-connected", { resumed: true, lastEventId: "41" }),
      told("first-chunk", { chunkType: "text-delta", lastEventId: "42" }),
      told("turn-completed", { lastEventId: "43", sessionInEventId: "0" }),
    ]);
  });

  agree("inside a stream tells nothing", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    out.cut();
    await pass(5_000);
    (await app.service.out()).stream().chunks(word("b")).turnComplete(0);
    await answer.closed();
    expect(app.eventTypes).toEqual([
      ...["message-sent", "stream-connected", "first-chunk", "turn-completed"],
    ]);
  });
});

differ("abort-is-told", {
  ours: [
    "the stop of an abort tells its end",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const abort = new AbortController();
      const { answer } = await app.ask("hello", 0, { abortSignal: abort.signal });
      abort.abort();
      await answer.closed();
      const append = await app.service.append();
      append.accept(1);
      await settle();
      expect(app.events.at(-1)).toEqual(sent(append, "stop"));
    },
  ],
  published: [
    "the stop of an abort tells nothing",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const abort = new AbortController();
      const { answer, out } = await app.ask("hello", 0, { abortSignal: abort.signal });
      out.chunks(word("a"));
      await answer.received(1);
      const before = app.events.length;
      abort.abort();
      (await app.service.append()).accept(1);
      await settle();
      expect(app.events).toHaveLength(before);
    },
  ],
});

differ("closed-stop-is-silent", {
  ours: [
    "a stop in a closed chat tells nothing",
    async ({ open }) => {
      const app = open({ sessions: stored({ closed: true }) });
      expect(await app.client.stopGeneration(chatId)).toBe(false);
      expect(app.events).toEqual([]);
    },
  ],
  published: [
    "a stop in a closed chat tells that it failed",
    async ({ open }) => {
      const app = open({ sessions: stored({ closed: true }) });
      expect(await app.client.stopGeneration(chatId)).toBe(false);
      expect(app.events).toMatchObject([
        { type: "message-send-failed", source: "stop", status: 409 },
      ]);
    },
  ],
});
