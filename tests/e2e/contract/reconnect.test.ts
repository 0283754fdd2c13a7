// Resuming a turn that may be running: when there is nothing to resume, what is asked of the service,
// and what the app gets.
import { describe, expect } from "vitest";
import { agree, differ } from "./clients";
import { pass, stored, word } from "./conversation";
import { settle } from "./scripted-service";

describe("there is nothing to resume", () => {
  agree("in a chat that nobody knows", async ({ open }) => {
    const app = open();
    await app.resume().isNothing();
    expect(app.service.requests).toEqual([]);
    expect(app.starts).toEqual([]);
  });

  agree("in a closed chat", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true, closed: true }) });
    await app.resume().isNothing();
    expect(app.service.requests).toEqual([]);
  });

  agree("where the stored state says that nothing runs", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: false }) });
    await app.resume().isNothing();
    expect(app.service.requests).toEqual([]);
  });

  agree("beside a stream that is open", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true }) });
    const first = app.resume();
    await app.resume().isNothing();
    const out = (await app.service.out()).stream();
    await app.resume().isNothing();
    out.chunks(word("a")).turnComplete(0);
    expect(await first.closed()).toEqual([word("a")]);
    expect(app.service.seen("out")).toHaveLength(1);
  });

  agree("beside the stream of a send", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    await app.resume().isNothing();
    out.turnComplete(0);
    await answer.closed();
  });
});

describe("the request", () => {
  agree("peeks where no number of an input is stored", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true, lastEventId: "41" }) });
    app.service.nextSeq = 42;
    const answer = app.resume();
    const request = await app.service.out();
    expect(request.headers).toEqual({
      ...{ accept: "text/event-stream", authorization: "Bearer stored" },
      ...{ "last-event-id": "41", "timeout-seconds": "120", "x-peek-settled": "1" },
    });
    request.stream().turnComplete(0);
    await answer.closed();
  });

  agree("peeks where an app has dropped `isStreaming`", async ({ open }) => {
    const app = open({ sessions: { chat: { publicAccessToken: "stored", lastEventId: "41" } } });
    const answer = app.resume();
    const request = await app.service.out();
    expect(request.headers["x-peek-settled"]).toBe("1");
    request.streamSettled().end();
    expect(await answer.closed()).toEqual([]);
  });

  agree("never peeks where a number of an input is stored", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true, activeInputSeq: 7 }) });
    const answer = app.resume();
    const request = await app.service.out();
    expect(request.headers).not.toHaveProperty("x-peek-settled");
    request.stream().turnComplete(7);
    await answer.closed();
  });
});

describe("the stream", () => {
  agree("is the turn, and its boundary ends it", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true, lastEventId: "41" }) });
    app.service.nextSeq = 42;
    const answer = app.resume();
    (await app.service.out()).stream().chunks(word("a"), word("b")).turnComplete(3);
    expect(await answer.closed()).toEqual([word("a"), word("b")]);
    expect(app.states).toEqual([
      { publicAccessToken: "stored", lastEventId: "44", isStreaming: false },
    ]);
  });

  agree("passes over the boundary of an earlier turn", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true, activeInputSeq: 7 }) });
    const answer = app.resume();
    const out = (await app.service.out()).stream();
    out.turnComplete(6).chunks(word("mine"));
    expect(await answer.received(1)).toEqual([word("mine")]);
    out.turnComplete(7);
    await answer.closed();
  });

  agree("that is settled ends well, and nothing runs any more", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true, lastEventId: "41" }) });
    const answer = app.resume();
    (await app.service.out()).streamSettled().end();
    expect(await answer.closed()).toEqual([]);
    expect(app.states).toEqual([
      { publicAccessToken: "stored", lastEventId: "41", isStreaming: false },
    ]);
    await pass(60_000);
    expect(app.service.seen("out")).toHaveLength(1);
  });

  agree("that is settled hands on the rest before it ends", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true }) });
    const answer = app.resume();
    (await app.service.out()).streamSettled().chunks(word("a")).turnComplete(0).end();
    expect(await answer.closed()).toEqual([word("a")]);
  });

  agree("goes on over a lost connection", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true }) });
    const answer = app.resume();
    const out = (await app.service.out()).stream();
    out.chunks(word("a"));
    await answer.received(1);
    out.cut();
    await pass(5_000);
    const next = await app.service.out();
    expect(next.headers["last-event-id"]).toBe("0");
    next.stream().chunks(word("b")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a"), word("b")]);
  });

  agree("of a session that is gone fails, and nothing is created", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true }), startSession: undefined });
    const answer = app.resume();
    (await app.service.out()).refuse(404);
    expect(await answer.failed()).toMatchObject({ name: "TriggerApiError", status: 404 });
  });
});

