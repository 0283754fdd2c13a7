// Answers by `EventSource` in a real browser, against a proxy that goes by a cookie: what only a browser
// can show. What faults do to such a page, `chaos/` shows.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page, Request } from "playwright-core";
import type { ChatSessionPersistedState, ChatTransport } from "trigger-chat-transport";
import { afterAll, test as anyTest, beforeAll, expect, vi } from "vitest";
import { eventually, ServerRecords } from "./demo-support";
import { launchBrowser } from "./support/browser";
import { BUILD_TIMEOUT_MS, type SessionServer, startServer } from "./support/server";

vi.setConfig({ testTimeout: 300_000 });

const packageFolder = fileURLToPath(new URL("../../pkg", import.meta.url));

/** What the page has: a transport, and streams that are read when the test says so. */
declare global {
  var transport: ChatTransport;
  var isSignedIn: boolean;
  var tokensAsked: number;
  var send: (text: string, metadata: object) => Promise<Reading>;
  var resume: () => Promise<Reading | null>;
  var reading: Reading;
}

/** A stream, and what of it was read. */
interface Reading {
  text: string;
  end: Promise<string>;
  read(): void;
}

/** Runs in the page. A session is stored as an app would, for the next page load. */
const script = `
  import { ChatTransport } from "/index.js";
  const signIn = () => fetch("/proxy/sign-in", { method: "POST" });
  const post = async (path, body) => {
    const init = { method: "POST", body: JSON.stringify(body) };
    return (await fetch("/app/chats/chat/" + path, init)).json();
  };
  const stored = JSON.parse(sessionStorage.getItem("session"));
  globalThis.isSignedIn = true;
  globalThis.tokensAsked = 0;
  globalThis.transport = new ChatTransport({
    task: "story",
    baseURL: "/proxy",
    streamSource: "eventsource",
    accessToken: async () => {
      tokensAsked += 1;
      if (isSignedIn) await signIn();
      return "a cookie";
    },
    startSession: async ({ taskId, clientData }) => {
      await post("start", { taskId, clientData });
      if (isSignedIn) await signIn();
      return { publicAccessToken: "a cookie" };
    },
    sessions: stored ? { chat: stored } : {},
    onSessionChange: (_, session) => sessionStorage.setItem("session", JSON.stringify(session)),
  });
  const textsOf = async (stream, reading) => {
    try {
      for await (const chunk of stream) {
        if (chunk.type === "text-delta") reading.text += chunk.delta;
      }
      return "closed";
    } catch (error) {
      return error.name + " " + error.status;
    }
  };
  const readingOf = (stream) => {
    const reading = { text: "" };
    reading.end = new Promise((resolve) => {
      reading.read = () => resolve(textsOf(stream, reading));
    });
    globalThis.reading = reading;
    return reading;
  };
  globalThis.send = async (text, metadata) => {
    const messages = [{ id: "m", role: "user", parts: [{ type: "text", text }] }];
    const call = { trigger: "submit-message", chatId: "chat", messages, metadata };
    return readingOf(await transport.sendMessages(call));
  };
  globalThis.resume = async () => {
    const stream = await transport.reconnectToStream({ chatId: "chat" });
    return stream && readingOf(stream);
  };
`;

let site: string;
let browser: Browser;

beforeAll(async () => {
  site = mkdtempSync(join(tmpdir(), "event-source-"));
  cpSync(packageFolder, site, { recursive: true });
  const head = '<!doctype html><title>By EventSource</title><link rel="icon" href="data:,">';
  writeFileSync(join(site, "index.html"), `${head}<script type="module">${script}</script>`);
  browser = await launchBrowser();
  // The first one is compiled where that is due.
  await (await startServer()).stop();
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await browser?.close();
  rmSync(site, { recursive: true, force: true });
});

/** An open page, its server, and the requests for streams that it has made. */
interface Stage {
  page: Page;
  server: SessionServer;
  streams: Request[];
  requests: Request[];
  /** The streams that are not open any more. */
  ended: Set<Request>;
}

const test = anyTest.extend<{ stage: Stage }>({
  stage: async ({ onTestFinished }, use) => {
    const server = await startServer({ page: site });
    onTestFinished(() => server.stop());
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const requests: Request[] = [];
    const streams: Request[] = [];
    const ended = new Set<Request>();
    page.on("request", (request) => {
      requests.push(request);
      if (new URL(request.url()).pathname.endsWith("/out")) streams.push(request);
    });
    page.on("requestfinished", (request) => ended.add(request));
    page.on("requestfailed", (request) => ended.add(request));
    await page.goto(server.url);
    await isLoaded(page);
    await use({ page, server, streams, requests, ended });
  },
});

async function isLoaded(page: Page): Promise<void> {
  await page.waitForFunction(() => "resume" in globalThis);
}

/** Sends a message whose answer is a story. */
async function ask(page: Page, words: number, paceMs: number): Promise<void> {
  await page.evaluate((metadata) => send("A story, please.", metadata), {
    words,
    paceMs,
  });
}

/** Reads the answer, and waits for its beginning. */
async function isAnswering(page: Page): Promise<void> {
  await page.evaluate(() => reading.read());
  await page.waitForFunction(() => reading.text.length > 40);
}

