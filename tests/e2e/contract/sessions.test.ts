// How a session comes to be, what is stored of it, how it is closed, and what happens when the service
// has lost it.
import { describe, expect } from "vitest";
import { agree, differ } from "./clients";
import { pass, stored, word } from "./conversation";
import { control, settle } from "./scripted-service";

const CLOSED = { name: "TriggerApiError", status: 409, code: "session_closed" };

describe("a start", () => {
  agree("creates the session, tells it, and gives what to store", async ({ open }) => {
    const app = open({ clientData: { plan: "free" } });
    const state = { publicAccessToken: "started-1", isStreaming: false };
    expect(await app.client.start("chat")).toEqual(state);
    expect(app.starts).toEqual([{ taskId: "agent", chatId: "chat", clientData: { plan: "free" } }]);
    expect(app.states).toEqual([state]);
    expect(app.service.requests).toEqual([]);
  });

  agree("without client data is given an empty object", async ({ open }) => {
    const app = open();
    await app.client.start("chat");
    expect(app.starts).toEqual([{ taskId: "agent", chatId: "chat", clientData: {} }]);
  });

  agree("happens once: a later one, a preload and a send find it", async ({ open }) => {
    const app = open();
    await app.client.start("chat");
    await app.client.start("chat");
    expect(await app.client.preload("chat")).toBeUndefined();
    await app.turn("hello", 0);
    expect(app.starts).toHaveLength(1);
  });

  agree("is one call in flight for each chat", async ({ open }) => {
    let begun: (token: { publicAccessToken: string }) => void = () => {};
    const calls: string[] = [];
    const startSession = ({ chatId }: { chatId: string }) => {
      calls.push(chatId);
      if (chatId === "another") return Promise.reject(new RangeError("the app says no"));
      return new Promise<{ publicAccessToken: string }>((resolve) => {
        begun = resolve;
      });
    };
    const app = open({ startSession });
    const [first, second] = [app.client.start("chat"), app.client.preload("chat")];
    const answer = app.send("hello");
    const another = expect(app.client.start("another")).rejects.toThrow();
    await settle();
    expect(calls).toEqual(["chat", "another"]);
    begun({ publicAccessToken: "started" });
    expect(await first).toMatchObject({ publicAccessToken: "started" });
    await second;
    const append = await app.service.append();
    expect(append.token).toBe("started");
    append.accept(0);
    (await app.service.out()).stream().turnComplete(0);
    await answer.closed();
    await another;
    expect(calls).toEqual(["chat", "another"]);
  });

  agree("happens by itself before the first send", async ({ open }) => {
    const app = open();
    const { append, request } = await app.turn("hello", 0);
    expect([append.token, request.token]).toEqual(["started-1", "started-1"]);
    expect(app.order.slice(0, 3)).toEqual(["startSession", "state", "append"]);
  });

  agree("may fail, and be tried again", async ({ open }) => {
    let calls = 0;
    const startSession = async () => {
      calls++;
      if (calls === 1) throw new RangeError("the app says no");
      return { publicAccessToken: "started" };
    };
    const app = open({ startSession });
    await expect(app.client.start("chat")).rejects.toThrow(RangeError);
    expect(app.client.getSession("chat")).toBeUndefined();
    await app.client.start("chat");
    expect(app.state).toEqual({ publicAccessToken: "started", isStreaming: false });
  });

  agree("is rejected without `startSession`, as a preload is", async ({ open }) => {
    const app = open({ startSession: undefined });
    await expect(app.client.start("chat")).rejects.toThrow("`startSession` is required");
    await expect(app.client.preload("chat")).rejects.toThrow("`startSession` is required");
  });

  agree("needs no `startSession` where a token is held", async ({ open }) => {
    const app = open({ startSession: undefined, sessions: stored() });
    expect(await app.client.start("chat")).toMatchObject({ publicAccessToken: "stored" });
    await app.client.preload("chat");
  });

  agree("tells a run that waits for its deployment, before the state", async ({ open }) => {
    const startSession = async () => ({ publicAccessToken: "started", pendingVersion: true });
    const app = open({ startSession });
    await app.client.start("chat");
    expect(app.events).toMatchObject([{ type: "run-pending-version", source: "start" }]);
    expect(app.order).toEqual(["run-pending-version", "state"]);
  });

  agree("is not needed by an app that only has tokens", async ({ open }) => {
    const app = open({ startSession: undefined });
    const { append } = await app.turn("hello", 0);
    expect(append.token).toBe("fresh-1");
    expect(app.refreshes).toEqual([{ chatId: "chat" }]);
    expect(app.states[0]).toEqual({ publicAccessToken: "fresh-1" });
  });

  agree("is made up for where a stored state has no token", async ({ open }) => {
    const app = open({ sessions: stored({ publicAccessToken: "" }) });
    const { append } = await app.turn("hello", 0);
    expect(append.token).toBe("started-1");
  });
});

