// What an app may expect of `AgentChat`, of the published one and of ours: the same steps are taken with
// both, and what each has asked of its server is compared.
import type { UIMessage } from "ai";
import { describe, expect, test, vi } from "vitest";
import {
  type Asked,
  type Home,
  homesOfAll,
  KEY,
  names,
  read,
  readSome,
  recorded,
  STUCK,
  stored,
  textOf,
  told,
} from "./clients";

// Only a fault takes this long.
vi.setConfig({ testTimeout: 180_000 });

const homes = homesOfAll();
let chats = 0;

describe.each(names)("%s", (name) => {
  const home = () => homes[name];
  const open: Home["open"] = (options) => home().open({ id: `chat-${++chats}`, ...options });
  const inputs = async (chatId: string) => {
    const records = await home().server.inputs(chatId);
    return records.map(({ data }) => data as { kind: string; payload?: Record<string, unknown> });
  };

  test("lets two agents talk, each hearing what the other has said", async () => {
    const clientData = { paceMs: 0 };
    const one = open({ agent: "echo", clientData });
    const other = open({ agent: "reasoning", clientData });
    const said = ["Grüße 日本語 🎉"];
    for (const chat of [one, other, one]) {
      said.push(await (await chat.sendMessage(said.at(-1) ?? "")).text());
    }
    expect(new Set(said).size).toBe(2);
    const heard = async (chatId: string) =>
      (await inputs(chatId)).map(
        ({ payload }) => (payload?.message as UIMessage | undefined)?.parts,
      );
    const text = (index: number) => [{ type: "text", text: said[index] }];
    expect(await heard(one.id)).toEqual([text(0), text(2)]);
    expect(await heard(other.id)).toEqual([text(1)]);
  });

  test("makes up an id where it is given none", async () => {
    const chat = home().open({ agent: "echo" });
    expect(chat.id).toMatch(/^[0-9a-f]{8}-/);
    expect(chat.id).not.toBe(home().open({ agent: "echo" }).id);
    expect(await (await chat.sendMessage("hello")).text()).toBe("hello");
    expect(await inputs(chat.id)).toHaveLength(1);
  });

  test("tells of the run that it triggers, and of each turn's end, once", async () => {
    const [onTriggered, onTurnComplete] = [vi.fn(), vi.fn()];
    const chat = open({ agent: "story", onTriggered, onTurnComplete });
    expect(chat.session.lastEventId).toBeUndefined();
    for (const words of [3, 4]) {
      await (await chat.sendMessage(told(words))).text();
      const { lastEventId } = chat.session;
      expect(lastEventId).toMatch(/^\d+$/);
      expect(onTurnComplete).toHaveBeenLastCalledWith({ chatId: chat.id, lastEventId });
    }
    expect(onTurnComplete).toHaveBeenCalledTimes(2);
    const runId = expect.stringMatching(/^run_/);
    expect(onTriggered.mock.calls).toEqual([[{ runId, chatId: chat.id }]]);
  });

  test("survives callbacks that fail", async () => {
    const onTurnComplete = async () => {
      throw new Error("the app's own");
    };
    const chat = open({ agent: "echo", onTurnComplete });
    expect(await (await chat.sendMessage("one")).text()).toBe("one");
    expect(await (await chat.sendMessage("two")).text()).toBe("two");
  });

  test("reads an answer as chunks, as messages, as a stream and as a result", async () => {
    const chat = open({ agent: "team", clientData: { paceMs: 0 } });
    const types: string[] = [];
    for await (const chunk of await chat.sendMessage("one")) types.push(chunk.type);
    expect([types[0], types.at(-1)]).toEqual(["start", "finish"]);

    let last: UIMessage | undefined;
    for await (const message of (await chat.sendMessage("two")).messages()) last = message;
    expect(last?.role).toBe("assistant");
    expect(last?.parts.map(({ type }) => type)).toContain("text");

    const chunks = await read((await chat.sendMessage("three")).stream);
    expect(chunks.map(({ type }) => type)).toEqual(types);

    const answer = await chat.sendMessage("four");
    const { text, toolCalls, toolResults } = await answer.result();
    expect(await answer.text()).toBe(text);
    expect(text).toBe(textOf(chunks));
    expect(toolCalls).toHaveLength(2);
    expect(toolResults.map(({ toolCallId }) => toolCallId).sort()).toEqual(
      toolCalls.map(({ toolCallId }) => toolCallId).sort(),
    );
    for (const { output } of toolResults) expect(output).toMatchObject({ role: "assistant" });
  });

  test("asks for the last answer anew", async () => {
    const chat = open({ agent: "echo", clientData: { paceMs: 0 } });
    await (await chat.sendMessage("again?")).text();
    expect(textOf(await read(await chat.sendRaw([], { trigger: "regenerate-message" })))).toBe(
      "again?",
    );
  });

  test("stops an answer, and the next one begins with its own first chunk", async () => {
    const chat = open({ agent: "story" });
    const { stream } = await chat.sendMessage(STUCK);
    await readSome(stream, 3);
    await chat.stop();
    expect(textOf(await read(stream))).toBe("");
    const next = await read((await chat.sendMessage(told(5))).stream);
    expect([next[0]?.type, next.at(-1)?.type]).toEqual(["start", "finish"]);
    expect(textOf(next)).toMatch(/^# /);
    expect((await inputs(chat.id)).map(({ kind }) => kind)).toEqual(["message", "stop", "message"]);
  });

  test("stops an answer whose signal is aborted, without an error", async () => {
    const chat = open({ agent: "story" });
    const abort = new AbortController();
    const { stream } = await chat.sendMessage(STUCK, { abortSignal: abort.signal });
    await readSome(stream, 3);
    abort.abort();
    expect(await read(stream)).toEqual([]);
    await expect
      .poll(async () => (await inputs(chat.id)).at(-1), { timeout: 120_000 })
      .toEqual({ kind: "stop" });
  });

  test("steers the turn that runs", async () => {
    const chat = open({ agent: "steered" });
    expect(await chat.steer("Nobody hears this")).toBe(false);
    // It takes longer than the test.
    const { stream } = await chat.sendMessage("Tell me a story: 20000 words at 20 ms");
    expect(await chat.steer("Faster")).toBe(true);
    for await (const chunk of stream) {
      if (chunk.type !== "data-pending-message-injected") continue;
      expect(chunk).toMatchObject({ data: { messages: [{ text: "Faster" }] } });
      await chat.stop();
    }
    const kinds = (await inputs(chat.id)).map(({ kind }) => kind);
    expect(kinds).toEqual(["message", "message", "stop"]);
  });

  test("sends an action, which answers or only acts", async () => {
    const chat = open({ agent: "echo", clientData: { paceMs: 0 } });
    await (await chat.sendMessage("kept")).text();
    await (await chat.sendMessage("taken back")).text();
    expect(await read((await chat.sendAction({ type: "undo" })).stream)).toEqual([]);
    const summary = await (await chat.sendAction({ type: "summarize" })).text();
    expect(summary).toContain("kept");
    expect(summary).not.toContain("taken back");
  });

  test("makes the session before there is anything to say, once", async () => {
    const onTriggered = vi.fn();
    const chat = open({ agent: "echo", onTriggered });
    const session = await chat.preload({ idleTimeoutInSeconds: 60 });
    expect(session.lastEventId).toBeUndefined();
    await chat.preload();
    expect(onTriggered).toHaveBeenCalledTimes(1);
    expect(await inputs(chat.id)).toEqual([]);
    expect(await (await chat.sendMessage("now")).text()).toBe("now");
  });

  test("tells the agent that the conversation is over, and begins anew with the next message", async () => {
    const onTriggered = vi.fn();
    const chat = open({ agent: "echo", onTriggered });
    expect(await chat.close()).toBe(false);
    await (await chat.sendMessage("bye")).text();
    expect(await chat.close()).toBe(true);
    expect(await chat.close()).toBe(false);
    expect((await inputs(chat.id)).at(-1)).toEqual({
      kind: "message",
      payload: { chatId: chat.id, trigger: "close" },
    });
    expect(await (await chat.sendMessage("hello again")).text()).toBe("hello again");
    expect(onTriggered).toHaveBeenCalledTimes(2);
  });

  test("hands an answer over to the agent, which goes on with it", async () => {
    const asked = open({ agent: "echo", clientData: { paceMs: 0 } });
    await (await asked.sendMessage("question")).text();
    // The app's route knows the chat's id, and nothing of its session.
    const route = home().open({ agent: "echo", id: asked.id });
    const partialAssistantMessage = [{ role: "assistant" as const, content: "Well, " }];
    const handover = { partialAssistantMessage, isFinal: false };
    await route.sendHandover({ ...handover, messageId: "answer" });
    await route.sendHandover(handover);
    await route.sendHandoverSkip();
    expect((await inputs(asked.id)).slice(1)).toEqual([
      { kind: "handover", ...handover, messageId: "answer" },
      { kind: "handover", ...handover },
      { kind: "handover-skip" },
    ]);
    await expect(
      home().open({ agent: "echo", id: "no such chat" }).sendHandoverSkip(),
    ).rejects.toMatchObject({ name: "TriggerApiError", status: 404 });
  });

  test("has nothing to reconnect to before there is a session", async () => {
    const chat = open({ agent: "echo" });
    expect(await chat.reconnect()).toBeNull();
    await chat.stop();
  });

  test("reconnects to what is over with an empty stream, at once", async () => {
    const chat = open({ agent: "echo" });
    await (await chat.sendMessage("hello")).text();
    for (const later of [chat, open({ agent: "echo", id: chat.id, session: chat.session })]) {
      const stream = await later.reconnect();
      expect(stream).not.toBeNull();
      expect(await read(stream)).toEqual([]);
    }
  });

  test("goes on in another process, which need not have begun the turn", async () => {
    const first = open({ agent: "story" });
    await (await first.sendMessage(told(3))).text();
    const session = stored(first.session);
    const begun = await readSome((await first.sendMessage(STUCK)).stream, 3);

    const onTriggered = vi.fn();
    const second = open({ agent: "story", id: first.id, session, onTriggered });
    const resumed = await second.reconnect();
    expect(await readSome(resumed, 3)).toEqual(begun);
    await home().server.append(first.id, { kind: "stop" });
    expect((await read(resumed)).map(({ type }) => type)).toEqual(["text-end", "abort"]);
    expect(textOf(await read((await second.sendMessage(told(4))).stream))).toMatch(/^# /);
    expect(onTriggered).not.toHaveBeenCalled();
  });

  test("lets a reader go without stopping the turn", async () => {
    const chat = open({ agent: "story" });
    await (await chat.sendMessage(told(3))).text();
    const session = stored(chat.session);
    await readSome((await chat.sendMessage(STUCK)).stream, 3);
    const abort = new AbortController();
    const other = open({ agent: "story", id: chat.id, session });
    const resumed = await other.reconnect(abort.signal);
    await readSome(resumed, 3);
    abort.abort();
    expect(await read(resumed)).toEqual([]);
    await home().server.append(chat.id, { kind: "stop" });
    const kinds = (await inputs(chat.id)).map(({ kind }) => kind);
    expect(kinds).toEqual(["message", "message", "stop"]);
  });

  test("reads nothing after the conversation was closed", async () => {
    const chat = open({ agent: "story" });
    const { stream } = await chat.sendMessage(STUCK);
    await readSome(stream, 3);
    await home().server.closeSession(chat.id, "enough");
    await read(stream);
    const closed = { name: "TriggerApiError", status: 409 };
    await expect(chat.sendMessage("Hello?")).rejects.toMatchObject(closed);
    await expect(chat.sendHandoverSkip()).rejects.toMatchObject(closed);
    expect(await chat.steer("Hello?")).toBe(false);
    expect(await chat.close()).toBe(false);
  });
});

describe("both ask the same of their server", () => {
  /** What each of the clients asks while it goes the same way. */
  async function asked(play: (home: Home, chatId: string) => Promise<void>) {
    const chatId = `asked/${++chats} ü`;
    const timelines: Asked[][] = [];
    for (const name of names) {
      const asked = recorded();
      await play(homes[name], chatId);
      vi.unstubAllGlobals();
      timelines.push(asked);
    }
    const [ours = [], published = []] = timelines;
    expect(ours).toEqual(published);
    return ours;
  }

  test("in a conversation with everything in it", async () => {
    const requests = await asked(async ({ open }, id) => {
      const chat = open({
        agent: "story",
        id,
        clientData: { paceMs: 1, plan: "free" },
        streamTimeoutSeconds: 30,
      });
      await (await chat.sendMessage(told(3))).text();
      await read(await chat.sendRaw([], { trigger: "regenerate-message" }));
      await (await chat.sendAction({ type: "undo" })).text();
      expect(await chat.steer("more")).toBe(true);
      await chat.sendHandover({ partialAssistantMessage: [], messageId: "m", isFinal: true });
      await chat.sendHandoverSkip();
      expect(await chat.close()).toBe(true);
    });
    expect(requests.map(({ method, path }) => `${method} ${path.split("/").pop()}`)).toEqual([
      ...["POST sessions", "POST append", "GET out", "POST append", "GET out", "POST append"],
      ...["GET out", "POST append", "POST append", "POST append", "POST append"],
    ]);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(
      requests.map(() => `Bearer ${KEY}`),
    );
  });

  test("for a session with all that can be said of it", async () => {
    const [create] = await asked(async ({ open }, id) => {
      const chat = open({
        agent: "echo",
        id,
        clientData: { userId: "u" },
        triggerConfig: {
          basePayload: { trigger: "handover-prepare", chatId: "not mine", extra: [1] },
          machine: "small-1x",
          queue: "q",
          concurrency: ["limit"],
          concurrencyKey: "user",
          tags: Array.from({ length: 12 }, (_, index) => `tag-${index}`),
          maxAttempts: 2,
          maxDuration: 60,
          lockToVersion: "20261129.1",
          externalDeploymentId: "deployment",
          region: "eu",
          idleTimeoutInSeconds: 30,
          ttl: "10m",
        },
      });
      await chat.preload({ idleTimeoutInSeconds: 90 });
    });
    expect(create?.body).toMatchObject({ triggerConfig: { idleTimeoutInSeconds: 90 } });
  });

  test("for a session with nothing said of it, and one that is pinned to no deployment", async () => {
    await asked(async ({ open }, id) => void (await open({ agent: "echo", id }).preload()));
    await asked(async ({ open }, id) => {
      const triggerConfig = {
        basePayload: {},
        externalDeploymentId: null,
        idleTimeoutInSeconds: 5,
      };
      await open({ agent: "echo", id, triggerConfig }).preload();
    });
    const longId = "x".repeat(200);
    await asked(async ({ open }, id) => {
      await open({ agent: "echo", id: id + longId }).preload();
    });
  });

  test("in a preview environment", async () => {
    vi.stubEnv("TRIGGER_PREVIEW_BRANCH", "feature/tabs");
    const requests = await asked(async ({ open }, id) => {
      await (await open({ agent: "echo", id }).sendMessage("hi")).text();
    }).finally(() => vi.unstubAllEnvs());
    expect(requests.map(({ headers }) => headers["x-trigger-branch"])).toEqual(
      requests.map(() => "feature/tabs"),
    );
  });

  test("when a stored session is gone on with", async () => {
    const requests = await asked(async ({ open }, id) => {
      const first = open({ agent: "echo", id });
      await (await first.sendMessage("one")).text();
      const session = stored(first.session);
      await read(await open({ agent: "echo", id, session }).reconnect());
      await (await open({ agent: "echo", id, session }).sendMessage("two")).text();
    });
    expect(requests.filter(({ path }) => path.endsWith("/out"))).toMatchObject([
      {},
      { headers: { "x-peek-settled": "1", "last-event-id": expect.any(String) } },
      { headers: { "last-event-id": expect.any(String) } },
    ]);
  });
});
