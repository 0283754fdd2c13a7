// Real tabs in one browser, over one service, and what a test does in them. The test is the model as
// well: an answer goes on when the test says so, and never by the clock.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, BrowserContext, Page } from "puppeteer-core";
import { type ModelRequest, ModelStandIn } from "../demo-support";
import { type BrowserName, launchTabBrowser } from "../support/browser";
import { type SessionServer, startServer } from "../support/server";
import { withoutNode } from "../support/without-node";
import type { ClientName, Setup, View } from "./page/contract";

const POLL_MS = 20;

/** How long a state may take to come about. Only a fault takes this long. */
const PATIENCE_MS = 120_000;

/**
 * The same for a state that a client may not promise. The published one forgets an owner that fell silent
 * within 15 s.
 */
const DOUBTFUL_PATIENCE_MS = 20_000;

/** How a tab differs from one that has Web Locks and takes part in no race. */
export type Kind = Partial<Setup> & { client: ClientName };

/** A browser, the model, and a server with the page. */
export class Stage {
  readonly model: ModelStandIn;
  readonly server: SessionServer;
  #browser: Browser;
  #folder: string;
  #scenes = 0;

  private constructor(
    browser: Browser,
    model: ModelStandIn,
    server: SessionServer,
    folder: string,
  ) {
    this.model = model;
    this.server = server;
    this.#browser = browser;
    this.#folder = folder;
  }

  static async open(name: BrowserName): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), "tabs-"));
    await buildPage(folder);
    const model = await ModelStandIn.start();
    const server = await startServer({ page: folder, flags: model.flags("stand-in") });
    return new Stage(await launchTabBrowser(name), model, server, folder);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.server.stop();
    this.model.stop();
    rmSync(this.#folder, { recursive: true });
  }

  /** Plays with a new chat, in tabs that have nothing to do with those of any other scene. */
  async scene<Result>(play: (scene: Scene) => Promise<Result>): Promise<Result> {
    this.#scenes += 1;
    const context = await this.#browser.createBrowserContext();
    const scene = new Scene(this, context, `chat-${this.#scenes}`);
    try {
      const result = await play(scene);
      if (scene.problems.length > 0) throw new Error(scene.problems.join("\n"));
      return result;
    } finally {
      await context.close();
    }
  }
}

/** A chat and the tabs that show it. */
export class Scene {
  readonly chat: string;
  /** What tabs of this package have complained of. */
  readonly problems: string[] = [];
  #stage: Stage;
  #context: BrowserContext;

  constructor(stage: Stage, context: BrowserContext, chat: string) {
    this.#stage = stage;
    this.#context = context;
    this.chat = chat;
  }

  /** Opens the chat in a new tab. */
  async open(kind: Kind): Promise<Tab> {
    const setup: Setup = { chat: this.chat, hasLocks: true, isRacing: false, ...kind };
    const page = await this.#newPage();
    if (kind.client === "ours") this.#listen(page);
    const query = new URLSearchParams({ setup: JSON.stringify(setup) });
    await page.goto(`${this.#stage.server.url}/?${query}`);
    const tab = new Tab(page, kind.client);
    await tab.isThere();
    return tab;
  }

  /** Opens this many, at once. */
  openAll(count: number, kind: Kind): Promise<Tab[]> {
    return Promise.all(Array.from({ length: count }, () => this.open(kind)));
  }

  /** Opens a page that counts what goes over the channel. */
  async openCounter(): Promise<() => Promise<Record<string, number>>> {
    const page = await this.#newPage();
    await page.goto(this.elsewhere);
    await page.evaluate(() => {
      globalThis.bytes = {};
      new BroadcastChannel("trigger-chat-tab-coord").onmessage = ({ data }) => {
        bytes[data.type] = (bytes[data.type] ?? 0) + JSON.stringify(data).length;
      };
    });
    return () => page.evaluate(() => globalThis.bytes);
  }

  /** Another page of the same origin, without a chat. */
  get elsewhere(): string {
    return `${this.#stage.server.url}/elsewhere.html`;
  }