describe("stored states", () => {
  agree("are given back as they were, by chat", async ({ open }) => {
    const running = { ...{ publicAccessToken: "a", lastEventId: "41" }, activeInputSeq: 7 };
    const sessions = {
      running: { ...running, isStreaming: true },
      closed: { publicAccessToken: "b", closed: true, closedReason: "done" },
    };
    const app = open({ sessions });
    expect(app.client.getSession("running")).toEqual(sessions.running);
    expect(app.client.getSession("closed")).toEqual(sessions.closed);
    expect(app.client.getSession("another")).toBeUndefined();
    expect(app.states).toEqual([]);
  });

  agree("that are set are told, and take the place of what was there", async ({ open }) => {
    const app = open({ sessions: stored({ lastEventId: "1" }) });
    const state = { publicAccessToken: "set", lastEventId: "41", isStreaming: false };
    app.client.setSession("chat", state);
    expect(app.state).toEqual(state);
    expect(app.states).toEqual([state]);
    app.service.nextSeq = 42;
    const { append, request } = await app.turn("hello", 0);
    expect([append.token, request.headers["last-event-id"]]).toEqual(["set", "41"]);
  });

  agree("survive a reload in the middle of a turn, which is replayed whole", async ({ open }) => {
    const app = open({ sessions: stored({ lastEventId: "41" }) });
    app.service.nextSeq = 42;
    const { answer, out } = await app.ask("hello", 5);
    out.chunks(word("a"));
    await answer.received(1);
    app.client.dispose();
    const state = app.states.at(-1);
    if (!state) throw new Error("nothing was stored");
    const reloaded = open({ sessions: { chat: JSON.parse(JSON.stringify(state)) } }, app);
    const resumed = reloaded.resume();
    const request = await app.service.out();
    expect(request.headers["last-event-id"]).toBe("41");
    app.service.nextSeq = 42;
    request.stream().chunks(word("a"), word("b")).turnComplete(5);
    expect(await resumed.closed()).toEqual([word("a"), word("b")]);
  });

  differ("set-closed", {
    ours: [
      "that are set as closed are closed",
      async ({ open }) => {
        const app = open();
        const state = { publicAccessToken: "set", closed: true, closedReason: "done" };
        app.client.setSession("chat", state);
        expect(app.state).toEqual(state);
        expect(await app.send("hello").rejected()).toMatchObject(CLOSED);
      },
    ],
    published: [
      "that are set as closed are open",
      async ({ open }) => {
        const app = open();
        app.client.setSession("chat", { publicAccessToken: "set", closed: true });
        expect(app.state).toEqual({ publicAccessToken: "set" });
      },
    ],
  });
});

