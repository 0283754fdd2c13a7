import { afterEach, describe, expect, test, vi } from "vitest";
import { ChatTransport, type TriggerChatTransportOptions } from "../index.js";
import { serviceStandIn, tabsStandIn } from "./page-stand-in.js";

const DENIED = "This chat is active in another tab";
const channels: BroadcastChannel[] = [];
const transports: ChatTransport[] = [];

afterEach(() => {
  for (const transport of transports.splice(0)) transport.dispose();
  for (const channel of channels.splice(0)) channel.close();
  vi.unstubAllGlobals();
});

/** An app in many tabs, with one service. */
function app({ hasLocks = true } = {}) {
  const service = serviceStandIn();
  const page = tabsStandIn({ hasLocks });
  const open = (name: string, more: Partial<TriggerChatTransportOptions> = {}) =>
    page.inTab(name, () => {
      const transport = new ChatTransport({
        ...{ task: "agent", accessToken: () => `secret-of-${name}`, baseURL: "http://s.test" },
        sessions: { chat: { publicAccessToken: `secret-of-${name}`, isStreaming: false } },
        ...{ fetch: service.fetch, multiTab: true, ...more },
      });
      transports.push(transport);
      const shown: unknown[][] = [];
      const readOnly: boolean[] = [];
      transport.addReadOnlyListener((_, isReadOnly) => readOnly.push(isReadOnly));
      transport.addMessagesListener((_, messages) => shown.push(messages));
      transport.isReadOnly("chat");
      return { transport, shown, readOnly };
    });
  return { service, ...page, open };
}

const send = (transport: ChatTransport, abortSignal?: AbortSignal) =>
  transport.sendMessages({
    ...{ trigger: "submit-message", chatId: "chat", messageId: undefined, abortSignal },
    messages: [{ id: "m", role: "user", parts: [{ type: "text", text: "Why?" }] }],
  });

/** All that is still to come of an answer. */
async function chunksOf(stream: ReadableStream<unknown> | null): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return chunks;
}

const isReadOnly = ({ transport }: { transport: ChatTransport }) => transport.isReadOnly("chat");
const hasClaim = ({ transport }: { transport: ChatTransport }) => transport.hasClaim("chat");

const question = { id: "1", text: "Why?" };
const answered = (text: string) => [question, { id: "2", text }];

/** Says what a tab of the published client would, and collects what such a tab hears. */
function publishedTab() {
  const channel = new BroadcastChannel("trigger-chat-tab-coord");
  channels.push(channel);
  const heard: { type: string; chatId: string; messages?: unknown[] }[] = [];
  channel.onmessage = ({ data }) => heard.push(data);
  const tabId = crypto.randomUUID();
  const say = (type: string, more = {}) =>
    channel.postMessage({ type, chatId: "chat", tabId, ...more });
  return { heard, say, channel };
}