describe("aborting its signal", () => {
  agree("ends the stream well, and stops no turn", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true }) });
    const abort = new AbortController();
    const answer = app.resume({ abortSignal: abort.signal });
    const request = await app.service.out();
    request.stream().chunks(word("a"));
    await answer.received(1);
    abort.abort();
    expect(await answer.closed()).toEqual([word("a")]);
    await settle();
    expect(request.isAborted).toBe(true);
    expect(app.service.seen("append")).toEqual([]);
    expect(app.events.some(({ type }) => type === "stream-error")).toBe(false);
  });

  agree("stops the turn where the caller owns it", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true }) });
    const abort = new AbortController();
    const answer = app.resume({ abortSignal: abort.signal, stopOnAbort: true });
    (await app.service.out()).stream().chunks(word("a"));
    await answer.received(1);
    abort.abort();
    expect(await answer.closed()).toEqual([word("a")]);
    const append = await app.service.append();
    expect(append.body).toEqual({ kind: "stop" });
    append.accept(1);
    await settle();
    expect(app.state).toMatchObject({ isStreaming: false });
  });
});

differ("settled-is-told", {
  ours: [
    "a settled stream says that nothing runs, where the stored state said nothing",
    async ({ open }) => {
      const app = open({ sessions: { chat: { publicAccessToken: "stored" } } });
      const answer = app.resume();
      (await app.service.out()).streamSettled().end();
      await answer.closed();
      expect(app.states).toEqual([{ publicAccessToken: "stored", isStreaming: false }]);
    },
  ],
  published: [
    "a settled stream says nothing, where the stored state said nothing",
    async ({ open }) => {
      const app = open({ sessions: { chat: { publicAccessToken: "stored" } } });
      const answer = app.resume();
      (await app.service.out()).streamSettled().end();
      await answer.closed();
      expect(app.states).toEqual([]);
    },
  ],
});

differ("replay-in-page", {
  ours: [
    "a reconnect in the page that lost its stream replays the turn from its start",
    async ({ open }) => {
      const app = open({ sessions: stored({ isStreaming: true, lastEventId: "41" }) });
      app.service.nextSeq = 42;
      const first = app.resume();
      (await app.service.out()).stream().chunks(word("a"));
      await first.received(1);
      app.client.dispose();
      const second = app.resume();
      const request = await app.service.out();
      expect(request.headers["last-event-id"]).toBe("41");
      app.service.nextSeq = 42;
      request.stream().chunks(word("a"), word("b")).turnComplete(0);
      expect(await second.closed()).toEqual([word("a"), word("b")]);
    },
  ],
  published: [
    "a reconnect in the page that lost its stream goes on where it was",
    async ({ open }) => {
      const app = open({ sessions: stored({ isStreaming: true, lastEventId: "41" }) });
      app.service.nextSeq = 42;
      const first = app.resume();
      (await app.service.out()).stream().chunks(word("a"));
      await first.received(1);
      app.client.dispose();
      await first.closed();
      const second = app.resume();
      const request = await app.service.out();
      expect(request.headers["last-event-id"]).toBe("42");
      request.stream().turnComplete(0);
      expect(await second.closed()).toEqual([]);
    },
  ],
});
