// The pages of the guide: built, opened in a browser of their own profile, and listened to.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { UIMessage } from "ai";
import { build, type Metafile } from "esbuild";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import type { ChatInputChunk, ChatTaskWirePayload } from "trigger-chat-transport";
import { expect } from "vitest";
import { eventually, Watchman } from "../demo-support";
import type { SessionServer } from "../support/server";

const folder = fileURLToPath(new URL("snippets", import.meta.url));

/** What the guide shows, each a page of its own. */
export const snippets = readdirSync(folder).map((file) => basename(file, ".tsx"));

/** Each page has an address of its own, which the server answers with this. */
const frame = `<!doctype html><meta charset="utf-8"><title>The guide</title>
<link rel="icon" href="data:,"><body>
<script type="module">import(location.pathname + ".js")</script>`;

/** Builds every page into a folder; gives what went into them. */
export async function buildPages(
  mode: "production" | "development",
  outdir: string,
): Promise<Metafile> {
  mkdirSync(outdir, { recursive: true });
  writeFileSync(join(outdir, "index.html"), frame);
  const { metafile } = await build({
    entryPoints: snippets.map((name) => join(folder, `${name}.tsx`)),
    outdir,
    bundle: true,
    format: "esm",
    splitting: true,
    metafile: true,
    define: { "process.env.NODE_ENV": JSON.stringify(mode) },
    // React's directive means nothing in one bundle of a page, and esbuild says so.
    logOverride: { "ignored-directive": "silent" },
  });
  return metafile;
}

/** A request that the page has made. */
export type Asked = { method: string; url: URL; headers: Record<string, string>; body: unknown };

type Message = ChatTaskWirePayload<UIMessage, Record<string, unknown>>;

/** An open page of the guide, under a watchman's eyes. */
export class Visit {
  readonly page: Page;
  readonly watchman: Watchman;
  /** What the page has asked of any server, in order. */
  readonly asked: Asked[] = [];
  #server: SessionServer;

  private constructor(page: Page, watchman: Watchman, server: SessionServer) {
    this.page = page;
    this.watchman = watchman;
    this.#server = server;
    page.on("request", (request) => {
      const body: unknown = request.method() === "GET" ? undefined : request.postDataJSON();
      const url = new URL(request.url());
      this.asked.push({ method: request.method(), url, headers: request.headers(), body });
    });
  }

  static async open(
    browser: Browser,
    server: SessionServer,
    snippet: string,
    settings: Record<string, string> = {},
  ): Promise<Visit> {
    const context: BrowserContext = await browser.newContext();
    const watchman = new Watchman(context);
    await context.addInitScript(() => {
      // The service is on this machine.
      const { fetch } = globalThis;
      globalThis.fetch = (input, init) =>
        fetch(String(input).replace("https://api.trigger.dev", location.origin), init);
    });
    const visit = new Visit(await context.newPage(), watchman, server);
    await visit.page.goto(`${server.url}/${snippet}?${new URLSearchParams(settings)}`);
    return visit;
  }

  /** Opens the same page in another tab. */
  async beside(): Promise<Visit> {
    const visit = new Visit(await this.page.context().newPage(), this.watchman, this.#server);
    await visit.page.goto(this.page.url());
    return visit;
  }

  async close(): Promise<void> {
    await this.watchman.look();
    await this.page.context().close();
    expect(this.watchman.findings()).toEqual([]);
  }

  async say(text: string): Promise<void> {
    await this.page.getByLabel("Message").fill(text);
    await this.press("Send");
  }

  async press(button: string): Promise<void> {
    await this.page.getByRole("button", { name: button }).click();
  }

  get answers(): Locator {
    return this.page.locator("article.assistant");
  }

  async isIn(status: "ready" | "submitted" | "streaming" | "error"): Promise<void> {
    await this.page.locator("output", { hasText: new RegExp(`^${status}$`) }).waitFor();
  }

  /** Waits until the page shows so many messages, and the last of them is whole; gives their texts. */
  async shown(count: number): Promise<string[]> {
    const messages = this.page.locator("article");
    await messages.nth(count - 1).waitFor();
    await this.isIn("ready");
    return messages.allTextContents();
  }

  /** Waits until the page shows these texts. */
  async comesToShow(texts: string[]): Promise<void> {
    await eventually(`the messages ${texts.join(" / ")}`, async () => {
      const shown = await this.page.locator("article").allTextContents();
      return JSON.stringify(shown) === JSON.stringify(texts);
    });
  }

  /** Waits until an answer is being written, and some of it shows: one that the test ends or stops. */
  async isAnswering(): Promise<void> {
    await this.isIn("streaming");
    await eventually("the beginning of an answer", async () => {
      const text = (await this.answers.count()) > 0 ? await this.answers.last().innerText() : "";
      return text.length >= 40;
    });
  }

  /** What the page has asked of one path, on whatever server. */
  askedOf(path: RegExp): Asked[] {
    return this.asked.filter(({ url }) => path.test(url.pathname));
  }

  /** The records of the chat's input. */
  async inputs(chatId: string): Promise<ChatInputChunk[]> {
    const records = await this.#server.inputs(chatId);
    return records.map(({ data }) => data as ChatInputChunk);
  }

  /** What the messages in the chat's input carry. */
  async messages(chatId: string): Promise<Message[]> {
    const inputs = await this.inputs(chatId);
    return inputs.flatMap((input) => (input.kind === "message" ? [input.payload as Message] : []));
  }
}
