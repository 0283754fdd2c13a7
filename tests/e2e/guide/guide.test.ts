// What app developers are told to write, in small apps that do it: in a real browser, with the real
// React and AI SDK, against the session server. Each is held to what a person sees and to what has
// arrived at the service.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, type TestContext, test, vi } from "vitest";
import { ENDLESS, eventually, ModelStandIn, ServerRecords } from "../demo-support";
import { launchBrowser } from "../support/browser";
import { BUILD_TIMEOUT_MS, type SessionServer, startServer } from "../support/server";
import { chatProxy } from "./app/event-source-proxy";
import { AppServer, COOKIE, startProxy, startSite } from "./backend";
import { buildPages, snippets, Visit } from "./site";

// Most of the time the tests wait for an agent, so they can do it together.
vi.setConfig({ testTimeout: 300_000, maxConcurrency: 4 });

const SHORT = "Tell me a story: 30 words, 2 ms";

/**
 * What of the guide shows code, and which page has it. The agents' side of it is in `app/agents.ts`,
 * which only the compiler reads; what it shows of a server that talks to an agent is in `../agent-chat`.
 */
const sections: Record<string, string> = {
  "a transport for `useChat`": "transport-setup",
  "messages of the agent's own kind": "typed-messages",
  "endpoints in place of server actions": "rest-endpoints",
  "deleting a session that is gone": "session-cleanup",
  "restoring a chat on page load": "restoring",
  "client data for all sends": "transport-client-data",
  "metadata of one message": "message-metadata",
  "client data by the agent's schema": "typed-client-data",
  "stopping an answer": "stop-generation",
  "a tool that asks first": "tool-approvals",
  "undo and other actions": "actions",
  "a service of one's own": "self-hosting",
  "a base URL for each endpoint": "edge-proxy",
  "requests in the app's hands": "fetch-override",
  "a first answer from the app's own route": "head-start",
  "one chat in several tabs": "multi-tab",
  "answers by `EventSource`, which is this package's own": "event-source",
};

const modes = ["production", "development"] as const;
const folder = mkdtempSync(join(tmpdir(), "guide-"));
const driven = new Set<string>();
const metafiles: Metafile[] = [];
let browser: Browser;

