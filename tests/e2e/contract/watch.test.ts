// A reader of someone else's turns: one stream, for as long as the page is there.
import { describe, expect } from "vitest";
import { agree, differ, type Stage } from "./clients";
import { type App, pass, stored, word } from "./conversation";
import { control, type OutStream, settle } from "./scripted-service";

type Open = Stage["open"];

/** A page that watches, connected. */
async function watching(open: Open, more: object = {}) {
  const app = open({ sessions: stored(), watch: true, ...more });
  const answer = app.resume();
  const request = await app.service.out();
  return { app, answer, request, out: request.stream() };
}

/** A turn of somebody else, read to its end. */
async function watchTurn(app: App, out: OutStream, text: string, chunks: number): Promise<void> {
  const ended = app.eventTypes.filter((type) => type === "turn-completed").length;
  out.chunks(word(text)).turnComplete(chunks);
  await settle();
  expect(app.eventTypes.filter((type) => type === "turn-completed")).toHaveLength(ended + 1);
}

describe("a watched chat", () => {
  agree("is resumed although nothing runs, and never peeks", async ({ open }) => {
    const { answer, request } = await watching(open);
    expect(request.headers).not.toHaveProperty("x-peek-settled");
    expect(answer.state).toBe("open");
  });

  agree("is resumed where the stored state says nothing, without a peek too", async ({ open }) => {
    const app = open({ sessions: { chat: { publicAccessToken: "stored" } }, watch: true });
    app.resume();
    const request = await app.service.out();
    expect(request.headers).not.toHaveProperty("x-peek-settled");
  });

  agree("has one stream over all turns", async ({ open }) => {
    const { app, answer, out } = await watching(open);
    await watchTurn(app, out, "one", 0);
    await watchTurn(app, out, "two", 1);
    expect(answer.state).toBe("open");
    expect(answer.chunks).toEqual([word("one"), word("two")]);
    expect(app.service.seen("out")).toHaveLength(1);
  });

  agree("tells each turn's first chunk and end, and its connection once", async ({ open }) => {
    const { app, out } = await watching(open);
    await watchTurn(app, out, "one", 0);
    await watchTurn(app, out, "two", 1);
    expect(app.eventTypes).toEqual([
      "stream-connected",
      ...["first-chunk", "turn-completed"],
      ...["first-chunk", "turn-completed"],
    ]);
    expect(app.events[3]).toMatchObject({ chunkType: "text-delta", lastEventId: "2" });
  });

  agree("stores the cursor at each end", async ({ open }) => {
    const { app, out } = await watching(open);
    await watchTurn(app, out, "one", 0);
    expect(app.states.at(-1)).toEqual({
      ...{ publicAccessToken: "stored", lastEventId: "1", isStreaming: false },
    });
    await watchTurn(app, out, "two", 1);
    expect(app.states.at(-1)).toMatchObject({ lastEventId: "3", isStreaming: false });
  });

  agree("takes the token from a boundary to its next connection", async ({ open }) => {
    const { app, out } = await watching(open);
    out.turnComplete(0, { "public-access-token": "renewed" });
    await settle();
    out.done();
    await pass(5_000);
    const request = await app.service.out();
    expect(request.token).toBe("renewed");
  });

  agree("has a closed chat end it", async ({ open }) => {
    const { app, answer, out } = await watching(open);
    out.batch(control("session-closed", { "session-closed-reason": "done" }));
    expect(await answer.closed()).toEqual([]);
    expect(app.state).toMatchObject({ closed: true, closedReason: "done" });
    await pass(60_000);
    expect(app.service.seen("out")).toHaveLength(1);
  });

  agree("has its signal end it, and stops no turn", async ({ open }) => {
    const app = open({ sessions: stored(), watch: true });
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
  });

  agree("is let go with its client", async ({ open }) => {
    const { app, answer, request } = await watching(open);
    app.client.dispose();
    expect(await answer.closed()).toEqual([]);
    await pass(60_000);
    expect(request.isAborted).toBe(true);
    expect(app.service.seen("out")).toHaveLength(1);
  });

  agree("that is watched already is not watched twice", async ({ open }) => {
    const { app } = await watching(open);
    await app.resume().isNothing();
  });

  agree("that is closed is not watched at all", async ({ open }) => {
    const app = open({ sessions: stored({ closed: true }), watch: true });
    await app.resume().isNothing();
  });
});

