// How a turn is stopped: by `stopGeneration`, and by aborting the signal of what the app holds.
import { getEventListeners } from "node:events";
import { describe, expect } from "vitest";
import { agree, differ, type Stage } from "./clients";
import { type App, type Asked, stored, word } from "./conversation";
import { control, settle } from "./scripted-service";

/** A running turn with one word on its stream. */
async function running(app: App, seq: number, more?: Parameters<App["ask"]>[2]): Promise<Asked> {
  const asked = await app.ask("hello", seq, more);
  asked.out.chunks(word("a"));
  await asked.answer.received(1);
  return asked;
}

/** Stops it, and has the stop land. */
async function stop(app: App, seq?: number): Promise<void> {
  const stopped = app.client.stopGeneration("chat");
  (await app.service.append()).accept(seq);
  expect(await stopped).toBe(true);
}

describe("a stop", () => {
  agree("is one record, ends the stream well, and says that nothing runs", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, request } = await running(app, 0);
    const stopped = app.client.stopGeneration("chat");
    const append = await app.service.append();
    expect(append.text).toBe('{"kind":"stop"}');
    expect(append.headers).toMatchObject({ authorization: "Bearer stored" });
    expect(answer.state).toBe("open");
    append.accept(1);
    expect(await stopped).toBe(true);
    expect(await answer.closed()).toEqual([word("a")]);
    expect(request.isAborted).toBe(true);
    expect(app.states.at(-1)).toMatchObject({ isStreaming: false, lastEventId: "0" });
    await app.resume().isNothing();
  });

  agree("of a chat that nobody knows is false", async ({ open }) => {
    const app = open();
    expect(await app.client.stopGeneration("chat")).toBe(false);
    expect(app.service.requests).toEqual([]);
    expect(app.events).toEqual([]);
  });

  agree("that is refused is false, never rejected, and the stream stays open", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await running(app, 0);
    const stopped = app.client.stopGeneration("chat");
    (await app.service.append()).refuse(400);
    expect(await stopped).toBe(false);
    expect(answer.state).toBe("open");
    expect(app.state).toMatchObject({ isStreaming: true });
    out.chunks(word("b")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a"), word("b")]);
  });

  agree("that finds the session closed is false, and the chat is closed", async ({ open }) => {
    const app = open({ sessions: stored() });
    const stopped = app.client.stopGeneration("chat");
    (await app.service.append()).refuseAsClosed("done");
    expect(await stopped).toBe(false);
    expect(app.state).toMatchObject({ closed: true, closedReason: "done" });
  });

  agree("gets a fresh token where its own has expired", async ({ open }) => {
    const app = open({ sessions: stored() });
    const stopped = app.client.stopGeneration("chat");
    (await app.service.append()).refuse(401);
    const again = await app.service.append();
    expect(again.token).toBe("fresh-1");
    again.accept(0);
    expect(await stopped).toBe(true);
  });
});

describe("behind a stop", () => {
  agree("the late records of the stopped turn are held back from the next", async ({ open }) => {
    const app = open({ sessions: stored() });
    await running(app, 0);
    await stop(app, 1);
    const { answer, out, request } = await app.ask("next", 2);
    expect(request.headers["last-event-id"]).toBe("0");
    out.chunks(word("late"), word("later")).turnComplete(1).chunks(word("mine")).turnComplete(2);
    expect(await answer.closed()).toEqual([word("mine")]);
  });

  agree("a boundary older than the stopped turn does not open the gate", async ({ open }) => {
    const app = open({ sessions: stored() });
    await running(app, 5);
    await stop(app, 6);
    const { answer, out } = await app.ask("next", 7);
    out.turnComplete(4).chunks(word("late")).turnComplete(5).chunks(word("mine")).turnComplete(7);
    expect(await answer.closed()).toEqual([word("mine")]);
  });

  agree("a boundary of the stopped turn opens the gate, above its seq too", async ({ open }) => {
    const app = open({ sessions: stored() });
    await running(app, 0);
    await stop(app, 1);
    const { answer, out } = await app.ask("next", 5);
    out.chunks(word("late")).turnComplete(3).chunks(word("mine"));
    expect(await answer.received(1)).toEqual([word("mine")]);
    out.turnComplete(5);
    await answer.closed();
  });

  differ("gate-has-its-own-boundary", {
    ours: [
      "a boundary without a number opens the gate, and the next one is mine",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        await running(app, 0);
        await stop(app, 1);
        const { answer, out } = await app.ask("next", 2);
        out.chunks(word("late")).turnComplete().chunks(word("mine")).turnComplete();
        expect(await answer.closed()).toEqual([word("mine")]);
      },
    ],
    published: [
      "a boundary without a number opens the gate, and counts as mine as well",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        await running(app, 0);
        await stop(app, 1);
        const { answer, out } = await app.ask("next", 2);
        out.chunks(word("late")).turnComplete().chunks(word("mine")).turnComplete();
        expect(await answer.closed()).toEqual([]);
      },
    ],
  });

  agree("a turn whose output was swallowed fails, and the one after is whole", async ({ open }) => {
    const app = open({ sessions: stored() });
    await running(app, 0);
    await stop(app, 1);
    const { answer, out } = await app.ask("next", 2);
    out.chunks(word("swallowed")).turnComplete(2);
    expect((await answer.failed()).message).toBe("The previous turn's output was lost. Try again.");
    expect(answer.chunks).toEqual([]);
    const { isStreaming, activeInputSeq } = app.states.at(-1) ?? {};
    expect([isStreaming, activeInputSeq]).toEqual([false, undefined]);
    expect(app.eventTypes.at(-1)).toBe("stream-error");
    await app.turn("again", 3);
  });

  agree("a close and a waiting run pass the gate", async ({ open }) => {
    const app = open({ sessions: stored() });
    await running(app, 0);
    await stop(app, 1);
    const { answer, out } = await app.ask("next", 2);
    out.chunks(word("late")).batch(control("pending-version"), control("session-closed"));
    expect(await answer.closed()).toEqual([]);
    expect(app.eventTypes.slice(-2)).toEqual(["run-pending-version", "session-closed"]);
  });

  agree("nothing is held back where no turn was outstanding", async ({ open }) => {
    const app = open({ sessions: stored() });
    await app.turn("first", 0);
    await stop(app, 1);
    const { answer, out } = await app.ask("next", 2);
    out.chunks(word("mine")).turnComplete(2);
    expect(await answer.closed()).toEqual([word("mine")]);
  });
});

