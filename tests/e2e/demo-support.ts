// How the tests of the demo page drive it, what they read from the server to compare it with, the
// watchman that looks for tokens, and a stand-in for a model.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { UIMessage } from "ai";
import { createParser } from "eventsource-parser";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { launchBrowser } from "./support/browser";
import { BUILD_TIMEOUT_MS, type Fault, type ServerCalls, startServer } from "./support/server";

export const repository = fileURLToPath(new URL("../..", import.meta.url));

/** How long a state may take to come about. Only a fault takes this long. */
const PATIENCE_MS = 120_000;

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "demo-"));
}

/**
 * Builds an example's page into a folder of its own, so that nobody who builds it too is in the way. In
 * development React's StrictMode runs every effect twice.
 */
export function buildPage(
  mode: "production" | "development",
  folder: string,
  example = "chat",
): void {
  const args = [
    "build",
    "--mode",
    mode,
    "--outDir",
    folder,
    "--emptyOutDir",
    "--logLevel",
    "error",
  ];
  execFileSync("vite", args, {
    cwd: join(repository, "examples", example),
    env: {
      ...process.env,
      NODE_ENV: mode,
      PATH: `${join(repository, "node_modules/.bin")}:${process.env.PATH}`,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** Waits until `read` gives something, or a condition holds. */
export async function eventually<T>(
  what: string,
  read: () => Promise<T | undefined | false>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > until) throw new Error(`never came about: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

// What the server has

/** A turn as the records of `.out` tell it. */
export type Turn = {
  messageId: string | undefined;
  reasoning: string;
  text: string;
  wasAborted: boolean;
};

type Chunk = { type: string; messageId?: string; delta?: string };
type OutRecord = { headers?: [string, string][]; body?: string };
type InputChunk = { kind: string; payload?: { trigger?: string } };

/** Reads what the server keeps, past the page and past the transport. */
export class ServerRecords {
  #server: ServerCalls;

  constructor(server: ServerCalls) {
    this.#server = server;
  }

  /** What the app has stored of a chat; none when there is no such chat. */
  async stored(chatId: string): Promise<{ messages: UIMessage[] } | undefined> {
    const response = await fetch(`${this.#server.url}/app/chats/${chatId}`);
    if (response.status === 404) return undefined;
    expect(response.status).toBe(200);
    return response.json();
  }

  async isGone(chatId: string): Promise<void> {
    await eventually(`the end of the chat ${chatId}`, async () => !(await this.stored(chatId)));
  }

  /** The turns that `.out` still holds, once all are over: after each, the one before is trimmed. */
  async turns(chatId: string): Promise<Turn[]> {
    const token = await this.#server.mintToken(chatId);
    const body = await eventually(`the end of all turns of ${chatId}`, async () => {
      const response = await fetch(`${this.#server.url}/realtime/v1/sessions/${chatId}/out`, {
        headers: {
          Accept: "text/event-stream",
          Authorization: `Bearer ${token}`,
          "X-Peek-Settled": "1",
        },
      });
      expect(response.status).toBe(200);
      if (response.headers.get("X-Session-Settled") === "true") return response.text();
      await response.body?.cancel();
      return undefined;
    });
    return turnsOf(body);
  }

  async lastTurn(chatId: string): Promise<Turn> {
    const turn = (await this.turns(chatId)).at(-1);
    if (!turn) throw new Error(`no turn was written in ${chatId}`);
    return turn;
  }

  /** The last of `questions` turns, once it is over and the page has stored it byte for byte. */
  async storedTurn(chatId: string, questions: number): Promise<Turn> {
    const messages = await this.storedMessages(chatId, questions * 2);
    const turn = await this.lastTurn(chatId);
    expect(turn.text).not.toBe("");
    const answer = messages.at(-1);
    expect(textOf(answer)).toBe(turn.text);
    expect(answer?.id).toBe(turn.messageId);
    return turn;
  }

  /** The stored messages, as soon as there are this many: questions and answers in turns. */
  async storedMessages(chatId: string, count: number): Promise<UIMessage[]> {
    const messages = await eventually(`${count} stored messages`, async () => {
      const messages = (await this.stored(chatId))?.messages;
      return messages && messages.length >= count ? messages : undefined;
    });
    const roles = messages.map((message) => message.role);
    expect(roles).toEqual(roles.map((_, index) => (index % 2 ? "assistant" : "user")));
    expect(messages).toHaveLength(count);
    expect(new Set(messages.map((message) => message.id)).size).toBe(count);
    return messages;
  }

  /** What has landed in `.in`: the kinds of the records, messages by their trigger. */
  async inputs(chatId: string): Promise<string[]> {
    const records = (await this.#server.inputs(chatId)) as { data: InputChunk }[];
    return records.map(({ data }) => data.payload?.trigger ?? data.kind);
  }
}

function turnsOf(body: string): Turn[] {
  const turns: Turn[] = [];
  let chunks: Chunk[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event !== "batch") return;
      for (const record of JSON.parse(data).records as OutRecord[]) {
        const [name, value] = record.headers?.[0] ?? [];
        if (name === "trigger-control" && value === "turn-complete") {
          // The boundary of a turn that was trimmed away has nothing before it.
          if (chunks.length === 0) continue;
          turns.push({
            messageId: chunks.find((chunk) => chunk.type === "start")?.messageId,
            reasoning: deltasOf(chunks, "reasoning-delta"),
            text: deltasOf(chunks, "text-delta"),
            wasAborted: chunks.some((chunk) => chunk.type === "abort"),
          });
          chunks = [];
        } else if (name === undefined && record.body) {
          chunks.push(JSON.parse(record.body).data);
        }
      }
    },
  });
  parser.feed(body);
  return turns;
}

function deltasOf(chunks: Chunk[], type: "reasoning-delta" | "text-delta"): string {
  return chunks.map((chunk) => (chunk.type === type ? chunk.delta : "")).join("");
}

export function textOf(
  message: UIMessage | undefined,
  type: "reasoning" | "text" = "text",
): string {
  return (message?.parts ?? []).map((part) => (part.type === type ? part.text : "")).join("");
}

// The model

/**
 * Stands in for a model's server. Each request waits for the test, which says what the model says and
 * when.
 */
export class ModelStandIn {
  #server: Server;
  #requests: ServerResponse[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ModelStandIn> {
    const server = createServer();
    const model = new ModelStandIn(server);
    server.on("request", (request, response) => {
      request.resume();
      model.#requests.push(response);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    return model;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The flags of a session server that has this model. */
  flags(name: string): string[] {
    return ["--model-url", `http://${this.host}/v1`, "--model", name];
  }

  /** The next request, as soon as it is here. */
  request(patienceMs?: number): Promise<ModelRequest> {
    const next = async () => {
      const response = this.#requests.shift();
      return response && new ModelRequest(response);
    };
    return eventually("a request to the model", next, patienceMs);
  }

  /** Answers the next request with word after word, until the test ends it or nobody listens any more. */
  async talk(): Promise<ModelRequest> {
    const request = await this.request();
    request.talk();
    return request;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** A story that takes longer than any test: for an answer that is stopped. */
export const ENDLESS = "Tell me a story: 20000 words, 30 ms";

/** The pause between two words of a model that talks. */
const TALK_PACE_MS = 30;

/** Words without end, with letters of one to four bytes and Markdown; no two sentences are the same. */
function* waves(): Generator<string> {
  for (let wave = 1; ; wave += 1) {
    yield* ["Wave ", `${wave} `, "brings ", "Grüße, ", "**日本語** ", "and ", "🌊 ", "ashore.\n\n"];
  }
}

/** A request to the model that waits for its answer. */
export class ModelRequest {
  #response: ServerResponse;
  #talking: ReturnType<typeof setInterval> | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.once("close", () => clearInterval(this.#talking));
  }

  /** The port that the server asks from. */
  get port(): number {
    return this.#response.socket?.remotePort ?? 0;
  }

  refuse(status: number, reason: string): void {
    const kind = { "Content-Type": "application/json" };
    this.#response.writeHead(status, kind).end(JSON.stringify({ error: { message: reason } }));
  }

  think(words: string): void {
    this.#send({ delta: { reasoning_content: words } });
  }

  say(words: string): void {
    this.#send({ delta: { content: words } });
  }

  /** Says word after word, until it is to end or nobody listens any more. */
  talk(): void {
    const words = waves();
    const sayNext = () => this.say(words.next().value);
    sayNext();
    this.#talking = setInterval(sayNext, TALK_PACE_MS);
  }

  end(): void {
    clearInterval(this.#talking);
    this.#send({ delta: {}, finish_reason: "stop" });
    this.#response.end("data: [DONE]\n\n");
  }

  #send(choice: object): void {
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, { "Content-Type": "text/event-stream" });
    }
    this.#response.write(`data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`);
  }
}

// The watchman

const jsonWebToken = /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/;

/**
 * Watches all pages of a context: no token may show up in a URL, a console line or the DOM, and no
 * page may report an error.
 */
export class Watchman {
  #context: BrowserContext;
  #expected: RegExp[] = [];
  #found: string[] = [];
  /** How many tokens went by where they belong: a watchman that sees none proves nothing. */
  tokensSeen = 0;

  constructor(context: BrowserContext) {
    this.#context = context;
    context.on("request", (request) => {
      this.#look("a URL", request.url());
      if (jsonWebToken.test(request.headers().authorization ?? "")) this.tokensSeen += 1;
    });
    context.on("console", (message) => {
      this.#look("a console line", message.text());
      if (message.type() === "error") this.#report(`The console says: ${message.text()}`);
    });
    context.on("weberror", (error) => this.#report(`A page failed: ${error.error().stack}`));
  }

  /** What a test does to the page may make it complain. */
  expect(complaint: RegExp): void {
    this.#expected.push(complaint);
  }

  /** Looks at the pages as they are now. */
  async look(): Promise<void> {
    for (const page of this.#context.pages()) {
      this.#look("the address", page.url());
      const kept = () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]);
      this.#look("the page's storage", await page.evaluate(kept));
      this.#look("the DOM", await page.content());
    }
  }

  findings(): string[] {
    return this.#found;
  }

  #look(place: string, text: string): void {
    if (jsonWebToken.test(text)) this.#report(`A token shows up in ${place}.`);
  }

  #report(finding: string): void {
    if (!this.#expected.some((complaint) => complaint.test(finding))) this.#found.push(finding);
  }
}

// The page

export type Setting = {
  /** The folder of the built page. */
  page: string;
  db?: string;
  viewport?: { width: number; height: number };
};

/** What the model is called that the demo's server has. */
export const MODEL = "parrot:1b";

/** A server, its model and the open page. Whatever the test does to them, the watchman has the last word. */
export async function openDemo(
  browser: Browser,
  onTestFinished: TestContext["onTestFinished"],
  { page, db = ":memory:", viewport }: Setting,
) {
  const model = await ModelStandIn.start();
  onTestFinished(() => model.stop());
  const flags = model.flags(MODEL);
  let server = await startServer({ page, db, flags });
  onTestFinished(() => server.stop());
  const demo = await Demo.open(browser, server, model, viewport);
  onTestFinished(() => demo.close());
  const { url, port } = server;
  const kill = () => server.stop("SIGKILL");
  const restart = async () => {
    server = await startServer({ page, db, flags, port });
  };
  const closeSession = (chatId: string, reason?: string) => server.closeSession(chatId, reason);
  const order = (...faults: Fault[]) => server.order(...faults);
  const dropConnections = () => server.restart();
  return Object.assign(demo, { url, kill, restart, closeSession, order, dropConnections });
}

/** `test`, with a way to open the demo: the page is built and a browser started for all tests of a file. */
export function demoTest(mode: "production" | "development") {
  const page = temporaryFolder();
  let browser: Browser;
  beforeAll(async () => {
    buildPage(mode, page);
    browser = await launchBrowser();
    // The first one is compiled where that is due.
    await (await startServer()).stop();
  }, BUILD_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    rmSync(page, { recursive: true, force: true });
  });
  return test.extend<{ open: () => ReturnType<typeof openDemo> }>({
    open: ({ onTestFinished }, use) => use(() => openDemo(browser, onTestFinished, { page })),
  });
}