describe.each([true, false])("a chat in many tabs, with locks: %s", (hasLocks) => {
  test("is sent by one of them, however many send at once", async () => {
    const { open, service } = app({ hasLocks });
    const tabs = [await open("a"), await open("b"), await open("c")];
    const sends = await Promise.allSettled(tabs.map(({ transport }) => send(transport)));
    const denied = sends.filter(({ status }) => status === "rejected");
    expect(denied).toMatchObject([
      { reason: { message: DENIED } },
      { reason: { message: DENIED } },
    ]);
    expect(service.sent).toHaveLength(1);
    const isOwner = sends.map(({ status }) => status === "fulfilled");
    expect(tabs.map(hasClaim)).toEqual(isOwner);
    await vi.waitFor(() => expect(tabs.map(isReadOnly)).toEqual(isOwner.map((owns) => !owns)));
  });

  test("is free again when its turn is over", async () => {
    const { open, service } = app({ hasLocks });
    const [owner, other] = [await open("a"), await open("b")];
    const stream = await send(owner.transport);
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(true));
    await expect(send(other.transport)).rejects.toThrow(DENIED);
    service.write({ type: "start" });
    service.complete();
    await expect(chunksOf(stream)).resolves.toEqual([{ type: "start" }]);
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(false));
    expect(other.readOnly).toEqual([true, false]);
    expect(hasClaim(owner)).toBe(false);
    await send(other.transport);
    expect(hasClaim(other)).toBe(true);
  });

  test("is known to be taken in a tab that is opened in the middle of a turn", async () => {
    const { open } = app({ hasLocks });
    const owner = await open("a");
    await send(owner.transport);
    owner.transport.broadcastMessages("chat", answered("Be"));
    const late = await open("b");
    await vi.waitFor(() => expect(isReadOnly(late)).toBe(true));
    await vi.waitFor(() => expect(late.shown.at(-1)).toEqual(answered("Be")));
  });

  test("is followed live, and has the last word before it is free", async () => {
    const { open, service } = app({ hasLocks });
    const [owner, other] = [await open("a"), await open("b")];
    const stream = await send(owner.transport);
    owner.transport.broadcastMessages("chat", answered("Be"));
    await vi.waitFor(() => expect(other.shown.at(-1)).toEqual(answered("Be")));
    service.complete();
    await chunksOf(stream);
    // As a page renders it, a moment later.
    owner.transport.broadcastMessages("chat", answered("Because"));
    await vi.waitFor(() => expect(other.readOnly).toEqual([true, false]));
    expect(other.shown.at(-1)).toEqual(answered("Because"));
    expect(owner.shown).toEqual([]);
  });

  test("has the last word as soon as it is shown, for the page may be gone in a moment", async () => {
    const { open, service } = app({ hasLocks });
    const other = publishedTab();
    const owner = await open("a");
    const stream = await send(owner.transport);
    owner.transport.broadcastMessages("chat", answered("Be"));
    owner.transport.broadcastMessages("chat", answered("Because"));
    service.complete();
    await chunksOf(stream);
    owner.transport.broadcastMessages("chat", answered("Because!"));
    await vi.waitFor(() => expect(other.heard.at(-1)).toMatchObject({ type: "release" }));
    const told = other.heard.map(({ type }) => type);
    // A change more than was waited for: the one when the turn was over, and the one behind it.
    expect(told.filter((type) => type === "change")).toHaveLength(2);
  });

  test("shows what its page was too busy to render in time", async () => {
    const { open, service } = app({ hasLocks });
    const [owner, other] = [await open("a"), await open("b")];
    const stream = await send(owner.transport);
    owner.transport.broadcastMessages("chat", answered("Be"));
    await vi.waitFor(() => expect(other.shown.at(-1)).toEqual(answered("Be")));
    service.complete();
    await chunksOf(stream);
    await vi.waitFor(() => expect(other.readOnly).toEqual([true, false]));
    owner.transport.broadcastMessages("chat", answered("Because"));
    await vi.waitFor(() => expect(other.shown.at(-1)).toEqual(answered("Because")));
    // Whoever speaks next is the one who is heard.
    await send(other.transport);
    await vi.waitFor(() => expect(isReadOnly(owner)).toBe(true));
    other.transport.broadcastMessages("chat", answered("Why not?"));
    await vi.waitFor(() => expect(owner.shown.at(-1)).toEqual(answered("Why not?")));
    owner.transport.broadcastMessages("chat", []);
    other.transport.broadcastMessages("chat", answered("Why not!"));
    await vi.waitFor(() => expect(owner.shown.at(-1)).toEqual(answered("Why not!")));
    expect(other.shown.at(-1)).toEqual(answered("Because"));
  });

  test("is let go of by a transport that is disposed", async () => {
    const { open, locks } = app({ hasLocks });
    const [owner, other] = [await open("a"), await open("b")];
    await send(owner.transport);
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(true));
    owner.transport.dispose();
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(false));
    await send(other.transport);
    if (!hasLocks) expect(locks.names).toEqual([]);
  });

  test("is let go of when the send is refused", async () => {
    const { open, service } = app({ hasLocks });
    const fetch = async (url: string, init?: RequestInit) =>
      init?.method === "POST" ? new Response("{}", { status: 400 }) : service.fetch(url, init);
    const [owner, other] = [await open("a", { fetch }), await open("b")];
    await expect(send(owner.transport)).rejects.toMatchObject({ status: 400 });
    await vi.waitFor(() => expect(hasClaim(owner)).toBe(false));
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(false));
    await send(other.transport);
  });

  test("is let go of while its page is put away, and asked for when it is back", async () => {
    const { open, tell } = app({ hasLocks });
    const [owner, other] = [await open("a"), await open("b")];
    await send(owner.transport);
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(true));
    tell("a", "pagehide");
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(false));
    tell("a", "pageshow");
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(true));
    expect(hasClaim(owner)).toBe(true);
  });

  test("is kept when an element has an event of such a name", async () => {
    const { open, tell } = app({ hasLocks });
    const [owner, other] = [await open("a"), await open("b")];
    await send(owner.transport);
    tell("a", "freeze", { parentNode: {} });
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(true));
    expect(hasClaim(owner)).toBe(true);
  });

  test.each([
    ["put away", "pagehide"],
    ["frozen", "freeze"],
  ] as const)("has the last word of a page that is %s in that moment", async (_, event) => {
    const { open, tell, service } = app({ hasLocks });
    const [owner, other] = [await open("a"), await open("b")];
    const stream = await send(owner.transport);
    owner.transport.broadcastMessages("chat", answered("Be"));
    service.complete();
    await chunksOf(stream);
    owner.transport.broadcastMessages("chat", answered("Because"));
    tell("a", event);
    await vi.waitFor(() => expect(other.readOnly).toEqual([true, false]));
    // The lock may fall sooner than a message comes.
    await vi.waitFor(() => expect(other.shown.at(-1)).toEqual(answered("Because")));
  });

  test("has the last word of a transport that is disposed in that moment", async () => {
    const { open } = app({ hasLocks });
    const [owner, other] = [await open("a"), await open("b")];
    await send(owner.transport);
    owner.transport.broadcastMessages("chat", answered("Be"));
    owner.transport.broadcastMessages("chat", answered("Because"));
    owner.transport.dispose();
    await vi.waitFor(() => expect(other.readOnly).toEqual([true, false]));
    // The lock may fall sooner than a message comes.
    await vi.waitFor(() => expect(other.shown.at(-1)).toEqual(answered("Because")));
  });

  test("is not told of by a page that is put away and has nothing to tell", async () => {
    const { open, tell } = app({ hasLocks });
    const old = publishedTab();
    const { transport } = await open("a");
    transport.broadcastMessages("chat", answered("Be"));
    tell("a", "pagehide");
    tell("a", "pageshow");
    await vi.waitFor(() => expect(old.heard.map(({ type }) => type)).toEqual(["hello", "hello"]));
  });

  test("tells a page that comes back what another tab has answered meanwhile", async () => {
    const { open, tell, service } = app({ hasLocks });
    const [away, other] = [await open("a"), await open("b")];
    tell("a", "freeze");
    const stream = await send(other.transport);
    other.transport.broadcastMessages("chat", answered("Because"));
    service.complete();
    await chunksOf(stream);
    await vi.waitFor(() => expect(hasClaim(other)).toBe(false));
    expect(away.shown).toEqual([]);
    tell("a", "resume");
    await vi.waitFor(() => expect(away.shown).toEqual([answered("Because")]));
    expect(away.transport.getSession("chat")?.lastEventId).toBe("0");
  });

  test("listens once to a tab that does not own it, when its page comes back", async () => {
    const { open, tell } = app({ hasLocks });
    const tab = await open("a");
    const old = publishedTab();
    tell("a", "pagehide");
    tell("a", "pageshow");
    old.say("messages", { messages: answered("Be") });
    await vi.waitFor(() => expect(tab.shown).toEqual([answered("Be")]));
    old.say("messages", { messages: [] });
    old.say("claim");
    await vi.waitFor(() => expect(isReadOnly(tab)).toBe(true));
    expect(tab.shown).toHaveLength(1);
  });

  test("heeds the claim of a tab that runs the published client", async () => {
    const { open } = app({ hasLocks });
    const tab = await open("a");
    const old = publishedTab();
    old.say("claim");
    await vi.waitFor(() => expect(isReadOnly(tab)).toBe(true));
    await expect(send(tab.transport)).rejects.toThrow(DENIED);
    old.say("messages", { messages: answered("Be") });
    await vi.waitFor(() => expect(tab.shown).toEqual([answered("Be")]));
    old.say("release");
    await vi.waitFor(() => expect(isReadOnly(tab)).toBe(false));
    publishedTab().say("messages", { messages: [] });
    // In this order: it lets go first.
    old.say("session", { session: { lastEventId: "7" } });
    publishedTab().say("session", { session: { lastEventId: "5" } });
    await vi.waitFor(() => expect(tab.transport.getSession("chat")?.lastEventId).toBe("7"));
    await send(tab.transport);
    expect(tab.shown, "a tab that owns nothing has nothing to tell").toHaveLength(1);
  });

  test("tells a tab that runs the published client all that it understands", async () => {
    const { open, service } = app({ hasLocks });
    const old = publishedTab();
    const { transport } = await open("a");
    const histories = () => old.heard.filter(({ type }) => type === "messages");
    const stream = await send(transport);
    transport.broadcastMessages("chat", []);
    transport.broadcastMessages("chat", [question]);
    await vi.waitFor(() => expect(histories().at(-1)?.messages).toEqual([question]));
    // As its hook does when it hears of the claim, and when the chat is free.
    old.say("messages", { messages: [question] });
    transport.broadcastMessages("chat", answered("Because"));
    service.complete();
    await chunksOf(stream);
    await vi.waitFor(() => expect(old.heard.at(-1)).toMatchObject({ type: "release" }));
    expect(old.heard).toContainEqual(expect.objectContaining({ type: "claim", chatId: "chat" }));
    const sessions = old.heard.filter(({ type }) => type === "session");
    expect(sessions.at(-1)).toMatchObject({ session: { lastEventId: "0", isStreaming: false } });
    const before = histories().length;
    const shown = [[question], answered("Because"), answered("Be")];
    for (const messages of shown) old.say("messages", { messages });
    // The second one has nothing more to hear.
    await vi.waitFor(() => expect(histories()).toHaveLength(before + 2));
    expect(histories().at(-1)?.messages).toEqual(answered("Because"));
    transport.broadcastMessages("chat", answered("Because!"));
    await vi.waitFor(() => expect(old.heard.at(-1)).toMatchObject({ type: "change" }));
    expect(histories()).toHaveLength(before + 2);
  });

  test("is told of only when it is claimed, for nobody listens before", async () => {
    const { open } = app({ hasLocks });
    const other = publishedTab();
    const { transport } = await open("a");
    // As a hook does that shows the question before the claim is there.
    const sending = send(transport);
    transport.broadcastMessages("chat", [question]);
    await sending;
    await vi.waitFor(() => expect(other.heard.at(-1)).toMatchObject({ type: "session" }));
    const types = other.heard.map(({ type }) => type).filter((type) => type !== "session");
    expect(types).toEqual(["hello", ...(hasLocks ? [] : ["asking"]), "claim", "messages"]);
  });

  test("tells all of it to a tab that has missed something just before it was free", async () => {
    const { open, service } = app({ hasLocks });
    const other = publishedTab();
    const { transport } = await open("a");
    const stream = await send(transport);
    transport.broadcastMessages("chat", answered("Because"));
    service.complete();
    await chunksOf(stream);
    await vi.waitFor(() => expect(other.heard.at(-1)).toMatchObject({ type: "release" }));
    other.say("hello");
    await vi.waitFor(() =>
      expect(other.heard.at(-1)).toMatchObject({ type: "messages", messages: answered("Because") }),
    );
  });
});

