// What both clients are put through, one scenario at a time. Each step waits for the one before, and
// where two things could come in either order, one is held back: a scenario has one outcome.
import type { UIMessage } from "ai";
import { onTestFinished, vi } from "vitest";
import { BASE_URL, type Client, type Recorder, said, send } from "./support/recorder";

/** A client's way through one part of the contract. */
export type Scenario = (recorder: Recorder) => Promise<void>;

/** Words so slow that the answer stands still after its first chunks, until it is stopped. */
const STUCK = { metadata: { paceMs: 10_000 } };
const QUICK = { metadata: { paceMs: 0 } };

/** A chat whose first answer stands still after its first chunks. */
async function stuck(recorder: Recorder, options?: Parameters<Recorder["open"]>[0]) {
  const client = recorder.open(options);
  const abort = new AbortController();
  const sent = { ...STUCK, abortSignal: abort.signal, messages: [said("one two three")] };
  const stream = await send(client, sent);
  await recorder.readTo("text-start", "stuck", stream);
  return { client, abort, stream };
}

/**
 * The turn after one that was left in the middle. It stands still too, until its beginning has been
 * read: at its end the server trims what stands before it, read or not.
 */
async function turnAfter(recorder: Recorder, client: Client): Promise<void> {
  const stream = await send(client, { ...STUCK, messages: [said("four")] });
  await recorder.readTo("start", "next", stream);
  await endFromElsewhere(recorder);
  await recorder.read("rest of next", stream);
}

/** Somebody else stops the running turn: another tab, or the app's server. */
async function endFromElsewhere(recorder: Recorder): Promise<void> {
  await recorder.server.append("chat", { kind: "stop" });
}

function refusal(status: number, body: unknown = { ok: false, error: "planned" }): Response {
  return Response.json(body, { status });
}