/** The demo page in a browser profile of its own, under the watchman's eyes. */
export class Demo {
  readonly page: Page;
  readonly watchman: Watchman;
  readonly server: ServerRecords;
  readonly model: ModelStandIn;

  private constructor(page: Page, watchman: Watchman, server: ServerRecords, model: ModelStandIn) {
    this.page = page;
    this.watchman = watchman;
    this.server = server;
    this.model = model;
  }

  static async open(
    browser: Browser,
    server: ServerCalls,
    model: ModelStandIn,
    viewport = { width: 1280, height: 800 },
  ): Promise<Demo> {
    const context = await browser.newContext({ viewport });
    const watchman = new Watchman(context);
    const page = await context.newPage();
    await page.goto(server.url);
    return new Demo(page, watchman, new ServerRecords(server), model);
  }

  async close(): Promise<void> {
    await this.watchman.look();
    await this.page.context().close();
    expect(this.watchman.findings()).toEqual([]);
  }

  /** Opens the same chat in another tab. `prepare` is run in it before the page is. */
  async beside(prepare: () => void = () => {}): Promise<Demo> {
    const page = await this.page.context().newPage();
    await page.addInitScript(prepare);
    await page.goto(this.page.url());
    return new Demo(page, this.watchman, this.server, this.model);
  }