describe("a closed session", () => {
  agree("refuses a message with its reason, and from then on nothing leaves", async ({ open }) => {
    const app = open({ sessions: stored({ lastEventId: "41" }) });
    const answer = app.send("hello");
    (await app.service.append()).refuseAsClosed("all is said");
    expect(await answer.rejected()).toMatchObject({ ...CLOSED, closedReason: "all is said" });
    const state = { publicAccessToken: "stored", lastEventId: "41", isStreaming: false };
    expect(app.states).toEqual([{ ...state, closed: true, closedReason: "all is said" }]);
    expect(await app.send("more").rejected()).toMatchObject({
      ...{ ...CLOSED, closedReason: "all is said" },
    });
    await app.resume().isNothing();
    expect(await app.client.stopGeneration("chat")).toBe(false);
    expect(app.service.seen("append")).toHaveLength(1);
    expect(app.eventTypes.filter((type) => type === "session-closed")).toHaveLength(1);
  });

  agree("is known by its code alone: another 409 closes nothing", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    (await app.service.append()).refuse(409, { code: "conflict" });
    expect(await answer.rejected()).toMatchObject({ status: 409, code: "conflict" });
    expect(app.state).not.toHaveProperty("closed", true);
    expect(app.eventTypes).toEqual(["message-send-failed"]);
  });

  agree("may have no reason", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    (await app.service.append()).refuseAsClosed();
    const error = await answer.rejected();
    expect(error).toMatchObject(CLOSED);
    expect(error.closedReason).toBeUndefined();
    expect(app.state).toEqual({ publicAccessToken: "stored", isStreaming: false, closed: true });
  });

  agree("is told by a record, which ends the stream well", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a")).batch(control("session-closed", { "session-closed-reason": "done" }));
    expect(await answer.closed()).toEqual([word("a")]);
    expect(app.states.at(-1)).toEqual({
      ...{ publicAccessToken: "stored", lastEventId: "1", isStreaming: false },
      ...{ closed: true, closedReason: "done" },
    });
    expect(await app.send("more").rejected()).toMatchObject({ ...CLOSED, closedReason: "done" });
  });

  agree("is told by the boundary of a turn", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    out.turnComplete(0, { "session-closed": "true", "session-closed-reason": "done" });
    expect(await answer.closed()).toEqual([word("a")]);
    expect(app.states.at(-1)).toEqual({
      ...{ publicAccessToken: "stored", lastEventId: "1", isStreaming: false },
      ...{ closed: true, closedReason: "done" },
    });
    expect(await app.send("more").rejected()).toMatchObject(CLOSED);
  });

  agree("is closed after a reload too", async ({ open }) => {
    const app = open({ sessions: stored({ closed: true, closedReason: "done" }) });
    expect(await app.send("hello").rejected()).toMatchObject({ ...CLOSED, closedReason: "done" });
    await app.resume().isNothing();
    expect(await app.client.start("chat")).toMatchObject({ closed: true });
    expect(app.starts).toEqual([]);
    expect(app.service.requests).toEqual([]);
  });

  agree("takes no message beside a running turn", async ({ open }) => {
    const app = open({ sessions: stored() });
    const message = { id: "m", role: "user" as const, parts: [] };
    const delivered = app.client.sendPendingMessage("chat", message);
    (await app.service.append()).refuseAsClosed("done");
    expect(await delivered).toBe(false);
    expect(app.state).toMatchObject({ closed: true, closedReason: "done" });
  });
});

agree("a close that the stream and a refusal tell is told once", async ({ open }) => {
  const app = open({ sessions: stored() });
  const { answer, out } = await app.ask("hello", 0);
  const message = { id: "m", role: "user" as const, parts: [] };
  const delivered = app.client.sendPendingMessage("chat", message);
  const append = await app.service.append();
  out.batch(control("session-closed", { "session-closed-reason": "first" }));
  await answer.closed();
  append.refuseAsClosed("second");
  expect(await delivered).toBe(false);
  expect(app.eventTypes.filter((type) => type === "session-closed")).toHaveLength(1);
  expect(app.state).toMatchObject({ closed: true, closedReason: "first" });
});