async function hasEnded(page: Page): Promise<string> {
  return page.evaluate(() => reading.end);
}

/** The page has the answer as the agent wrote it. */
async function isWhole({ page, server }: Stage): Promise<void> {
  expect(await hasEnded(page)).toBe("closed");
  const { text } = await new ServerRecords(server).lastTurn("chat");
  expect(text).not.toBe("");
  expect(await page.evaluate(() => reading.text)).toBe(text);
}

test("a conversation goes by a cookie that no script sees, and by no token", async ({ stage }) => {
  const { page, requests, streams } = stage;
  for (let turn = 0; turn < 2; turn++) {
    await ask(page, 60, 2);
    await page.evaluate(() => reading.read());
    await isWhole(stage);
  }
  expect(streams.map((request) => request.resourceType())).toEqual(["eventsource", "eventsource"]);
  expect(requests.map((request) => request.headers().authorization).filter(Boolean)).toEqual([]);
  expect(await page.evaluate(() => document.cookie)).toBe("");
  const { lastEventId } = await page.evaluate<ChatSessionPersistedState>(() =>
    JSON.parse(sessionStorage.getItem("session") ?? ""),
  );
  const [first, second] = streams.map((request) => new URL(request.url()).searchParams);
  expect(Object.fromEntries(first ?? [])).toEqual({ timeoutSeconds: "120" });
  expect(Number(second?.get("lastEventId"))).toBeLessThan(Number(lastEventId));
});

test("a page that is loaded anew shows the answer whole, and then nothing", async ({ stage }) => {
  const { page, server, streams } = stage;
  await server.order({ on: "subscribe", stallAfterBytes: 4_000, pings: true });
  await ask(page, 120, 5);
  await isAnswering(page);
  await page.reload();
  await isLoaded(page);
  await page.evaluate(() => resume().then(() => reading.read()));
  await isWhole(stage);

  // An app that has stored no more than the token has the service asked.
  await page.evaluate(() => sessionStorage.setItem("session", '{"publicAccessToken":"a cookie"}'));
  await page.reload();
  await isLoaded(page);
  await page.evaluate(() => resume().then(() => reading.read()));
  expect(await hasEnded(page)).toBe("closed");
  expect(streams.at(-1)?.url()).toContain("peekSettled=1");
});

test("an answer whose connection is lost goes on", async ({ stage }) => {
  const { page, server, streams } = stage;
  await server.order({ on: "subscribe", cutAfterBytes: 4_000 });
  await ask(page, 120, 5);
  await isAnswering(page);
  await isWhole(stage);
  expect(streams.map((request) => request.resourceType())).toEqual(["eventsource", "eventsource"]);
});

test("a cookie that is refused is renewed", async ({ stage }) => {
  const { page, server, streams } = stage;
  await server.order({ on: "subscribe", stallAfterBytes: 4_000, pings: true });
  await ask(page, 120, 5);
  await isAnswering(page);
  await server.expireTokens();
  // The stream has stayed open; this makes the page connect anew.
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await isWhole(stage);
  expect(await page.evaluate(() => tokensAsked)).toBe(1);
  expect(streams.map((request) => request.resourceType())).toContain("fetch");
});

test("a refusal for good reaches the app with its status", async ({ stage }) => {
  const { page, server } = stage;
  await ask(page, 30, 0);
  await page.evaluate(() => reading.read());
  await isWhole(stage);
  await server.order({ on: "subscribe", status: 410, times: null });
  await ask(page, 30, 0);
  await page.evaluate(() => reading.read());
  expect(await hasEnded(page)).toBe("TriggerApiError 410");
});

test("who is not signed in is told so", async ({ stage }) => {
  const { page } = stage;
  await page.evaluate(() => {
    isSignedIn = false;
  });
  const refused = await page.evaluate(() =>
    send("Anybody there?", {}).catch((error) => `${error.name} ${error.status}`),
  );
  expect(refused).toBe("TriggerApiError 401");
  expect(await page.evaluate(() => tokensAsked)).toBe(1);
});

test("what is not read is left at the service, and fetched later", async ({ stage }) => {
  const { page, server, streams, ended } = stage;
  await ask(page, 20_000, 0);
  await eventually("the end of the first connection", async () => {
    const [first] = streams;
    return first !== undefined && ended.has(first);
  });
  expect(await page.evaluate(() => reading.text)).toBe("");
  await eventually("the end of the turn", () => server.settledOutput("chat"));
  expect(streams).toHaveLength(1);
  await page.evaluate(() => reading.read());
  await isWhole(stage);
  expect(streams.length).toBeGreaterThan(1);
});

test("a stop ends the answer and its connection", async ({ stage }) => {
  const { page, streams, ended } = stage;
  await ask(page, 20_000, 20);
  await isAnswering(page);
  expect(await page.evaluate(() => transport.stopGeneration("chat"))).toBe(true);
  expect(await hasEnded(page)).toBe("closed");
  await eventually("the end of its connection", async () =>
    streams.every((request) => ended.has(request)),
  );
});