describe("aborting", () => {
  agree("a running turn writes one stop, and ends its stream well", async ({ open }) => {
    const app = open({ sessions: stored() });
    const abort = new AbortController();
    const { answer, request } = await running(app, 0, { abortSignal: abort.signal });
    abort.abort();
    expect(await answer.closed()).toEqual([word("a")]);
    const append = await app.service.append();
    expect(append.body).toEqual({ kind: "stop" });
    append.accept(1);
    await settle();
    expect(request.isAborted).toBe(true);
    expect(app.state).toMatchObject({ isStreaming: false });
    expect(app.service.seen("append")).toHaveLength(2);
    expect(app.eventTypes).not.toContain("stream-error");
  });

  agree("holds the late records of that turn back from the next", async ({ open }) => {
    const app = open({ sessions: stored() });
    const abort = new AbortController();
    const { answer } = await running(app, 0, { abortSignal: abort.signal });
    abort.abort();
    await answer.closed();
    (await app.service.append()).accept(1);
    await settle();
    const next = await app.ask("next", 2);
    next.out.chunks(word("late")).turnComplete(1).chunks(word("mine")).turnComplete(2);
    expect(await next.answer.closed()).toEqual([word("mine")]);
  });

  agree("a turn that is over writes nothing", async ({ open }) => {
    const app = open({ sessions: stored() });
    const abort = new AbortController();
    const { answer, out } = await running(app, 0, { abortSignal: abort.signal });
    out.turnComplete(0);
    await answer.closed();
    abort.abort();
    await settle();
    expect(app.service.seen("append")).toHaveLength(1);
    const { isStreaming } = app.state ?? {};
    expect(isStreaming).toBe(false);
  });

  agree("a turn that was superseded writes nothing", async ({ open }) => {
    const app = open({ sessions: stored() });
    const abort = new AbortController();
    const first = await running(app, 0, { abortSignal: abort.signal });
    const second = await app.ask("next", 1);
    await first.answer.closed();
    abort.abort();
    await settle();
    expect(app.service.seen("append")).toHaveLength(2);
    second.out.chunks(word("mine")).turnComplete(1);
    expect(await second.answer.closed()).toEqual([word("mine")]);
  });

  differ("stop-on-abort", {
    ours: [
      "ends the stream alone where the app says so, and the turn can be resumed",
      async ({ open }) => {
        const app = open({ sessions: stored(), stopOnAbort: false });
        const abort = new AbortController();
        const { answer } = await running(app, 0, { abortSignal: abort.signal });
        abort.abort();
        expect(await answer.closed()).toEqual([word("a")]);
        await settle();
        expect(app.service.seen("append")).toHaveLength(1);
        expect(app.state).toMatchObject({ isStreaming: true, activeInputSeq: 0 });
        const resumed = app.resume();
        const request = await app.service.out();
        expect(request.headers).not.toHaveProperty("last-event-id");
        app.service.nextSeq = 0;
        request.stream().chunks(word("a"), word("b")).turnComplete(0);
        expect(await resumed.closed()).toEqual([word("a"), word("b")]);
      },
    ],
  });

  differ("abort-order", {
    ours: [
      "tells the state first",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const abort = new AbortController();
        const { answer } = await running(app, 0, { abortSignal: abort.signal });
        const before = app.order.length;
        abort.abort();
        await answer.closed();
        (await app.service.append()).accept(1);
        await settle();
        expect(app.order.slice(before)).toEqual(["state", "append", "message-sent"]);
      },
    ],
    published: [
      "sends the stop first",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const abort = new AbortController();
        const { answer } = await running(app, 0, { abortSignal: abort.signal });
        const before = app.order.length;
        abort.abort();
        await answer.closed();
        (await app.service.append()).accept(1);
        await settle();
        expect(app.order.slice(before)).toEqual(["append", "state"]);
      },
    ],
  });

  differ("abort-before-answer", {
    ours: [
      "a send that is not sent yet rejects it, and nothing leaves",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const error = await app.send("hello", { abortSignal: AbortSignal.abort() }).rejected();
        expect(error.name).toBe("AbortError");
        await settle();
        expect(app.service.requests).toEqual([]);
      },
    ],
    published: [
      "a send that is not sent yet sends it, and gives an empty stream",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello", { abortSignal: AbortSignal.abort() });
        (await app.service.append()).accept(0);
        expect(await answer.closed()).toEqual([]);
      },
    ],
  });

  differ("abort-before-answer", {
    ours: [
      "a send that is on its way rejects it, and stops the turn when it has landed",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const abort = new AbortController();
        const answer = app.send("hello", { abortSignal: abort.signal });
        const append = await app.service.append();
        abort.abort();
        expect((await answer.rejected()).name).toBe("AbortError");
        append.accept(0);
        const stopping = await app.service.append();
        expect(stopping.body).toEqual({ kind: "stop" });
        stopping.accept(1);
        await settle();
      },
    ],
    published: [
      "a send that is on its way leaves its turn running",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const abort = new AbortController();
        const answer = app.send("hello", { abortSignal: abort.signal });
        const append = await app.service.append();
        abort.abort();
        append.accept(0);
        expect(await answer.closed()).toEqual([]);
        expect(app.service.seen("append")).toHaveLength(1);
      },
    ],
  });
});