  at(testId: string) {
    return this.page.getByTestId(testId);
  }

  get composer() {
    return this.at("composer");
  }

  get answers() {
    return this.page.locator('[data-testid="message"][data-role="assistant"]');
  }

  get questions() {
    return this.page.locator('[data-testid="message"][data-role="user"]');
  }

  /** The chat that the address names. */
  get chatId(): string {
    const id = new URL(this.page.url()).hash.slice(1);
    if (!id) throw new Error("no chat is open");
    return id;
  }

  /** Begins a chat with its first message, and gives its id. */
  async begin(agent: string, text: string): Promise<string> {
    await this.at("new-chat").click();
    await this.at(`agent-${agent}`).check();
    await this.say(text);
    await this.questions.waitFor();
    return this.chatId;
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Deletes the open chat, or the one whose title is given. */
  async delete(title?: string): Promise<void> {
    const row = this.page.locator(".chat-row", title ? { hasText: title } : { has: this.current });
    await row.hover();
    await row.getByTestId("delete-chat").click();
    await this.page.getByRole("button", { name: "Delete", exact: true }).click();
  }

  /** The open chat's entry in the list. */
  get current() {
    return this.page.locator('[data-testid="chat-item"][aria-current="page"]');
  }

  /** The notice that something went wrong. */
  get notice() {
    return this.page.getByRole("alert");
  }

  /** What the last answer was preceded by: its thoughts, folded. */
  get fold() {
    return this.answers.last().getByTestId("reasoning");
  }

  /** The line that says what the chat is doing. */
  get status() {
    return this.at("status");
  }

  /** The states of the connection from now on, however briefly each of them holds. */
  async connectionStates(): Promise<() => Promise<string[]>> {
    const states = await this.status.evaluateHandle((status) => {
      const states = [status.dataset.connection ?? ""];
      new MutationObserver(() => states.push(status.dataset.connection ?? "")).observe(status, {
        attributeFilter: ["data-connection"],
      });
      return states;
    });
    return () => states.jsonValue();
  }

  /** Waits until this many answers have begun. */
  async hasAnswers(count: number): Promise<void> {
    await this.answers.nth(count - 1).waitFor();
  }

  /**
   * Waits until the answer is being written and this many characters of it show. It has to be one that
   * goes on until the test ends or stops it: what the server's pace ends may be over before the page shows
   * that it has begun.
   */
  async isAnswering(characters = 60): Promise<void> {
    await this.isIn("streaming");
    const last = this.answers.last();
    await eventually(`${characters} characters of an answer`, async () => {
      const text = (await last.count()) > 0 ? await last.innerText() : "";
      return text.length >= characters;
    });
  }

  /** Begins a chat with the model, whose answer is written until the test ends it. */
  async beginTalk(): Promise<{ chatId: string; answer: ModelRequest }> {
    const chatId = await this.begin("model", "Tell me of the sea");
    return { chatId, answer: await this.model.talk() };
  }

  async isIn(status: "ready" | "submitted" | "streaming" | "error"): Promise<void> {
    await this.page.locator(`[data-testid="status"][data-status="${status}"]`).waitFor();
  }

  async reload(): Promise<void> {
    await this.watchman.look();
    await this.page.reload();
  }

  async openChat(chatId: string): Promise<void> {
    await this.page.locator(`[data-testid="chat-item"][href="#${chatId}"]`).click();
  }

  /**
   * The turn that answers the last of `questions` messages, once it is over: the page has stored it
   * as the agent wrote it, byte for byte, and shows each message once.
   */
  async hasWholeAnswers(chatId: string, questions: number): Promise<Turn> {
    const turn = await this.server.storedTurn(chatId, questions);
    await this.isIn("ready");
    expect(await this.questions.count()).toBe(questions);
    expect(await this.answers.count()).toBe(questions);
    return turn;
  }

  storedMessages(chatId: string, count: number): Promise<UIMessage[]> {
    return this.server.storedMessages(chatId, count);
  }
}
