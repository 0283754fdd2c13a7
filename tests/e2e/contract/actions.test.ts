// Actions: edits of a chat that carry no message.
import { describe, expect, vi } from "vitest";
import { agree, differ } from "./clients";
import { NOW, stored, word } from "./conversation";
import { control, data, settle } from "./scripted-service";

const UNDO = { type: "undo", steps: 1 };

describe("an action", () => {
  agree("is one append without a message, and one stream", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.act(UNDO);
    const append = await app.service.append();
    expect(append.text).toBe(
      JSON.stringify({
        kind: "message",
        payload: { chatId: "chat", trigger: "action", action: UNDO },
      }),
    );
    append.accept(0);
    const request = await app.service.out();
    expect(request.headers).not.toHaveProperty("x-peek-settled");
    request.stream().chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });

  agree("has the client data, with its own metadata over it", async ({ open }) => {
    const app = open({ sessions: stored(), clientData: { plan: "free", tone: "dry" } });
    app.act(UNDO, { metadata: { tone: "warm" } });
    const append = await app.service.append();
    expect(append.payload.metadata).toEqual({ plan: "free", tone: "warm" });
    append.refuse(400);
  });

  agree("may be any JSON value, `null` and `false` too", async ({ open }) => {
    const app = open({ sessions: stored() });
    for (const action of [null, false, 0, "", ["a"]]) {
      const answer = app.act(action);
      const append = await app.service.append();
      expect(append.payload.action).toEqual(action);
      append.refuse(400);
      await answer.rejected();
    }
  });

  agree(
    "in the body of a send is the same, and the send's message stays here",
    async ({ open }) => {
      const app = open({ sessions: stored(), clientData: { plan: "free" } });
      const answer = app.send("hello", {
        body: { action: UNDO, other: 1 },
        metadata: { tone: "dry" },
      });
      const append = await app.service.append();
      expect(append.payload).toEqual({
        ...{ chatId: "chat", trigger: "action", action: UNDO },
        metadata: { plan: "free", tone: "dry" },
      });
      append.accept(0);
      (await app.service.out()).stream().turnComplete(0);
      await answer.closed();
      expect(app.events[0]).toMatchObject({ type: "message-sent", source: "action" });
    },
  );

  agree("starts a session where there is none", async ({ open }) => {
    const app = open();
    const answer = app.act(UNDO);
    const append = await app.service.append();
    expect(append.token).toBe("started-1");
    append.accept(0);
    (await app.service.out()).stream().turnComplete(0);
    await answer.closed();
  });

  agree("is stored while it runs, as a turn is", async ({ open }) => {
    const app = open({ sessions: stored({ lastEventId: "41" }) });
    app.service.nextSeq = 42;
    const answer = app.act(UNDO);
    (await app.service.append()).accept(5);
    const out = (await app.service.out()).stream();
    await answer.opened();
    const state = { publicAccessToken: "stored", lastEventId: "41" };
    expect(app.states).toEqual([{ ...state, activeInputSeq: 5, isStreaming: true }]);
    out.turnComplete(5);
    await answer.closed();
    expect(app.states.slice(1)).toEqual([{ ...state, lastEventId: "42", isStreaming: false }]);
  });

  agree("supersedes a stream that is open", async ({ open }) => {
    const app = open({ sessions: stored() });
    const first = await app.ask("hello", 0);
    first.out.chunks(word("a"));
    await first.answer.received(1);
    const answer = app.act(UNDO);
    (await app.service.append()).accept(1);
    const out = (await app.service.out()).stream();
    expect(await first.answer.closed()).toEqual([word("a")]);
    out.turnComplete(1);
    await answer.closed();
  });

  agree("is told by its own events, without a message where none was sent", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.act(UNDO);
    const { partId, bodyBytes } = await app.service.append().then((append) => {
      append.accept(0);
      return append;
    });
    (await app.service.out()).stream().chunks(word("a")).turnComplete(0);
    await answer.closed();
    const stamp = { chatId: "chat", timestamp: NOW };
    expect(app.events).toEqual([
      { type: "message-sent", ...stamp, source: "action", durationMs: 0, partId, bodyBytes },
      { type: "stream-connected", ...stamp, resumed: false },
      { type: "first-chunk", ...stamp, chunkType: "text-delta", lastEventId: "0" },
      { type: "turn-completed", ...stamp, lastEventId: "1", sessionInEventId: "0" },
    ]);
  });

  agree("that is refused is rejected, with one event", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.act(UNDO);
    (await app.service.append()).refuse(400, { code: "odd" });
    expect(await answer.rejected()).toMatchObject({ status: 400, code: "odd" });
    expect(app.events).toMatchObject([{ type: "message-send-failed", source: "action" }]);
  });

  agree("in a closed chat is rejected as a send is", async ({ open }) => {
    const app = open({ sessions: stored({ closed: true, closedReason: "done" }) });
    expect(await app.act(UNDO).rejected()).toMatchObject({
      ...{ name: "TriggerApiError", status: 409, code: "session_closed", closedReason: "done" },
    });
    expect(app.service.requests).toEqual([]);
  });

  agree("that is aborted writes one stop, and ends its stream well", async ({ open }) => {
    const app = open({ sessions: stored() });
    const abort = new AbortController();
    const answer = app.act(UNDO, { abortSignal: abort.signal });
    (await app.service.append()).accept(0);
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

  agree("can be done without the client's object", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { sendAction } = app.client;
    const stream = sendAction("chat", UNDO);
    (await app.service.append()).accept(0);
    (await app.service.out()).stream().turnComplete(0);
    for await (const _ of await stream) expect.unreachable("there is no chunk");
  });
});