differ("gone-reader-keeps-turn", {
  ours: [
    "cancelling the stream stops no turn, and keeps it",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const { answer, request } = await running(app, 0);
      await answer.cancel();
      await settle();
      expect(request.isAborted).toBe(true);
      expect(app.state).toMatchObject({ isStreaming: true, activeInputSeq: 0 });
    },
  ],
  published: [
    "cancelling the stream stops no turn, and forgets it",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const { answer, request } = await running(app, 0);
      await answer.cancel();
      await settle();
      expect(request.isAborted).toBe(true);
      expect(app.state).toMatchObject({ isStreaming: false });
    },
  ],
});

differ("gate-survives-reload", {
  ours: [
    "after a reload the late records of the stopped turn are held back",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      await running(app, 0);
      await stop(app, 1);
      const [state] = app.states.slice(-1);
      if (!state) throw new Error("nothing was stored");
      const reloaded = open({ sessions: { chat: JSON.parse(JSON.stringify(state)) } }, app);
      const { answer, out } = await reloaded.ask("next", 2);
      out.chunks(word("late")).turnComplete(1).chunks(word("mine")).turnComplete(2);
      expect(await answer.closed()).toEqual([word("mine")]);
    },
  ],
  published: [
    "after a reload the late records of the stopped turn come before the next answer",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      await running(app, 0);
      await stop(app, 1);
      const [state] = app.states.slice(-1);
      if (!state) throw new Error("nothing was stored");
      const reloaded = open({ sessions: { chat: JSON.parse(JSON.stringify(state)) } }, app);
      const { answer, out } = await reloaded.ask("next", 2);
      out.chunks(word("late")).turnComplete(1).chunks(word("mine")).turnComplete(2);
      expect(await answer.closed()).toEqual([word("late"), word("mine")]);
    },
  ],
});

differ("signals-are-let-go", {
  ours: [
    "a turn that is over leaves no listener on its signal",
    async ({ open }) => expect(await listenersLeft(open)).toBe(0),
  ],
  published: [
    "a turn that is over leaves a listener on its signal",
    async ({ open }) => expect(await listenersLeft(open)).toBe(1),
  ],
});

async function listenersLeft(open: Stage["open"]): Promise<number> {
  const { signal } = new AbortController();
  const { answer, out } = await open({ sessions: stored() }).ask("hello", 0, {
    abortSignal: signal,
  });
  out.turnComplete(0);
  await answer.closed();
  return getEventListeners(signal, "abort").length;
}
