// Where our `AgentChat` does something else than the published one, as docs/differences.md says: what
// ours does, and that the other does not.
import { inspect } from "node:util";
import type { UIMessageChunk } from "ai";
import { AgentChat } from "trigger-chat-transport/server";
import { expect, test, vi } from "vitest";
import {
  type Home,
  homesOfAll,
  KEY,
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

type Play = (home: Home, id: string) => Promise<void>;

function ours(outcome: string, play: Play): void {
  test(`ours: ${outcome}`, () => play(homes.ours, `differs-${++chats}`));
}

function differ(outcome: string, play: Play): void {
  ours(outcome, play);
  test(`published, not so: ${outcome}`, () =>
    expect(play(homes.published, `differs-${++chats}`)).rejects.toThrow());
}

const QUICK = { paceMs: 0 };

differ("a message survives a service that fails", async ({ server, open }, id) => {
  const chat = open({ agent: "echo", id, clientData: QUICK });
  await server.order(
    { on: "append", chat: id, status: 503 },
    { on: "append", chat: id, refuse: true },
  );
  expect(await (await chat.sendMessage("hello")).text()).toBe("hello");
  expect(await server.inputs(id)).toHaveLength(1);
});

differ("a message whose answer got lost arrives once", async ({ server, open }, id) => {
  const chat = open({ agent: "echo", id, clientData: QUICK });
  await server.order({ on: "append", chat: id, loseAnswer: true });
  expect(await (await chat.sendMessage("hello")).text()).toBe("hello");
  expect(await server.inputs(id)).toHaveLength(1);
});

differ("a handover survives a service that fails", async ({ server, open }, id) => {
  const chat = open({ agent: "echo", id });
  await chat.preload();
  await server.order({ on: "append", chat: id, status: 503 });
  await chat.sendHandoverSkip();
  expect(await server.inputs(id)).toHaveLength(1);
});

differ("a session that the service has lost is made anew", async ({ server, open }, id) => {
  const onTriggered = vi.fn();
  const chat = open({ agent: "echo", id, clientData: QUICK, onTriggered });
  await (await chat.sendMessage("one")).text();
  await server.order({ on: "append", chat: id, status: 404 });
  expect(await (await chat.sendMessage("two")).text()).toMatch(/two$/);
  expect(onTriggered).toHaveBeenCalledTimes(2);
});

differ(
  "an id that was used before gets its own answer, behind what is left of earlier ones",
  async ({ open }, id) => {
    const chat = open({ agent: "echo", id, clientData: QUICK });
    await (await chat.sendMessage("one")).text();
    const later = open({ agent: "echo", id, clientData: QUICK });
    expect(await (await later.sendMessage("two")).text()).toBe("onetwo");
  },
);

differ("the session of a turn that runs is that of its start", async ({ server, open }, id) => {
  const chat = open({ agent: "story", id });
  await (await chat.sendMessage(told(3))).text();
  const before = stored(chat.session);
  await readSome((await chat.sendMessage(STUCK)).stream, 3);
  const session = stored(chat.session);
  await server.append(id, { kind: "stop" });
  const types = (await read(await open({ agent: "story", id, session }).reconnect())).map(
    ({ type }) => type,
  );
  expect(session).toEqual(before);
  expect(types).toEqual(["start", "start-step", "text-start", "text-end", "abort"]);
});

differ("a reconnect in the same process gives the turn whole", async ({ server, open }, id) => {
  const chat = open({ agent: "story", id });
  const types: string[] = [];
  for await (const { type } of await chat.sendMessage(STUCK)) {
    types.push(type);
    if (types.length === 3) break;
  }
  await server.append(id, { kind: "stop" });
  const again = (await read(await chat.reconnect())).map(({ type }) => type);
  expect(again).toEqual([...types, "text-end", "abort"]);
});

differ("an action that is refused says why", async ({ server, open }, id) => {
  const chat = open({ agent: "echo", id });
  await chat.preload();
  await server.closeSession(id, "enough");
  await expect(chat.sendAction({ type: "undo" })).rejects.toMatchObject({
    name: "TriggerApiError",
    status: 409,
    code: "session_closed",
    closedReason: "enough",
  });
});

ours("a stop where nothing runs leaves the next answer alone", async ({ open }, id) => {
  const chat = open({ agent: "echo", id, clientData: QUICK });
  await (await chat.sendMessage("one")).text();
  await chat.stop();
  expect(await (await chat.sendMessage("two")).text()).toBe("two");
});

ours("there is one stream of a chat: a reconnect beside it gives none", async ({ open }, id) => {
  const chat = open({ agent: "story", id });
  const { stream } = await chat.sendMessage(STUCK);
  expect(await chat.reconnect()).toBeNull();
  await chat.stop();
  await read(stream);
});

ours("a session that is closed is not asked for again", async ({ server, open }, id) => {
  await server.createSession(id);
  await server.closeSession(id, "enough");
  const asked = recorded();
  await expect(open({ agent: "echo", id }).sendMessage("hello?")).rejects.toMatchObject({
    name: "TriggerApiError",
    status: 409,
    code: "session_closed",
    closedReason: "enough",
  });
  expect(asked).toHaveLength(1);
});

ours("a service that fails to create the session is asked again", async ({ open }, id) => {
  const { fetch } = globalThis;
  const faults = [
    () => Promise.reject(new TypeError("no network")),
    () => new Response("", { status: 503 }),
  ];
  vi.stubGlobal(
    "fetch",
    (...args: Parameters<typeof fetch>) => faults.shift()?.() ?? fetch(...args),
  );
  const chat = open({ agent: "echo", id, clientData: QUICK });
  const answer = await chat.sendMessage("hello").finally(() => vi.unstubAllGlobals());
  expect(await answer.text()).toBe("hello");
  expect(faults).toEqual([]);
});

ours("an answer goes on when the server was restarted in the middle of it", async (home, id) => {
  const { server, open } = home;
  const undisturbed = open({ agent: "story", id: `${id}-undisturbed` });
  const whole = await (await undisturbed.sendMessage("60 words at 0 ms")).text();
  const chunks: UIMessageChunk[] = [];
  for await (const chunk of await open({ agent: "story", id }).sendMessage("60 words at 20 ms")) {
    chunks.push(chunk);
    if (chunks.length === 10) await server.restart();
  }
  expect(textOf(chunks)).toBe(whole);
});

ours("the app's `fetch` gets each request of the session, with the key", async ({ open }, id) => {
  const asked: string[] = [];
  const chat = open({
    agent: "echo",
    id,
    clientData: QUICK,
    fetch: (url, init, { endpoint, chatId }) => {
      expect(chatId).toBe(id);
      expect(init.headers).toMatchObject({ Authorization: `Bearer ${KEY}` });
      asked.push(endpoint);
      return fetch(url, init);
    },
  });
  await (await chat.sendMessage("hello")).text();
  expect(asked).toEqual(["in", "out"]);
});

ours("a base URL for each endpoint is asked for each request", async ({ server, open }, id) => {
  const asked: string[] = [];
  vi.stubEnv("TRIGGER_API_URL", server.url);
  const baseURL = ({ endpoint }: { endpoint: string }) => {
    asked.push(endpoint);
    return `${server.url}/`;
  };
  const chat = open({ agent: "echo", id, clientData: QUICK, baseURL });
  const answer = await chat.sendMessage("hello").finally(() => vi.unstubAllEnvs());
  expect(await answer.text()).toBe("hello");
  expect(asked).toEqual(["in", "out"]);
});

const wrong = "tr_dev_wrong_7f3a";

ours("a wrong key is refused, and not told", async ({ server }, id) => {
  await server.createSession(id);
  const options = { agent: "echo", id, baseURL: server.url, secretKey: wrong };
  const chats = [new AgentChat(options), new AgentChat({ ...options, session: {} })];
  const refused = { name: "TriggerApiError", status: 401 };
  for (const chat of chats) {
    const error = await chat.sendMessage("hello").catch((error: unknown) => error);
    expect(error).toMatchObject(refused);
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(wrong);
  }
  const [, restored] = chats;
  expect(await restored?.steer("hello")).toBe(false);
  expect(await restored?.close()).toBe(false);
  await expect(restored?.sendHandoverSkip()).rejects.toMatchObject(refused);
  await expect(read((await restored?.reconnect()) ?? null)).rejects.toMatchObject(refused);
  expect(await server.inputs(id)).toEqual([]);
});

ours("the key is in the header of requests, and nowhere else", async ({ open }, id) => {
  const asked = recorded();
  const events: unknown[] = [];
  const chat = open({
    agent: "echo",
    id,
    clientData: QUICK,
    onTriggered: (event) => void events.push(event),
    onTurnComplete: (event) => void events.push(event),
  });
  await (await chat.sendMessage("hello")).text();
  const told = [...asked.map(({ path, body }) => ({ path, body })), events, chat.session];
  expect(asked).toHaveLength(3);
  expect(JSON.stringify(told)).not.toContain(KEY);
  expect(inspect(chat, { depth: null, showHidden: true })).not.toContain(KEY);
  expect(JSON.stringify(chat)).not.toContain(KEY);
});