describe("`onSettled`", () => {
  agree("is told once, before the stream closes, with both numbers", async ({ open }) => {
    const app = open({ sessions: stored() });
    const states: string[] = [];
    const onSettled = vi.fn(() => states.push(answer.state));
    const answer = app.act(UNDO, { onSettled });
    (await app.service.append()).accept(3);
    const out = (await app.service.out()).stream();
    out.chunks(word("a"));
    await answer.received(1);
    expect(onSettled).not.toHaveBeenCalled();
    out.turnComplete(4);
    await answer.closed();
    expect(onSettled.mock.calls).toEqual([
      [{ inputSeq: 3, sessionInEventId: "4", lastEventId: "1" }],
    ]);
    expect(states).toEqual(["open"]);
  });

  agree("is not told at the boundary of an earlier turn", async ({ open }) => {
    const app = open({ sessions: stored() });
    const onSettled = vi.fn();
    const answer = app.act(UNDO, { onSettled });
    (await app.service.append()).accept(3);
    const out = (await app.service.out()).stream();
    out.turnComplete(2).chunks(word("a"));
    await answer.received(1);
    expect(onSettled).not.toHaveBeenCalled();
    out.turnComplete(3);
    await answer.closed();
    expect(onSettled).toHaveBeenCalledTimes(1);
  });

  agree("is not told where one of the numbers is missing", async ({ open }) => {
    const app = open({ sessions: stored() });
    const onSettled = vi.fn();
    const unnumbered = app.act(UNDO, { onSettled });
    (await app.service.append()).accept(3);
    (await app.service.out()).stream().turnComplete();
    await unnumbered.closed();
    const unsequenced = app.act(UNDO, { onSettled });
    (await app.service.append()).accept();
    (await app.service.out()).stream().turnComplete(4);
    await unsequenced.closed();
    expect(onSettled).not.toHaveBeenCalled();
  });

  for (const number of ["4x", "4.0", "+4", ""]) {
    agree(`is not told when the number of a boundary is "${number}"`, async ({ open }) => {
      const app = open({ sessions: stored() });
      const onSettled = vi.fn();
      const answer = app.act(UNDO, { onSettled });
      (await app.service.append()).accept(3);
      const out = (await app.service.out()).stream();
      out.batch(control("turn-complete", { "session-in-event-id": number }));
      await answer.closed();
      expect(onSettled).not.toHaveBeenCalled();
    });
  }

  agree("is not told when the action was superseded", async ({ open }) => {
    const app = open({ sessions: stored() });
    const onSettled = vi.fn();
    const answer = app.act(UNDO, { onSettled });
    (await app.service.append()).accept(3);
    (await app.service.out()).stream();
    await answer.opened();
    await app.turn("hello", 4);
    await answer.closed();
    expect(onSettled).not.toHaveBeenCalled();
  });

  agree("is not told when the stream is aborted, fails, or is closed", async ({ open }) => {
    const app = open({ sessions: stored() });
    const onSettled = vi.fn();
    const abort = new AbortController();
    const aborted = app.act(UNDO, { onSettled, abortSignal: abort.signal });
    (await app.service.append()).accept(0);
    (await app.service.out()).stream();
    await aborted.opened();
    abort.abort();
    await aborted.closed();
    (await app.service.append()).accept(1);
    await settle();
    const failed = app.act(UNDO, { onSettled });
    (await app.service.append()).accept(2);
    (await app.service.out()).refuse(410);
    await failed.failed();
    const closed = app.act(UNDO, { onSettled });
    (await app.service.append()).accept(3);
    (await app.service.out()).stream().batch(control("session-closed"));
    await closed.closed();
    expect(onSettled).not.toHaveBeenCalled();
  });

  agree("is told last, behind the event and the state", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.act(UNDO, { onSettled: () => app.order.push("settled") });
    (await app.service.append()).accept(0);
    (await app.service.out()).stream().turnComplete(0);
    await answer.closed();
    expect(app.order.slice(-3)).toEqual(["turn-completed", "state", "settled"]);
  });

  agree("that throws breaks nothing", async ({ open }) => {
    const app = open({ sessions: stored() });
    const onSettled = vi.fn(() => {
      throw new Error("the app fails");
    });
    const answer = app.act(UNDO, { onSettled });
    (await app.service.append()).accept(0);
    (await app.service.out()).stream().batch(
      data(word("a")),
      control("turn-complete", {
        "session-in-event-id": "0",
      }),
    );
    expect(await answer.closed()).toEqual([word("a")]);
    expect(onSettled).toHaveBeenCalledTimes(1);
    expect(app.eventTypes.at(-1)).toBe("turn-completed");
  });
});

differ("argument-errors", {
  ours: [
    "an action that is `undefined` is a wrong argument, and nothing leaves",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      expect(await app.act(undefined).rejected()).toBeInstanceOf(TypeError);
      expect(app.service.requests).toEqual([]);
    },
  ],
  published: [
    "an action that is `undefined` is sent, without an action",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const answer = app.act(undefined);
      const append = await app.service.append();
      expect(append.payload).toEqual({ chatId: "chat", trigger: "action" });
      append.refuse(400);
      await answer.rejected();
    },
  ],
});