  /** The answer that the agent is asked for next, as soon as it is. */
  answer(): Promise<ModelRequest> {
    return this.#stage.model.request(PATIENCE_MS);
  }

  /** How many messages have landed at the service. */
  async messagesAtService(): Promise<number> {
    return (await this.#stage.server.inputs(this.chat)).length;
  }

  async #newPage(): Promise<Page> {
    const page = await this.#context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    return page;
  }

  #listen(page: Page): void {
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.problems.push(message.text());
    });
  }
}

/** A page with the chat. */
export class Tab {
  readonly page: Page;
  #client: ClientName;

  constructor(page: Page, client: ClientName) {
    this.page = page;
    this.#client = client;
  }

  /** Waits until the chat is on the page. */
  async isThere(): Promise<void> {
    await this.page.waitForFunction(() => globalThis.tab !== undefined, { polling: POLL_MS });
  }

  view(): Promise<View> {
    return this.page.evaluate(() => globalThis.tab.view());
  }

  /** Sends a message, at that time by the clock, or at once. */
  async send(text: string, at?: number): Promise<void> {
    await this.page.evaluate((text, at) => globalThis.tab.send(text, at), text, at);
  }

  async resume(): Promise<void> {
    await this.page.evaluate(() => globalThis.tab.resume());
  }

  // What becomes of it

  /** Waits until it is so. */
  async until(what: string, isSo: (view: View) => boolean): Promise<View> {
    const view = await this.#wait(PATIENCE_MS, isSo);
    if (isSo(view)) return view;
    throw new Error(`never came about: ${what}. The tab: ${JSON.stringify(view)}`);
  }

  /** Whether it comes to be so. The published client is given up, sooner than ours. */
  async comesTo(
    isSo: (view: View) => boolean,
    doubtfulPatienceMs = DOUBTFUL_PATIENCE_MS,
  ): Promise<boolean> {
    const patienceMs = this.#client === "ours" ? PATIENCE_MS : doubtfulPatienceMs;
    return isSo(await this.#wait(patienceMs, isSo));
  }

  async #wait(patienceMs: number, isSo: (view: View) => boolean): Promise<View> {
    const until = Date.now() + patienceMs;
    for (;;) {
      const view = await this.view();
      if (isSo(view) || Date.now() > until) return view;
      await wait(POLL_MS);
    }
  }

  // What becomes of its page

  /** Goes back to the chat from another page. */
  async goBack(): Promise<void> {
    // The browser's own way: the driver's would wait for a page to load.
    await this.page.evaluate(() => history.back());
    await this.isThere();
  }

  // What only Chromium can be told

  async crash(): Promise<void> {
    const session = await this.page.createCDPSession();
    // Nobody is left to answer.
    session.send("Page.crash").catch(() => {});
    await new Promise((crashed) => this.page.once("error", crashed));
  }

  async freeze(): Promise<void> {
    await this.#setLifecycle("frozen");
  }

  async wake(): Promise<void> {
    await this.#setLifecycle("active");
  }

  async #setLifecycle(state: "frozen" | "active"): Promise<void> {
    const session = await this.page.createCDPSession();
    await session.send("Page.setWebLifecycleState", { state });
    await session.detach();
  }
}

async function buildPage(folder: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL("page/main.tsx", import.meta.url))],
    outfile: join(folder, "page.js"),
    bundle: true,
    format: "esm",
    jsx: "automatic",
    plugins: [withoutNode],
    // As apps are developed: StrictMode runs every effect twice.
    define: { "process.env.NODE_ENV": '"development"' },
    // React's directive means nothing in one bundle of a page.
    logOverride: { "ignored-directive": "silent" },
  });
  const head = '<!doctype html><meta charset="utf-8" /><link rel="icon" href="data:," />';
  writeFileSync(join(folder, "elsewhere.html"), `${head}<title>Elsewhere</title>`);
  writeFileSync(
    join(folder, "index.html"),
    `${head}<title>A tab</title><body><script type="module">
      const { hasLocks } = JSON.parse(new URLSearchParams(location.search).get("setup"));
      if (!hasLocks) delete Navigator.prototype.locks;
      await import("/page.js");
    </script>`,
  );
}