describe("a session that the service has lost", () => {
  agree("is created anew, and the same message goes there, from the start", async ({ open }) => {
    const app = open({ sessions: stored({ lastEventId: "41" }) });
    const answer = app.send("hello");
    const first = await app.service.append();
    first.refuse(404);
    const second = await app.service.append();
    expect([second.text, second.partId]).toEqual([first.text, first.partId]);
    expect(second.token).toBe("started-1");
    second.accept(0);
    const request = await app.service.out();
    expect(request.token).toBe("started-1");
    expect(request.headers).not.toHaveProperty("last-event-id");
    request.stream().chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
    expect(app.states[0]).toEqual({ publicAccessToken: "started-1", isStreaming: false });
    expect(app.eventTypes).toEqual([
      ...["message-sent", "stream-connected", "first-chunk", "turn-completed"],
    ]);
  });

  agree("is created anew once: a second 404 is final", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    (await app.service.append()).refuse(404);
    (await app.service.append()).refuse(404);
    expect(await answer.rejected()).toMatchObject({ name: "TriggerApiError", status: 404 });
    expect(app.starts).toHaveLength(1);
  });

  agree("is created anew behind a token that had expired too", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    (await app.service.append()).refuse(401);
    (await app.service.append()).refuse(404);
    const third = await app.service.append();
    expect(third.token).toBe("started-1");
    third.accept(0);
    (await app.service.out()).stream().turnComplete(0);
    await answer.closed();
    expect([app.refreshes.length, app.starts.length]).toEqual([1, 1]);
  });

  agree("rejects the message where the app cannot create it anew", async ({ open }) => {
    const app = open({ sessions: stored(), startSession: undefined });
    const answer = app.send("hello");
    (await app.service.append()).refuse(404);
    await answer.rejected();
    expect(app.eventTypes).toEqual(["message-send-failed"]);
    expect(app.service.seen("append")).toHaveLength(1);
  });

  agree("rejects the message with what `startSession` threw", async ({ open }) => {
    const startSession = () => Promise.reject(new RangeError("the app says no"));
    const app = open({ sessions: stored(), startSession });
    const answer = app.send("hello");
    (await app.service.append()).refuse(404);
    expect(await answer.rejected()).toBeInstanceOf(RangeError);
  });

  differ("recreated-is-new", {
    ours: [
      "has none of its numbers left when it is created anew",
      async ({ open }) => {
        const app = open({ sessions: stored({ isStreaming: true, activeInputSeq: 7 }) });
        app.send("hello");
        (await app.service.append()).refuse(404);
        const again = await app.service.append();
        expect(app.state).toEqual({ publicAccessToken: "started-1", isStreaming: false });
        again.refuse(400);
      },
    ],
    published: [
      "has the number of its input left when it is created anew",
      async ({ open }) => {
        const app = open({ sessions: stored({ isStreaming: true, activeInputSeq: 7 }) });
        app.send("hello");
        (await app.service.append()).refuse(404);
        const again = await app.service.append();
        expect(app.state).toMatchObject({ publicAccessToken: "started-1", activeInputSeq: 7 });
        again.refuse(400);
      },
    ],
  });
});

agree("chats know nothing of each other", async ({ open }) => {
  const app = open();
  const [first, second] = [app.send("one", { chatId: "a" }), app.send("two", { chatId: "b" })];
  for (const answer of [first, second]) {
    const append = await app.service.append();
    append.accept(0);
    const request = await app.service.out();
    expect(request.path.split("/")[4]).toBe(append.payload.chatId);
    request
      .stream()
      .chunks(word(String(append.payload.chatId)))
      .turnComplete(0);
    await answer.closed();
    await pass(0);
  }
  expect([first.chunks, second.chunks]).toEqual([[word("a")], [word("b")]]);
});