export const scenarios = {
  "three turns and two answers anew": async (recorder) => {
    const client = recorder.open({ clientData: { paceMs: 0, plan: "free" } });
    const [first, second] = [said('Grüße 日本語 🎉 \u2028 "quoted" \\'), said("two  spaces")];
    await recorder.turn("first", client, { messages: [first] });
    await recorder.answer("session", Promise.resolve(client.getSession("chat")));
    await recorder.turn("second", client, { messages: [first, said("x"), second] });
    await recorder.turn("anew", client, {
      trigger: "regenerate-message",
      messageId: "answer-2",
      messages: [first, second],
    });
    await recorder.turn("anew again", client, {
      trigger: "regenerate-message",
      messages: [first, second],
      metadata: { plan: "paid" },
    });
    await recorder.turn("third", client, { messageId: "mine", messages: [said("", "empty")] });
  },

  "a long answer": async (recorder) => {
    const client = recorder.open({ task: "story" });
    const metadata = { words: 3000, paceMs: 0 };
    await recorder.turn("story", client, { messages: [said("Tell")], metadata });
    await recorder.turn("another", client, { messages: [said("Tell")], metadata });
  },

  "the app's own fields in the body": async (recorder) => {
    const client = recorder.open();
    const body = {
      model: "x",
      temperature: 0.5,
      tools: ["a", { b: null }],
      gone: undefined,
      7: "n",
    };
    await recorder.turn("extras", client, { ...QUICK, body });
    await recorder.turn("anew", client, {
      ...QUICK,
      trigger: "regenerate-message",
      body: { message: said("kept"), model: "y" },
    });
  },

  "fields in the body that the client has too": async (recorder) => {
    const client = recorder.open();
    const body = {
      chatId: "other",
      trigger: "close",
      message: 1,
      messageId: "x",
      metadata: 2,
      a: 1,
    };
    await recorder.turn("fixed ones win", client, { ...QUICK, body });
    await recorder.turn("without metadata", client, { body });
  },

  "metadata over client data": async (recorder) => {
    const client = recorder.open({ clientData: { paceMs: 0, a: 1, b: { c: 1 } } });
    await recorder.turn("merged", client, { metadata: { b: { d: 2 }, e: undefined } });
    client.setClientData({ paceMs: 0, fresh: true });
    await recorder.turn("live", client, {});
    client.setClientData(undefined);
    await recorder.turn("neither", client, {});
  },

  "an answer to tools": async (recorder) => {
    const client = recorder.open({ clientData: { paceMs: 0 } });
    const parts = [
      { type: "text", text: "Let me look." },
      { type: "reasoning", text: "hm", state: "done" },
      {
        type: "tool-weather",
        toolCallId: "1",
        state: "output-available",
        input: { city: "Köln" },
        output: { degrees: 21.5, list: [null, "\u0000é"] },
        approval: { id: "a", approved: true },
        providerExecuted: false,
      },
      {
        type: "dynamic-tool",
        toolName: "search",
        toolCallId: "2",
        state: "output-error",
        input: 1,
        errorText: "no network",
      },
      {
        type: "tool-delete",
        toolCallId: "3",
        state: "approval-responded",
        input: {},
        approval: { id: "b", approved: false, reason: "not today" },
      },
      { type: "tool-delete", toolCallId: "4", state: "output-denied", input: {} },
      { type: "tool-wait", toolCallId: "5", state: "input-available", input: {} },
    ];
    const message = (parts: unknown[], role = "assistant", id = "answer") =>
      ({ id, role, metadata: { kept: false }, parts }) as UIMessage;
    await recorder.turn("slimmed", client, { messages: [said("go"), message(parts)] });
    await recorder.turn("no tools", client, { messages: [message(parts.slice(0, 2))] });
    await recorder.turn("unresolved", client, { messages: [message(parts.slice(-1))] });
    await recorder.turn("a user's", client, { messages: [message(parts, "user")] });
    await recorder.turn("no output", client, {
      messages: [message([{ type: "tool-a", toolCallId: "6", state: "output-available" }])],
    });
  },

  "a chat id that needs encoding": async (recorder) => {
    const client = recorder.open();
    await recorder.turn("turn", client, { ...QUICK, chatId: "ü/ä ?#%+&'()*!~日本" });
  },

  "headers of the app": async (recorder) => {
    const client = recorder.open({ headers: { "x-app": "demo", "X-Trace": "1" } });
    await recorder.turn("turn", client, QUICK);
  },

  "headers of the app that the client sets too": async (recorder) => {
    const client = recorder.open({
      headers: {
        "Content-Type": "text/plain",
        "X-Part-Id": "mine",
        "x-trigger-source": "app",
        "Timeout-Seconds": "1",
      },
    });
    await recorder.turn("turn", client, QUICK);
  },

  // The stream's answer is planned: with the app's headers the service would not give one.
  "the app's own Accept and Authorization": async (recorder) => {
    recorder.failNext("out", () => refusal(410));
    const headers = { Accept: "*/*", Authorization: "Bearer app" };
    await recorder.turn("turn", recorder.open({ headers }), QUICK);
  },

  "headers of the app in another case": async (recorder) => {
    recorder.failNext("in", () => refusal(400));
    const headers = { authorization: "Basic app", "content-type": "text/plain" };
    await recorder.turn("turn", recorder.open({ headers }), QUICK);
  },

  "a base URL by endpoint": async (recorder) => {
    const client = recorder.open({
      baseURL: (context) => {
        recorder.note({ baseURL: context });
        return `http://${context.endpoint}.test/${context.chatId}/`;
      },
    });
    await recorder.turn("first", client, QUICK);
    await recorder.turn("second", client, QUICK);
  },

  "a base URL of its own for the stream": async (recorder) => {
    const client = recorder.open({ streamBaseURL: "http://stream.test/base/" });
    await recorder.turn("fixed", client, QUICK);
    const byFunction = recorder.open({
      baseURL: ({ endpoint }) => `http://${endpoint}.test`,
      streamBaseURL: "http://stream.test",
    });
    await recorder.turn("function", byFunction, { ...QUICK, chatId: "second" });
    const empty = recorder.open({ baseURL: `${BASE_URL}//`, streamBaseURL: "" });
    await recorder.turn("empty", empty, { ...QUICK, chatId: "third" });
  },

  "no base URL": async (recorder) => {
    const { fetch, accessToken, startSession } = recorder;
    const client = recorder.bare({ task: "echo", fetch, accessToken, startSession });
    await recorder.turn("turn", client, QUICK);
  },

  "no fetch of the app": async (recorder) => {
    const client = recorder.open({ fetch: undefined });
    // Replaced after the client was made: it has to look the global up when it calls it.
    vi.stubGlobal("fetch", recorder.globalFetch);
    onTestFinished(() => void vi.unstubAllGlobals());
    await recorder.turn("first", client, QUICK);
    client.setFetch(recorder.fetch);
    await recorder.turn("second", client, QUICK);
    client.setFetch(undefined);
    await recorder.turn("third", client, QUICK);
    vi.unstubAllGlobals();
  },

  "a window without a length": async (recorder) => {
    recorder.failNext("out", () => refusal(410));
    await recorder.turn("turn", recorder.open({ streamTimeoutSeconds: 0 }), QUICK);
  },

  "a stored state without a token": async (recorder) => {
    const sessions = { chat: { publicAccessToken: "", lastEventId: "41" } };
    const client = recorder.open({ sessions });
    await recorder.turn("turn", client, QUICK);
  },

  "a window of another length": async (recorder) => {
    await recorder.turn("turn", recorder.open({ streamTimeoutSeconds: 7 }), QUICK);
  },

  "a session that is started before the first message": async (recorder) => {
    const client = recorder.open({ clientData: { paceMs: 0, user: "u" } });
    await recorder.answer("preload", client.preload("chat"));
    await recorder.answer("start", client.start("chat"));
    await recorder.answer("reconnect", client.reconnectToStream({ chatId: "chat" }));
    await recorder.turn("turn", client, {});
    const both = [client.start("second"), client.start("second")];
    await recorder.answer("both", Promise.all(both));
  },

  "a session whose run waits for its deployment": async (recorder) => {
    const client = recorder.open({
      startSession: async (params) => ({
        ...(await recorder.startSession(params)),
        pendingVersion: true,
      }),
    });
    await recorder.answer("start", client.start("chat"));
    recorder.failNext("in", () => Response.json({ ok: true, seq: 0, pendingVersion: true }));
    const stream = await send(client, QUICK);
    await recorder.quiet();
    await recorder.server.append("chat", { kind: "message", payload: payload("chat") });
    await recorder.read("turn", stream);
  },

  "a session that cannot be started": async (recorder) => {
    const client = recorder.open({
      startSession: async () => {
        throw new RangeError("the app says no");
      },
    });
    await recorder.answer("start", client.start("chat"));
    await recorder.answer("send", send(client, QUICK));
    client.setStartSession(recorder.startSession);
    await recorder.turn("turn", client, QUICK);
    client.setStartSession(undefined);
    await recorder.answer("no startSession", client.start("second"));
  },

  "an app that only has tokens": async (recorder) => {
    await recorder.server.createSession("chat");
    const client = recorder.open({ startSession: undefined });
    await recorder.turn("first", client, QUICK);
    await recorder.turn("second", client, QUICK);
    const failing = recorder.open({
      startSession: undefined,
      accessToken: () => Promise.reject(new RangeError("the app says no")),
    });
    await recorder.answer("no token", send(failing, QUICK));
  },

  "callbacks that change": async (recorder) => {
    const client = recorder.open();
    await recorder.turn("first", client, QUICK);
    const second = recorder.marked("second");
    client.setOnEvent(second.onEvent);
    client.setOnSessionChange(second.onSessionChange);
    client.setFetch(second.fetch);
    await recorder.turn("second", client, QUICK);
    client.setOnEvent(undefined);
    client.setOnSessionChange(undefined);
    await recorder.turn("third", client, QUICK);
  },

  "callbacks that throw": async (recorder) => {
    const client = recorder.open({
      onEvent: (event) => {
        recorder.callbacks.onEvent(event);
        throw new Error("the app fails");
      },
    });
    await recorder.turn("turn", client, QUICK);
  },

  "methods without their object": async (recorder) => {
    const { sendMessages, reconnectToStream, stopGeneration, getSession } = recorder.open();
    const client = { sendMessages } as ReturnType<Recorder["open"]>;
    await recorder.turn("turn", client, QUICK);
    await recorder.answer("reconnect", reconnectToStream({ chatId: "chat" }));
    await recorder.answer("stop", stopGeneration("chat"));
    await recorder.answer("session", Promise.resolve(getSession("chat")));
  },

  "a token that has expired, at a send": async (recorder) => {
    await recorder.server.createSession("chat");
    const sessions = { chat: { publicAccessToken: "expired", isStreaming: false } };
    await recorder.turn("turn", recorder.open({ sessions }), QUICK);
  },

  "a token of another chat": async (recorder) => {
    await recorder.server.createSession("chat");
    const publicAccessToken = await recorder.token("foreign", "another");
    const sessions = { chat: { publicAccessToken, isStreaming: false } };
    await recorder.turn("turn", recorder.open({ sessions }), QUICK);
  },

  "tokens that stay bad": async (recorder) => {
    await recorder.server.createSession("chat");
    const sessions = { chat: { publicAccessToken: "expired", isStreaming: false } };
    const client = recorder.open({ sessions, accessToken: () => "worse" });
    await recorder.answer("send", send(client, QUICK));
    await recorder.answer("stop", client.stopGeneration("chat"));
    client.setAccessToken(() => {
      throw new RangeError("the app says no");
    });
    await recorder.answer("send again", send(client, QUICK));
  },

  "a token that has expired, at the stream": async (recorder) => {
    await recorder.server.createSession("chat");
    await recorder.server.append("chat", { kind: "message", payload: payload("chat") });
    const sessions = { chat: { publicAccessToken: "expired", isStreaming: true } };
    const client = recorder.open({ sessions });
    const stream = await client.reconnectToStream({ chatId: "chat" });
    await recorder.read("turn", stream);
  },

  "a stream whose tokens stay bad": async (recorder) => {
    await recorder.server.createSession("chat");
    const sessions = { chat: { publicAccessToken: "expired", isStreaming: true } };
    const client = recorder.open({ sessions, accessToken: () => "worse" });
    await recorder.read("turn", await client.reconnectToStream({ chatId: "chat" }));
  },

  "a session that the service has lost": async (recorder) => {
    const publicAccessToken = await recorder.token("old", "chat");
    const sessions = { chat: { publicAccessToken, lastEventId: "41", isStreaming: false } };
    const client = recorder.open({ sessions });
    await recorder.turn("turn", client, QUICK);
  },

  "a session that the service has lost in the middle of a turn": async (recorder) => {
    const publicAccessToken = await recorder.token("old", "chat");
    const stored = { publicAccessToken, lastEventId: "41", activeInputSeq: 7, isStreaming: true };
    const client = recorder.open({ sessions: { chat: stored } });
    await recorder.turn("turn", client, QUICK);
  },

  "a session that the service has lost, and a token that has expired": async (recorder) => {
    const sessions = { chat: { publicAccessToken: "expired", isStreaming: false } };
    await recorder.turn("turn", recorder.open({ sessions }), QUICK);
  },

  "a lost session that cannot be recreated": async (recorder) => {
    const publicAccessToken = await recorder.token("old", "chat");
    const sessions = { chat: { publicAccessToken, isStreaming: false } };
    const client = recorder.open({ sessions, startSession: undefined });
    await recorder.answer("send", send(client, QUICK));
  },

  "a lost session whose recreation the app refuses": async (recorder) => {
    const publicAccessToken = await recorder.token("old", "chat");
    const sessions = { chat: { publicAccessToken, isStreaming: false } };
    const startSession = () => Promise.reject(new RangeError("the app says no"));
    const client = recorder.open({ sessions, startSession });
    await recorder.answer("send", send(client, QUICK));
    await recorder.answer("session", Promise.resolve(client.getSession("chat")));
  },

  "a stream of a session that is not there": async (recorder) => {
    const publicAccessToken = await recorder.token("old", "chat");
    const stored = { publicAccessToken, isStreaming: true, activeInputSeq: 3 };
    const client = recorder.open({ sessions: { chat: stored } });
    await recorder.read("turn", await client.reconnectToStream({ chatId: "chat" }));
  },

  "a session that is closed between turns": async (recorder) => {
    const client = recorder.open();
    await recorder.turn("first", client, QUICK);
    await recorder.server.closeSession("chat", "all is said");
    await recorder.answer("send", send(client, QUICK));
    await recorder.answer("send again", send(client, QUICK));
    await recorder.answer("reconnect", client.reconnectToStream({ chatId: "chat" }));
    await recorder.answer("start", client.start("chat"));
    await recorder.answer("session", Promise.resolve(client.getSession("chat")));
    const reloaded = recorder.open({ sessions: recorder.stored("chat") });
    await recorder.answer("send after a reload", send(reloaded, QUICK));
    await recorder.answer("reconnect after it", reloaded.reconnectToStream({ chatId: "chat" }));
  },

  "a stop in a closed session": async (recorder) => {
    const publicAccessToken = await recorder.token("old", "chat");
    const sessions = { chat: { publicAccessToken, isStreaming: false, closed: true } };
    const client = recorder.open({ sessions });
    await recorder.answer("stop", client.stopGeneration("chat"));
  },

  "a session that is closed without a reason": async (recorder) => {
    const client = recorder.open();
    await recorder.turn("first", client, QUICK);
    await recorder.server.closeSession("chat");
    await recorder.answer("send", send(client, QUICK));
    await recorder.answer("send again", send(client, QUICK));
  },

  "a session that is closed in the middle of an answer": async (recorder) => {
    const { client, stream } = await stuck(recorder);
    await recorder.server.closeSession("chat", "enough");
    await recorder.read("rest", stream);
    await recorder.answer("send", send(client, QUICK));
  },

  "a state with `closed` that is set": async (recorder) => {
    await recorder.server.createSession("chat");
    const publicAccessToken = await recorder.token("old", "chat");
    const client = recorder.open();
    client.setSession("chat", { publicAccessToken, closed: true, closedReason: "done" });
    await recorder.answer("session", Promise.resolve(client.getSession("chat")));
  },

  "a state that is set": async (recorder) => {
    await recorder.server.createSession("chat");
    await recorder.server.append("chat", { kind: "message", payload: payload("chat") });
    const publicAccessToken = await recorder.token("old", "chat");
    const client = recorder.open();
    client.setSession("chat", { publicAccessToken, isStreaming: true, activeInputSeq: 0 });
    await recorder.answer("session", Promise.resolve(client.getSession("chat")));
    await recorder.read("turn", await client.reconnectToStream({ chatId: "chat" }));
    client.setSession("chat", { publicAccessToken, lastEventId: "2" });
    await recorder.answer("session again", Promise.resolve(client.getSession("chat")));
  },

  "an answer that is aborted": async (recorder) => {
    const { client, abort, stream } = await stuck(recorder);
    abort.abort();
    await recorder.read("rest", stream);
    await recorder.quiet();
    await turnAfter(recorder, client);
    abort.abort();
    await recorder.quiet();
  },

  "an answer that is aborted, and a reload": async (recorder) => {
    const { abort, stream } = await stuck(recorder);
    abort.abort();
    await recorder.read("rest", stream);
    await recorder.quiet();
    const reloaded = recorder.open({ sessions: recorder.stored("chat") });
    const resumed = await recorder.answer(
      "reconnect",
      reloaded.reconnectToStream({ chatId: "chat" }),
    );
    await recorder.read("resumed", resumed);
    await turnAfter(recorder, reloaded);
  },

  "a send that is aborted while it is on its way": async (recorder) => {
    const client = recorder.open();
    await client.start("chat");
    const abort = new AbortController();
    recorder.hold("in");
    const sent = recorder.answer("send", send(client, { ...STUCK, abortSignal: abort.signal }));
    await recorder.sent("in", 1);
    abort.abort();
    recorder.release("in");
    await recorder.read("answer", await sent);
    await recorder.quiet();
  },

  "a send whose signal is aborted already": async (recorder) => {
    const client = recorder.open();
    await client.start("chat");
    const sent = { ...QUICK, abortSignal: AbortSignal.abort() };
    await recorder.read("answer", await recorder.answer("send", send(client, sent)));
    await recorder.quiet();
  },

  "an answer that is stopped": async (recorder) => {
    const { client, stream } = await stuck(recorder);
    recorder.hold("out");
    await recorder.answer("stop", client.stopGeneration("chat"));
    recorder.release("out");
    await recorder.read("rest", stream);
    await turnAfter(recorder, client);
  },

  "an answer that is stopped, and a reload": async (recorder) => {
    const { client, stream } = await stuck(recorder);
    recorder.hold("out");
    await recorder.answer("stop", client.stopGeneration("chat"));
    recorder.release("out");
    await recorder.read("rest", stream);
    const reloaded = recorder.open({ sessions: recorder.stored("chat") });
    await recorder.answer("reconnect", reloaded.reconnectToStream({ chatId: "chat" }));
    await turnAfter(recorder, reloaded);
  },

  "a stop with nothing to stop": async (recorder) => {
    const client = recorder.open();
    await recorder.answer("no session", client.stopGeneration("chat"));
    await recorder.turn("first", client, QUICK);
    await recorder.answer("no turn", client.stopGeneration("chat"));
    await recorder.turn("next", client, QUICK);
  },

  "a stop that is refused": async (recorder) => {
    const { client, stream } = await stuck(recorder);
    recorder.failNext("in", () => refusal(400));
    await recorder.answer("stop", client.stopGeneration("chat"));
    await endFromElsewhere(recorder);
    await recorder.read("rest", stream);
  },

  "a message that is added to a running turn": async (recorder) => {
    const { client, stream } = await stuck(recorder, { clientData: { userId: "u" } });
    const added = client.sendPendingMessage("chat", said("and this"), { tone: "dry" });
    await recorder.answer("added", added);
    await recorder.answer("session", Promise.resolve(client.getSession("chat")));
    await endFromElsewhere(recorder);
    await recorder.read("rest", stream);
  },

  "a message that is added without a session": async (recorder) => {
    const client = recorder.open();
    await recorder.answer("added", client.sendPendingMessage("chat", said("and this")));
  },

  "a message that is added and refused": async (recorder) => {
    const { client, stream } = await stuck(recorder);
    recorder.failNext("in", () => refusal(400));
    await recorder.answer("added", client.sendPendingMessage("chat", said("and this")));
    await endFromElsewhere(recorder);
    await recorder.read("rest", stream);
  },

  "a reload in the middle of the first answer": async (recorder) => {
    const { client } = await stuck(recorder);
    recorder.hold("out");
    client.dispose();
    recorder.release("out");
    const reloaded = recorder.open({ sessions: recorder.stored("chat") });
    const stream = await reloaded.reconnectToStream({ chatId: "chat" });
    await recorder.readTo("text-start", "replay", stream);
    await recorder.answer("a second", reloaded.reconnectToStream({ chatId: "chat" }));
    await endFromElsewhere(recorder);
    await recorder.read("rest", stream);
    await recorder.turn("next", reloaded, QUICK);
  },

  "a reload in the middle of a later answer": async (recorder) => {
    const first = recorder.open();
    await recorder.turn("first", first, QUICK);
    const { client } = await stuck(recorder, { sessions: recorder.stored("chat") });
    client.dispose();
    const reloaded = recorder.open({ sessions: recorder.stored("chat") });
    const stream = await reloaded.reconnectToStream({ chatId: "chat" });
    await recorder.readTo("text-start", "replay", stream);
    await endFromElsewhere(recorder);
    await recorder.read("rest", stream);
  },

  "a reconnect in the same page": async (recorder) => {
    const { client } = await stuck(recorder);
    client.dispose();
    await recorder.quiet();
    const stream = await client.reconnectToStream({ chatId: "chat" });
    await recorder.requests("out", 2);
    await endFromElsewhere(recorder);
    await recorder.read("resumed", stream);
  },

  "a reconnect whose signal is aborted": async (recorder) => {
    const { client } = await stuck(recorder);
    client.dispose();
    const reloaded = recorder.open({ sessions: recorder.stored("chat") });
    const abort = new AbortController();
    const stream = await reloaded.reconnectToStream({ chatId: "chat", abortSignal: abort.signal });
    await recorder.readTo("text-start", "replay", stream);
    abort.abort();
    await recorder.read("rest", stream);
    await recorder.quiet();
    await recorder.answer("session", Promise.resolve(reloaded.getSession("chat")));
  },

  "a reconnect whose signal stops the turn": async (recorder) => {
    const { client } = await stuck(recorder);
    client.dispose();
    const reloaded = recorder.open({ sessions: recorder.stored("chat") });
    const abort = new AbortController();
    const stream = await reloaded.reconnectToStream({
      chatId: "chat",
      abortSignal: abort.signal,
      stopOnAbort: true,
    });
    await recorder.readTo("text-start", "replay", stream);
    abort.abort();
    await recorder.read("rest", stream);
    await recorder.quiet();
  },

  "a reconnect when the answer is over": async (recorder) => {
    await recorder.turn("turn", recorder.open(), QUICK);
    const { chat } = recorder.stored("chat");
    if (!chat) throw new Error("nothing was stored");
    const ended = recorder.open({ sessions: { chat } });
    await recorder.answer("stored so", ended.reconnectToStream({ chatId: "chat" }));
    const { isStreaming: _, ...untold } = chat;
    const silent = recorder.open({ sessions: { chat: untold } });
    await recorder.read("untold", await silent.reconnectToStream({ chatId: "chat" }));
    await recorder.answer("session", Promise.resolve(silent.getSession("chat")));
  },

  "a reconnect that finds a whole answer": async (recorder) => {
    await recorder.turn("turn", recorder.open(), QUICK);
    const { chat } = recorder.stored("chat");
    if (!chat) throw new Error("nothing was stored");
    const { publicAccessToken } = chat;
    const streaming = recorder.open({
      sessions: { chat: { publicAccessToken, isStreaming: true } },
    });
    await recorder.read("replay", await streaming.reconnectToStream({ chatId: "chat" }));
    const ended = { publicAccessToken, lastEventId: chat.lastEventId ?? "", isStreaming: true };
    const settled = recorder.open({ sessions: { chat: ended } });
    await recorder.read("settled", await settled.reconnectToStream({ chatId: "chat" }));
  },

  "a reconnect of a chat that nobody knows": async (recorder) => {
    const client = recorder.open();
    await recorder.answer("reconnect", client.reconnectToStream({ chatId: "chat" }));
    await recorder.answer("session", Promise.resolve(client.getSession("chat")));
  },

  "a message while an answer is under way": async (recorder) => {
    const { client, stream } = await stuck(recorder);
    const next = await send(client, { ...STUCK, messages: [said("four")] });
    await recorder.read("rest", stream);
    await recorder.quiet();
    await endFromElsewhere(recorder);
    await recorder.readTo("start", "next", next);
    await endFromElsewhere(recorder);
    await recorder.read("rest of next", next);
  },

  "a consumer that goes away": async (recorder) => {
    const { client, stream } = await stuck(recorder);
    await stream.cancel();
    await recorder.quiet();
    await recorder.answer("session", Promise.resolve(client.getSession("chat")));
  },

  "a transport that is let go": async (recorder) => {
    const { client, stream } = await stuck(recorder);
    client.dispose();
    await recorder.read("rest", stream);
    await recorder.quiet();
    await recorder.answer("session", Promise.resolve(client.getSession("chat")));
  },

  "a connection that is lost in the middle of an answer": async (recorder) => {
    const { stream } = await stuck(recorder);
    recorder.cutBodies(new TypeError("network error"));
    const rest = recorder.read("rest", stream);
    await recorder.requests("out", 2);
    await endFromElsewhere(recorder);
    await rest;
  },

  "a window that ends in the middle of an answer": async (recorder) => {
    const { stream } = await stuck(recorder);
    recorder.cutBodies();
    const rest = recorder.read("rest", stream);
    await recorder.requests("out", 2);
    await endFromElsewhere(recorder);
    await rest;
  },

  "a stream that is refused for a moment": async (recorder) => {
    recorder.failNext("out", () => refusal(503));
    await recorder.turn("turn", recorder.open(), QUICK);
  },

  "a stream that is refused for good": async (recorder) => {
    recorder.failNext("out", () => refusal(410));
    const client = recorder.open();
    await recorder.turn("turn", client, QUICK);
    await recorder.answer("session", Promise.resolve(client.getSession("chat")));
  },

  "a send that is malformed": async (recorder) => {
    recorder.failNext("in", () => refusal(400, { ok: false, error: "bad", code: "odd" }));
    await recorder.turn("turn", recorder.open(), QUICK);
  },

  "a send that is refused without a word": async (recorder) => {
    recorder.failNext("in", () => new Response("<html>", { status: 422 }));
    await recorder.turn("turn", recorder.open(), QUICK);
  },

  "a message that is too large": async (recorder) => {
    const client = recorder.open();
    await recorder.turn("turn", client, { messages: [said("x".repeat(1024 * 1024), "large")] });
  },

  "a send that the service is too busy for": async (recorder) => {
    recorder.failNext("in", () => refusal(503));
    await recorder.turn("turn", recorder.open(), QUICK);
  },

  "a send that meets the rate limit": async (recorder) => {
    recorder.failNext("in", () => refusal(429));
    await recorder.turn("turn", recorder.open(), QUICK);
  },

  "a send that finds no network": async (recorder) => {
    recorder.failNext("in", () => Promise.reject(new TypeError("fetch failed")));
    await recorder.turn("turn", recorder.open(), QUICK);
  },

  "an answer to a send without its number": async (recorder) => {
    await recorder.server.createSession("chat");
    recorder.failNext("in", () => Response.json({ ok: true }));
    const client = recorder.open();
    const stream = await send(client, QUICK);
    await recorder.quiet();
    await recorder.server.append("chat", { kind: "message", payload: payload("chat") });
    await recorder.read("turn", stream);
  },

  "a submit without a message": async (recorder) => {
    const client = recorder.open();
    await recorder.answer("send", send(client, { messages: [] }));
  },

  "an action in the body": async (recorder) => {
    const client = recorder.open({ clientData: { paceMs: 0 } });
    await recorder.turn("turn", client, { body: { action: { undo: 1 }, other: 2 } });
  },
} satisfies Record<string, Scenario>;

/** What another client of the chat would have sent. */
function payload(chatId: string) {
  const message = said("from elsewhere");
  return { message, chatId, trigger: "submit-message", metadata: { paceMs: 0 } };
}
