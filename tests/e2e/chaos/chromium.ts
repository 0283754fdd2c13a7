// A tab of Chromium, by Playwright, under the watchman's eyes.
import type { BrowserContext, Page } from "playwright-core";
import { Watchman } from "../demo-support";
import { launchBrowser } from "../support/browser";
import type { ChatSetup, Source } from "./page/contract";
import type { Cookie } from "./service";
import type { AppServer, Tab, TabBrowser } from "./tab";

/** What Chromium says of requests that were refused, broken off, or made without a network. */
const brokenRequest = /Failed to load resource|net::ERR_|EventSource's response has a MIME type/;

const POLLING = { polling: 10 };

export async function launchChromium(source: Source): Promise<TabBrowser> {
  const browser = await launchBrowser();
  return {
    async open(app, patienceMs) {
      const context = await browser.newContext();
      context.setDefaultTimeout(patienceMs);
      return ChromiumTab.open(context, app, source);
    },
    close: () => browser.close(),
  };
}

class ChromiumTab implements Tab {
  readonly requests: string[] = [];
  #page: Page;
  #source: Source;
  #watchman: Watchman;
  /** How many of the watchman's findings were given. */
  #reported = 0;

  private constructor(page: Page, source: Source) {
    this.#page = page;
    this.#source = source;
    this.#watchman = new Watchman(page.context());
    this.#watchman.expect(brokenRequest);
    this.#listen(page.context());
  }

  static async open(context: BrowserContext, app: AppServer, source: Source): Promise<Tab> {
    await context.exposeFunction("mintToken", (chatId: string) => app.mintToken(chatId));
    await context.exposeFunction("startSession", (chatId: string, agent: ChatSetup["agent"]) =>
      app.startSession(chatId, agent),
    );
    return new ChromiumTab(await context.newPage(), source);
  }

  async goto(address: () => string): Promise<void> {
    await this.#page.goto(address());
  }

  async reload(): Promise<void> {
    await this.#page.reload();
  }

  async close(): Promise<void> {
    await this.#page.context().close();
  }

  evaluate<Argument, Result>(
    call: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result> {
    // Playwright's type says which arguments it can copy; JSON is among them.
    return this.#page.evaluate(call as (argument: unknown) => Result | Promise<Result>, argument);
  }

  async until<Argument>(isSo: (argument: Argument) => boolean, argument: Argument): Promise<void> {
    await this.#page.waitForFunction(isSo as (argument: unknown) => boolean, argument, POLLING);
  }

  async addCookie(cookie: Cookie): Promise<void> {
    await this.#page.context().addCookies([cookie]);
  }

  /** It fails new requests, and leaves alone those that are open. */
  async setOffline(isOffline: boolean): Promise<void> {
    await this.#page.context().setOffline(isOffline);
  }

  async findings(): Promise<string[]> {
    const all = this.#watchman.findings();
    const fresh = all.slice(this.#reported);
    this.#reported = all.length;
    const seesTokens = this.#watchman.tokensSeen > 0;
    if (seesTokens && this.#source === "eventsource") fresh.push("The page has sent a token.");
    if (!seesTokens && this.#source === "fetch")
      fresh.push("The watchman has seen no token go by.");
    return fresh;
  }

  #listen(context: BrowserContext): void {
    const opened = Date.now();
    const note = (what: string, url: string) => {
      const { pathname, search } = new URL(url);
      this.requests.push(`${Date.now() - opened} ms ${what} ${pathname}${search}`);
    };
    context.on("request", (request) => {
      const { "last-event-id": cursor = "the start", "x-peek-settled": peek } = request.headers();
      note(`${request.method()} after ${cursor}${peek ? ", peeking," : ""}`, request.url());
    });
    context.on("response", (response) => note(String(response.status()), response.url()));
    context.on("requestfinished", (request) => note("ended", request.url()));
    context.on("requestfailed", (request) =>
      note(request.failure()?.errorText ?? "failed", request.url()),
    );
  }
}