describe("a chat in many tabs", () => {
  test("is free at once when its owner dies, whose turn can be resumed", async () => {
    const { open, service, locks } = app();
    const [owner, other] = [await open("a"), await open("b")];
    await send(owner.transport);
    service.write({ type: "start" });
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(true));
    await vi.waitFor(() =>
      expect(other.transport.getSession("chat")).toMatchObject({
        ...{ isStreaming: true, activeInputSeq: 0, publicAccessToken: "secret-of-b" },
      }),
    );
    locks.crash("a");
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(false));
    const stream = await other.transport.reconnectToStream({ chatId: "chat" });
    service.complete();
    await expect(chunksOf(stream)).resolves.toEqual([{ type: "start" }]);
  });

  test("is taken over by a tab that reads along when its owner dies", async () => {
    const { open, locks } = app();
    const owner = await open("a");
    await send(owner.transport);
    const running = { publicAccessToken: "t", isStreaming: true, activeInputSeq: 0 };
    const [reader, third] = [await open("b", { sessions: { chat: running } }), await open("c")];
    await reader.transport.reconnectToStream({ chatId: "chat" });
    await vi.waitFor(() => expect([reader, third].map(isReadOnly)).toEqual([true, true]));
    await vi.waitFor(() => expect(hasClaim(reader)).toBe(false));
    locks.crash("a");
    await vi.waitFor(() => expect(hasClaim(reader)).toBe(true));
    await vi.waitFor(() => expect(isReadOnly(third)).toBe(true));
    await expect(send(third.transport)).rejects.toThrow(DENIED);
  });

  test("is known to be taken where its owner cannot answer", async () => {
    const { open, inTab, locks } = app();
    const life = "trigger-chat-life:7:9:chat";
    const hold = (name: string) =>
      void locks.of("frozen").request(name, () => new Promise(() => {}));
    await inTab("frozen", () => ["trigger-chat:chat", life].map(hold));
    await vi.waitFor(() => expect(locks.names).toHaveLength(2));
    const late = await open("b");
    await vi.waitFor(() => expect(isReadOnly(late)).toBe(true));
    locks.crash("frozen");
    await vi.waitFor(() => expect(isReadOnly(late)).toBe(false));
  });

  test("holds no lock once its turn is over", async () => {
    const { open, service, locks } = app();
    const { transport } = await open("a");
    const stream = await send(transport);
    expect(locks.names).toHaveLength(2);
    service.complete();
    await chunksOf(stream);
    await vi.waitFor(() => expect(locks.names).toEqual([]));
  });

  test("is one of several, which know nothing of each other", async () => {
    const { open } = app();
    const [one, other] = [await open("a"), await open("b")];
    await send(one.transport);
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(true));
    expect(other.transport.isReadOnly("another")).toBe(false);
  });

  test("is shared by two transports of one tab as by two tabs", async () => {
    const { open } = app();
    const [one, other] = [await open("a"), await open("a")];
    await send(one.transport);
    await vi.waitFor(() => expect(isReadOnly(other)).toBe(true));
    await expect(send(other.transport)).rejects.toThrow(DENIED);
  });

  test("takes a second message of its own tab while its turn runs", async () => {
    const { open, service } = app();
    const { transport } = await open("a");
    await send(transport);
    await send(transport);
    expect(service.sent).toHaveLength(2);
  });

  test("is told of by a claim that stands until the answer to the lock is there", async () => {
    const { open } = app();
    const [owner, other] = [await open("a"), await open("b")];
    await send(owner.transport);
    const sending = send(other.transport);
    expect(hasClaim(other)).toBe(true);
    await expect(sending).rejects.toThrow(DENIED);
    expect(hasClaim(other)).toBe(false);
  });

  test("never tells its token to another tab", async () => {
    const { open, service } = app();
    const old = publishedTab();
    const { transport } = await open("a");
    const stream = await send(transport);
    service.complete();
    await chunksOf(stream);
    await vi.waitFor(() => expect(old.heard.at(-1)).toMatchObject({ type: "release" }));
    expect(JSON.stringify(old.heard)).not.toMatch(/secret|publicAccessToken/);
  });

  test("is not disturbed by what is no message of its protocol", async () => {
    const { open } = app();
    const tab = await open("a");
    const { channel, say } = publishedTab();
    const garbage = [
      ...[undefined, null, 7, "claim", [], new Date(), {}, { type: "claim" }],
      ...[
        { type: "claim", chatId: 1, tabId: "x" },
        { type: "claim", chatId: "chat" },
      ],
      { type: "claim", chatId: "chat", tabId: "x", life: "long" },
      { type: "toString", chatId: "chat", tabId: "x" },
      { type: "change", chatId: "chat", tabId: "x", seq: 1, delta: "x" },
      { type: "messages", chatId: "chat", tabId: "x", messages: "x".repeat(1_000_000) },
      { type: "session", chatId: "chat", tabId: "x", session: null },
    ];
    for (const data of garbage) channel.postMessage(data);
    say("hello");
    say("claim", { chatId: "other" });
    say("claim");
    await vi.waitFor(() => expect(tab.readOnly).toEqual([true]));
    expect(tab.shown).toEqual([]);
  });

  test("tells all listeners, whatever one of them does", async () => {
    const complain = vi.spyOn(console, "error").mockImplementation(() => {});
    const { open } = app();
    const { transport } = await open("a");
    const heard: boolean[] = [];
    transport.addReadOnlyListener(() => {
      throw new Error("fault");
    });
    const listener = (_: string, isReadOnly: boolean) => heard.push(isReadOnly);
    transport.addReadOnlyListener(listener);
    const old = publishedTab();
    old.say("claim");
    await vi.waitFor(() => expect(heard).toEqual([true]));
    transport.removeReadOnlyListener(listener);
    old.say("release");
    await vi.waitFor(() => expect(transport.isReadOnly("chat")).toBe(false));
    expect(heard).toEqual([true]);
    complain.mockRestore();
  });

  test("comes back to life after its transport was disposed", async () => {
    const { open, inTab } = app();
    const [tab, other] = [await open("a"), await open("b")];
    tab.transport.dispose();
    await inTab("a", () => tab.transport.addReadOnlyListener(() => {}));
    await send(other.transport);
    await vi.waitFor(() => expect(isReadOnly(tab)).toBe(true));
  });

  test("aborts what waits for it when its transport is disposed", async () => {
    const { open } = app({ hasLocks: false });
    const { transport } = await open("a");
    const sending = send(transport);
    transport.dispose();
    await expect(sending).rejects.toMatchObject({ name: "AbortError" });
  });

  test("aborts what waits for it to be loaded when its transport is disposed", async () => {
    const { open, service } = app();
    const { transport } = await open("a");
    transport.dispose();
    const sending = send(transport);
    expect(hasClaim({ transport })).toBe(true);
    transport.dispose();
    await expect(sending).rejects.toMatchObject({ name: "AbortError" });
    expect(service.sent).toEqual([]);
  });

  test("is not sent while its part of the package cannot be loaded", async () => {
    const complain = vi.spyOn(console, "error").mockImplementation(() => {});
    const { open, service } = app();
    vi.doMock("./tabs.js", () => Promise.reject(new Error("no network")));
    const { transport } = await open("a");
    await expect(send(transport)).rejects.toThrow();
    expect(service.sent).toEqual([]);
    vi.doUnmock("./tabs.js");
    await send(transport);
    expect(service.sent).toHaveLength(1);
    complain.mockRestore();
  });
});

describe("a transport without other tabs", () => {
  test.each([
    ["without `multiTab`", { multiTab: false }],
    ["that watches", { watch: true }],
  ])("%s opens no channel, and tells a running turn", async (_, more) => {
    const { open, service } = app();
    const old = publishedTab();
    const tab = await open("a", more);
    old.say("claim");
    expect(hasClaim(tab)).toBe(false);
    const stream = await send(tab.transport);
    expect(hasClaim(tab)).toBe(true);
    expect(isReadOnly(tab)).toBe(false);
    service.complete();
    await stream.cancel();
    expect(hasClaim(tab)).toBe(false);
    expect(old.heard).toEqual([]);
  });

  test("opens no channel on a server", async () => {
    const { open } = app();
    vi.stubGlobal("document", undefined);
    const opened = vi.fn();
    vi.stubGlobal("BroadcastChannel", opened);
    const tab = await open("a");
    await send(tab.transport);
    expect(hasClaim(tab)).toBe(true);
    expect(opened).not.toHaveBeenCalled();
  });
});