beforeAll(async () => {
  for (const mode of modes) metafiles.push(await buildPages(mode, join(folder, mode)));
  // The first one is compiled where that is due.
  await (await startServer()).stop();
  browser = await launchBrowser();
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Stage = {
  server: SessionServer;
  /** What answers where a test has given the chat's session the agent `model`. */
  model: ModelStandIn;
  /** The app's own server. */
  app: AppServer;
  /** A chat of the test's own. */
  chatId: string;
  /** The same server under another name: to a browser, another origin. */
  elsewhere: string;
  open(settings?: Record<string, string>): Promise<Visit>;
  onTestFinished: TestContext["onTestFinished"];
};

/**
 * Plays a scene on a page of the guide: in development, where React's StrictMode runs every effect
 * twice, and in production too where what comes of it hangs on effects.
 */
function guide(snippet: string, outcome: string, play: (stage: Stage) => Promise<void>): void {
  driven.add(snippet);
  const hangsOnEffects = ["transport-setup", "restoring", "stop-generation", "multi-tab"].includes(
    snippet,
  );
  const its = modes.filter((mode) => mode === "development" || hangsOnEffects);
  test.concurrent.for(its)(`${snippet}: ${outcome} (%s)`, async (mode, { onTestFinished }) => {
    const model = await ModelStandIn.start();
    onTestFinished(() => model.stop());
    const server = await startServer({ page: join(folder, mode), flags: model.flags("stand-in") });
    onTestFinished(() => server.stop());
    const chatId = `${snippet}-${randomUUID()}`;
    const elsewhere = server.url.replace("127.0.0.1", "localhost");
    const open = async (settings = {}) => {
      const visit = await Visit.open(browser, server, snippet, { chat: chatId, ...settings });
      onTestFinished(() => visit.close());
      return visit;
    };
    const app = new AppServer(server, chatId);
    await play({ server, model, app, chatId, elsewhere, open, onTestFinished });
  });
}

/** What the agent has written in the last turn, once it is over. */
async function told(server: SessionServer, chatId: string): Promise<string> {
  return (await new ServerRecords(server).lastTurn(chatId)).text;
}

guide("transport-setup", "a conversation that outlives its token", async ({ server, open }) => {
  const visit = await open();
  await visit.say("Hello there");
  expect(await visit.shown(2)).toEqual(["Hello there", "Hello there"]);
  const [start] = visit.askedOf(/\/start$/);
  expect(start?.body).toEqual({ taskId: "echo", clientData: {} });
  const chatId = start?.url.pathname.split("/").at(-2) ?? "";
  expect(visit.askedOf(/\/token$/)).toEqual([]);

  await server.order({ on: "append", chat: chatId, status: 401 });
  visit.watchman.expect(/status of 401/);
  await visit.say("And again");
  expect(await visit.shown(4)).toEqual(["Hello there", "Hello there", "And again", "And again"]);
  expect(visit.askedOf(/\/token$/)).toHaveLength(1);
  expect(visit.askedOf(/\/start$/)).toHaveLength(1);
  expect(await visit.messages(chatId)).toMatchObject([
    { chatId, trigger: "submit-message", message: { role: "user" } },
    { chatId, trigger: "submit-message", message: { parts: [{ text: "And again" }] } },
  ]);
});

guide("transport-setup", "`stop` of `useChat` stops the agent", async ({ open }) => {
  const visit = await open();
  // Saying them takes longer than the test.
  const words = Array.from({ length: 20_000 }, (_, index) => `word${index}`).join(" ");
  await visit.say(words);
  await visit.isAnswering();
  await visit.press("Stop");
  const [, answer = ""] = await visit.shown(2);
  expect(words.startsWith(answer)).toBe(true);
  expect(answer.length).toBeLessThan(words.length);
  const chatId =
    visit
      .askedOf(/\/start$/)[0]
      ?.url.pathname.split("/")
      .at(-2) ?? "";
  const kinds = async () => (await visit.inputs(chatId)).map(({ kind }) => kind);
  await eventually("the end of the turn", async () => (await kinds()).length > 1);
  expect(await kinds()).toEqual(["message", "stop"]);
});

guide("typed-messages", "a data part of the agent's own is shown", async (stage) => {
  const { server, chatId, open } = stage;
  const visit = await open();
  await visit.say(ENDLESS);
  await visit.isAnswering();
  const message = { id: "meanwhile", role: "user", parts: [{ type: "text", text: "Be brief" }] };
  const payload = { chatId, trigger: "submit-message", message };
  await server.append(chatId, { kind: "message", payload });
  await visit.page.locator("article.assistant mark", { hasText: /^Be brief$/ }).waitFor();
  await server.append(chatId, { kind: "stop" });
  expect(await visit.shown(2)).toHaveLength(2);
});

guide("rest-endpoints", "tokens and sessions come from endpoints", async (stage) => {
  const { server, chatId, open } = stage;
  const visit = await open();
  await server.order({ on: "append", chat: chatId, status: 403 });
  visit.watchman.expect(/status of 403/);
  await visit.say("By REST");
  expect(await visit.shown(2)).toEqual(["By REST", "By REST"]);
  const starts = visit.askedOf(/\/start$/).map(({ body }) => body);
  expect(starts).toEqual([{ taskId: "echo", clientData: {} }]);
  expect(visit.askedOf(/\/token$/)).toHaveLength(1);
  expect(await visit.messages(chatId)).toHaveLength(1);
});

guide("session-cleanup", "a session that is gone for good is deleted", async (stage) => {
  const { server, app, chatId, open } = stage;
  await app.makeChat("echo");
  await app.storeSession({ publicAccessToken: await server.mintToken(chatId), lastEventId: "7" });
  const visit = await open({ who: "guest" });
  visit.watchman.expect(/status of 404/);
  await visit.say("Anybody there?");
  await visit.page.getByRole("alert").waitFor();
  await eventually("the end of the session", async () => (await app.session()) === null);
});

guide("session-cleanup", "one that can be made anew is kept", async (stage) => {
  const { server, app, chatId, open } = stage;
  await app.makeChat("echo");
  await app.storeSession({ publicAccessToken: await server.mintToken(chatId), lastEventId: "7" });
  const visit = await open({ who: "owner" });
  visit.watchman.expect(/status of 404/);
  await visit.say("Anybody there?");
  expect(await visit.shown(2)).toEqual(["Anybody there?", "Anybody there?"]);
  expect(visit.askedOf(/\/start$/)).toHaveLength(1);
  const stored = visit.askedOf(/\/session$/).map(({ body }) => body);
  expect(stored).toEqual([{ publicAccessToken: expect.any(String) }]);
  expect(await visit.messages(chatId)).toHaveLength(1);
});

guide("restoring", "an answer goes on where the page is loaded anew", async (stage) => {
  const { server, model, app, chatId, open } = stage;
  await app.makeChat("model");
  await server.createSession(chatId, "model");
  const visit = await open();
  await visit.say("Tell me of the sea");
  const answer = await model.talk();
  await visit.isAnswering();
  await app.turnStarts();
  await visit.page.reload();
  await visit.isAnswering();
  answer.end();
  const whole = await told(server, chatId);
  expect(await visit.shown(2)).toEqual(["Tell me of the sea", whole]);

  await app.turnCompletes();
  await visit.page.reload();
  expect(await visit.shown(2)).toEqual(["Tell me of the sea", whole]);
  await visit.say("And on");
  (await model.talk()).end();
  const next = await told(server, chatId);
  expect(await visit.shown(4)).toEqual(["Tell me of the sea", whole, "And on", next]);
  expect(await visit.messages(chatId)).toHaveLength(2);
  expect(visit.askedOf(/\/start$/)).toHaveLength(1);
});

guide("transport-client-data", "client data follows what is rendered", async (stage) => {
  const { chatId, open } = stage;
  const visit = await open();
  await visit.say(SHORT);
  await visit.shown(2);
  await visit.press("Now it is Grace");
  await visit.say(SHORT);
  await visit.shown(4);
  const starts = visit.askedOf(/\/start$/).map(({ body }) => body);
  expect(starts).toEqual([{ taskId: "story", clientData: { userId: "ada" } }]);
  const metadata = (await visit.messages(chatId)).map(({ metadata }) => metadata);
  expect(metadata).toEqual([{ userId: "ada" }, { userId: "grace" }]);
});

guide("message-metadata", "a message's own metadata wins", async ({ chatId, open }) => {
  const visit = await open();
  await visit.say(SHORT);
  await visit.shown(2);
  await visit.press("Ask the large model");
  await visit.shown(4);
  expect(await visit.answers.locator("b").allTextContents()).toEqual(["small", "large"]);
  const metadata = (await visit.messages(chatId)).map(({ metadata }) => metadata);
  expect(metadata).toEqual([
    { userId: "ada", model: "small" },
    { userId: "ada", model: "large", priority: "high" },
  ]);
});

guide("typed-client-data", "what the schema takes is what arrives", async ({ chatId, open }) => {
  const visit = await open();
  await visit.say(SHORT);
  await visit.shown(2);
  const starts = visit.askedOf(/\/start$/).map(({ body }) => body);
  expect(starts).toEqual([{ taskId: "story", clientData: { userId: "ADA", model: "any" } }]);
  expect(await visit.messages(chatId)).toMatchObject([{ metadata: { userId: "ada" } }]);
});

guide("stop-generation", "one button stops page and agent", async (stage) => {
  const { server, app, chatId, open } = stage;
  await app.makeChat("story");
  const visit = await open();
  await visit.say(ENDLESS);
  await visit.isAnswering();
  await isStopped(visit, server, chatId);
});

guide("stop-generation", "it stops an answer that was resumed as well", async (stage) => {
  const { server, app, chatId, open } = stage;
  await app.makeChat("story");
  const visit = await open();
  await visit.say(ENDLESS);
  await visit.isAnswering();
  await app.turnStarts();
  await visit.page.reload();
  await visit.isAnswering();
  await isStopped(visit, server, chatId);
});

/** Stops an answer that is under way, and has the next one whole. */
async function isStopped(visit: Visit, server: SessionServer, chatId: string): Promise<void> {
  const kinds = async () => (await visit.inputs(chatId)).map(({ kind }) => kind);
  await visit.press("Stop");
  const [, stopped = ""] = await visit.shown(2);
  await eventually("the end of the turn", async () => (await kinds()).length > 1);
  const turn = await new ServerRecords(server).lastTurn(chatId);
  expect(turn.wasAborted).toBe(true);
  expect(turn.text.startsWith(stopped)).toBe(true);
  await visit.say(SHORT);
  const all = await visit.shown(4);
  expect(all).toEqual([ENDLESS, stopped, SHORT, await told(server, chatId)]);
  // Where both calls have stopped the agent, the second stop found nothing to stop.
  const inOrder = (await kinds()).filter((kind, index, all) => kind !== all[index - 1]);
  expect(inOrder).toEqual(["message", "stop", "message"]);
}

guide("tool-approvals", "a yes is done, and the answer goes on", async ({ chatId, open }) => {
  const visit = await open();
  await visit.say("Write to Ada");
  await visit.press("Approve");
  await visit.answers.getByText("The email to ada@example.com is on its way.").waitFor();
  await visit.answers.getByText("output-available").waitFor();
  expect(await visit.shown(2)).toHaveLength(2);
  const [, decision] = await visit.messages(chatId);
  expect(decision).toMatchObject({
    trigger: "submit-message",
    message: {
      role: "assistant",
      parts: [
        { type: "tool-send_email", state: "approval-responded", approval: { approved: true } },
      ],
    },
  });
  expect(await visit.messages(chatId)).toHaveLength(2);
});

guide("tool-approvals", "a no is heeded, with its reason", async ({ chatId, open }) => {
  const visit = await open();
  await visit.say("Write to Ada");
  await visit.press("Deny");
  await visit.answers.getByText("stays here, as you say: “Not today”").waitFor();
  await visit.answers.getByText("output-denied").waitFor();
  expect(await visit.shown(2)).toHaveLength(2);
  const [, decision] = await visit.messages(chatId);
  const approval = { approved: false, reason: "Not today" };
  expect(decision?.message?.parts).toMatchObject([{ state: "approval-responded", approval }]);
});

guide(
  "tool-approvals",
  "of two calls, the second decision sends both",
  async ({ chatId, open }) => {
    const visit = await open();
    await visit.say("Write to two people");
    const ask = visit.page.getByRole("group");
    await ask.nth(1).getByRole("button", { name: "Deny" }).click();
    await ask.nth(0).getByRole("button", { name: "Approve" }).click();
    await visit.answers.getByText("The email to ada@example.com is on its way.").waitFor();
    await visit.answers.getByText("The email to grace@example.com stays here").waitFor();
    const [, decision, ...more] = await visit.messages(chatId);
    const approvals = [{ approval: { approved: true } }, { approval: { approved: false } }];
    expect(decision?.message?.parts).toMatchObject(approvals);
    expect(more).toEqual([]);
  },
);

guide("actions", "what is taken back is gone for page and agent", async ({ chatId, open }) => {
  const visit = await open();
  const summary = async () => {
    await visit.press("What have I said?");
    const whole = visit.page.locator("aside", { hasText: "(That is all.)" });
    return (await whole.textContent())?.match(/“.*?”/g);
  };
  for (const [index, word] of ["one", "two", "three"].entries()) {
    await visit.say(word);
    await visit.shown(2 * index + 2);
  }
  await visit.press("Undo the last exchange");
  expect(await visit.shown(1)).toEqual(["one", "one", "two", "two"]);
  expect(await summary()).toEqual(["“one”", "“two”"]);
  await visit.press("Back to the first answer");
  expect(await visit.shown(1)).toEqual(["one", "one"]);
  expect(await summary()).toEqual(["“one”"]);

  await visit.press("Undo the last exchange");
  await visit.say("four");
  expect(await visit.shown(2)).toEqual(["four", "four"]);
  expect(await summary()).toEqual(["“four”"]);
  const actions = (await visit.messages(chatId)).filter(({ trigger }) => trigger === "action");
  expect(actions.map(({ action }) => action)).toEqual([
    { type: "undo" },
    { type: "summarize" },
    { type: "rollback", targetMessageId: expect.any(String) },
    { type: "summarize" },
    { type: "undo" },
    { type: "summarize" },
  ]);
});

guide("self-hosting", "every request goes to the service that is named", async (stage) => {
  const { chatId, elsewhere, open } = stage;
  const visit = await open({ service: elsewhere });
  await visit.say("At home");
  expect(await visit.shown(2)).toEqual(["At home", "At home"]);
  expect(origins(visit)).toEqual({ in: [elsewhere], out: [elsewhere] });
  expect(await visit.messages(chatId)).toHaveLength(1);
});

guide("edge-proxy", "what the proxy alone knows arrives with the message", async (stage) => {
  const { server, chatId, elsewhere, open, onTestFinished } = stage;
  const proxy = await startProxy(server.url);
  onTestFinished(() => proxy.stop());
  const visit = await open({ service: elsewhere, proxy: proxy.url });
  await visit.say("Where am I?");
  expect(await visit.shown(2)).toEqual(["Where am I?", "Where am I?"]);
  expect(origins(visit)).toEqual({ in: [proxy.url], out: [elsewhere] });
  const append = `POST /realtime/v1/sessions/${chatId}/in/append`;
  expect(proxy.passed.filter((request) => !request.startsWith("OPTIONS"))).toEqual([append]);
  expect(await visit.messages(chatId)).toMatchObject([{ metadata: { country: "IS" } }]);
  // The page has not said so.
  const [asked] = visit.askedOf(/\/in\/append$/);
  expect(asked?.body).not.toHaveProperty("payload.metadata");
});

guide("fetch-override", "the app adds to every request", async ({ chatId, open }) => {
  const visit = await open();
  await visit.say("Traced");
  expect(await visit.shown(2)).toEqual(["Traced", "Traced"]);
  const requests = visit.askedOf(/^\/realtime\//);
  const traces = new Set(requests.map(({ headers }) => headers["x-app-trace"]));
  expect(traces).toEqual(new Set([`in of ${chatId}`, `out of ${chatId}`]));
  for (const { headers } of requests) expect(headers.authorization).toMatch(/^Bearer /);
  expect(await visit.messages(chatId)).toHaveLength(1);
});

guide("head-start", "the app's route answers first, the session after", async (stage) => {
  const { chatId, open } = stage;
  const visit = await open();
  await visit.say("Good start");
  expect(await visit.shown(2)).toEqual(["Good start", "Good start"]);
  expect(visit.askedOf(/^\/app\/head-start$/)).toHaveLength(1);
  expect(visit.askedOf(/^\/realtime\//)).toEqual([]);
  await visit.say("Goes on");
  expect(await visit.shown(4)).toEqual(["Good start", "Good start", "Goes on", "Goes on"]);
  expect(visit.askedOf(/^\/app\/head-start$/)).toHaveLength(1);
  expect(visit.askedOf(/\/start$/)).toEqual([]);
  expect((await visit.messages(chatId)).at(-1)?.message?.parts).toMatchObject([
    { text: "Goes on" },
  ]);
});

/** The app's proxy, for whoever is signed in. */
function proxyTo(service: string) {
  const mayUse = (cookie: string | null) => cookie === COOKIE;
  return chatProxy({ service, secretKey: "tr_dev_test", mayUse });
}

guide(
  "event-source",
  "a cookie that is refused is renewed, and no token is sent",
  async (stage) => {
    const { server, chatId, onTestFinished } = stage;
    const site = await startSite(server.url, proxyTo(server.url));
    onTestFinished(() => site.stop());
    const there = { ...server, url: site.url };
    const visit = await Visit.open(browser, there, "event-source", { chat: chatId });
    onTestFinished(() => visit.close());
    visit.watchman.expect(/status of 401/);
    await visit.say("By cookie");
    expect(await visit.shown(2)).toEqual(["By cookie", "By cookie"]);
    expect(visit.askedOf(/^\/sign-in$/)).toHaveLength(1);
    await visit.say("And again");
    expect(await visit.shown(4)).toEqual(["By cookie", "By cookie", "And again", "And again"]);
    expect(visit.askedOf(/^\/sign-in$/)).toHaveLength(1);
    expect(visit.watchman.tokensSeen).toBe(0);
    expect(await visit.messages(chatId)).toHaveLength(2);
  },
);

test("the proxy for `EventSource` passes on what is allowed, and says settled", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  await server.createSession("a/b");
  const proxy = proxyTo(server.url);
  const channel = "http://app.test/chat/realtime/v1/sessions/a%2Fb";
  const ask = (path: string, init: RequestInit = {}) =>
    proxy(new Request(channel + path, { ...init, headers: { Cookie: COOKIE, ...init.headers } }));

  const message = { id: "m", role: "user", parts: [{ type: "text", text: "hello" }] };
  const payload = { chatId: "a/b", trigger: "submit-message", message, metadata: { paceMs: 0 } };
  const body = JSON.stringify({ kind: "message", payload });
  const sent = { method: "POST", body, headers: { "X-Part-Id": "part" } };
  expect(await (await ask("/in/append", sent)).json()).toEqual({ ok: true, seq: 0 });
  expect(await (await ask("/in/append", sent)).json()).toEqual({ ok: true });
  const landed = await (await ask("/in/records?afterEventId=0")).json();
  expect(landed).toEqual({ records: [] });

  await eventually("the end of the turn", () => server.settledOutput("a/b"));
  const stream = { headers: { Accept: "text/event-stream" } };
  const peeked = await ask("/out?peekSettled=1&lastEventId=1", stream);
  expect(peeked.headers.get("Content-Type")).toBe("text/event-stream");
  const text = await peeked.text();
  expect(text).toMatch(/^event: settled\ndata: true\n\nevent: batch\n/);
  expect(text).toContain('{"records":[{"seq_num":2,');
  expect(text).toMatch(/\n\ndata: \[DONE\]\n\n$/);
  expect(await (await ask("/out?timeoutSeconds=1", stream)).text()).toMatch(/^event: batch\n/);

  expect((await ask("/out", { headers: { ...stream.headers, Cookie: "user=eve" } })).status).toBe(
    401,
  );
  expect((await ask("/close")).status).toBe(404);
  expect((await ask("/out?timeoutSeconds=0", stream)).status).toBe(400);
});

/** Where the page has sent its session's requests. */
function origins(visit: Visit): { in: string[]; out: string[] } {
  const of = (path: RegExp) => [...new Set(visit.askedOf(path).map(({ url }) => url.origin))];
  return { in: of(/\/in\//), out: of(/\/out$/) };
}

guide("multi-tab", "one tab speaks, and another one follows it", async (stage) => {
  const { server, model, chatId, open } = stage;
  await server.createSession(chatId, "model");
  const owner = await open();
  const other = await owner.beside();
  await owner.say("a lighthouse");
  const answer = await model.talk();
  await owner.isAnswering();
  const late = await owner.beside();
  for (const { page } of [other, late]) {
    await page.getByText("This chat is active in another tab.").waitFor();
    expect(await page.getByLabel("Message").isDisabled()).toBe(true);
    await page.getByText("a lighthouse").first().waitFor();
    await page.locator("article.assistant").waitFor();
  }
  answer.end();
  const shown = ["a lighthouse", await told(server, chatId)];
  for (const visit of [owner, other, late]) await visit.comesToShow(shown);
  await late.page.getByPlaceholder("Type a message...").waitFor();
  await late.say("another one");
  const next = await model.talk();
  await owner.page.getByPlaceholder("Active in another tab").waitFor();
  next.end();
  await owner.page.getByPlaceholder("Type a message...").waitFor();
  const whole = [...shown, "another one", await told(server, chatId)];
  for (const visit of [owner, other, late]) await visit.comesToShow(whole);
});

test("each section of the guide that has code has its page, and each page its test", () => {
  expect(Object.values(sections).sort()).toEqual([...snippets].sort());
  expect([...driven].sort()).toEqual([...snippets].sort());
});

test("the pages take the agents' types, and none of their code", () => {
  const taken = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  expect(taken.filter((path) => path.includes("pkg/react.js"))).toHaveLength(modes.length);
  expect(taken.filter((path) => /app\/agents|@trigger\.dev/.test(path))).toEqual([]);
});