describe("it never gives up", () => {
  agree("on windows that end, turn after turn", async ({ open }) => {
    const { app, answer, out } = await watching(open);
    await watchTurn(app, out, "one", 0);
    out.done();
    for (let window = 0; window < 12; window++) {
      await pass(5_000);
      const request = await app.service.out();
      expect(request.headers["last-event-id"]).toBe("1");
      expect(request.headers).not.toHaveProperty("x-peek-settled");
      request.stream().done();
    }
    await pass(5_000);
    const last = (await app.service.out()).stream();
    await watchTurn(app, last, "two", 1);
    expect(answer.state).toBe("open");
  });

  agree("on bodies that end at once, empty", async ({ open }) => {
    const { app, answer, out } = await watching(open);
    out.end();
    for (let body = 0; body < 12; body++) {
      await pass(5_000);
      (await app.service.out()).stream().end();
    }
    await pass(5_000);
    (await app.service.out()).stream().chunks(word("a"));
    expect(await answer.received(1)).toEqual([word("a")]);
  });

  agree("on a network that is gone", async ({ open }) => {
    const { app, answer, out } = await watching(open);
    out.cut();
    for (let attempt = 0; attempt < 12; attempt++) {
      await pass(5_000);
      (await app.service.out()).fail();
    }
    await pass(5_000);
    (await app.service.out()).stream().chunks(word("a"));
    expect(await answer.received(1)).toEqual([word("a")]);
  });

  agree("on a chat where nothing happens for an hour", async ({ open }) => {
    const { app, answer } = await watching(open);
    for (let minute = 0; minute < 60; minute++) {
      await pass(60_000);
      while (app.service.untaken().length > 0) (await app.service.out()).stream();
    }
    await pass(65_000);
    expect(answer.state).toBe("open");
    while (app.service.untaken().length > 0) (await app.service.out()).stream();
    expect(app.eventTypes).not.toContain("stream-error");
  });
});

agree("a page that watches can send, and has one stream then", async ({ open }) => {
  const { app, answer } = await watching(open);
  const asked = await app.ask("hello", 0);
  expect(await answer.closed()).toEqual([]);
  asked.out.chunks(word("a")).turnComplete(0);
  await asked.answer.received(1);
  await settle();
  // It is a watcher's stream too: the end of the turn does not end it.
  expect(asked.answer.state).toBe("open");
  asked.out.chunks(word("b"));
  expect(await asked.answer.received(2)).toEqual([word("a"), word("b")]);
});

agree("a stop by the page that watches ends its stream", async ({ open }) => {
  const { app, answer, out } = await watching(open);
  out.chunks(word("a"));
  await answer.received(1);
  const stopped = app.client.stopGeneration("chat");
  (await app.service.append()).accept(1);
  expect(await stopped).toBe(true);
  expect(await answer.closed()).toEqual([word("a")]);
});

differ("watched-turns-run", {
  ours: [
    "a watched turn is stored as running from its first chunk on",
    async ({ open }) => {
      const { app, out } = await watching(open);
      await watchTurn(app, out, "one", 0);
      expect(app.states).toEqual([
        { publicAccessToken: "stored", isStreaming: true },
        { publicAccessToken: "stored", isStreaming: false, lastEventId: "1" },
      ]);
    },
  ],
  published: [
    "a watched turn is never stored as running",
    async ({ open }) => {
      const { app, out } = await watching(open);
      await watchTurn(app, out, "one", 0);
      expect(app.states).toEqual([
        { publicAccessToken: "stored", isStreaming: false, lastEventId: "1" },
      ]);
    },
  ],
});

/** Aborts a watched turn as one who owns it, and counts the stops. */
async function stopsOnAbort(open: Open): Promise<number> {
  const app = open({ sessions: stored(), watch: true });
  const abort = new AbortController();
  const answer = app.resume({ abortSignal: abort.signal, stopOnAbort: true });
  (await app.service.out()).stream().chunks(word("a"));
  await answer.received(1);
  abort.abort();
  expect(await answer.closed()).toEqual([word("a")]);
  await settle();
  for (const append of app.service.seen("append")) {
    expect(append.body).toEqual({ kind: "stop" });
    (await app.service.append()).accept(0);
  }
  return app.service.seen("append").length;
}

differ("watched-turns-run", {
  ours: [
    "aborting with `stopOnAbort` stops a watched turn",
    async ({ open }) => expect(await stopsOnAbort(open)).toBe(1),
  ],
  published: [
    "aborting with `stopOnAbort` stops no watched turn",
    async ({ open }) => expect(await stopsOnAbort(open)).toBe(0),
  ],
});
