// The page in a browser profile of its own, and what a driver does in it.
import type { UIMessage } from "ai";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { Watchman } from "../demo-support";
import type { Count } from "./count";
import type { ChatSetup, ChatView, Setup, Source } from "./page/contract";
import type { Part } from "./records";
import type { Service } from "./service";

/** What Chromium says of requests that were refused, broken off, or made without a network. */
const brokenRequest = /Failed to load resource|net::ERR_|EventSource's response has a MIME type/;

const POLLING = { polling: 10 };

/** A message, as far as it is compared. */
export interface Shown {
  id: string | undefined;
  role: UIMessage["role"];
  parts: Part[];
}

/** A chat of the page, and what it must show. */
export interface Chat extends ChatSetup {
  shown: Shown[];
  /** How many recordings are of earlier turns. */
  earlier: number;
  /** How many messages were acknowledged before the running turn's. */
  acknowledged: number;
  /** Its turn was stopped: the answer may be a beginning of what the agent wrote, or nothing at all. */
  isStopped: boolean;
}

/** What a page is opened with. */
export interface Opening {
  browser: Browser;
  /** Where it is served. */
  url: string;
  service: Service;
  source: Source;
  chats: ChatSetup[];
  count: Count;
  /** How long a state may take to come about. */
  patienceMs: number;
}

export class ChatPage {
  readonly chats: Chat[];
  /** The requests of the current round, for the one who looks into a failure. */
  requests: string[] = [];
  #page: Page;
  #watchman: Watchman;
  #source: Source;
  #count: Count;
  /** How many of the watchman's findings were given. */
  #reported = 0;

  private constructor(context: BrowserContext, page: Page, opening: Opening) {
    const { source, chats, count } = opening;
    this.chats = chats.map((chat) => ({
      ...chat,
      shown: [],
      earlier: 0,
      acknowledged: 0,
      isStopped: false,
    }));
    this.#page = page;
    this.#source = source;
    this.#count = count;
    this.#watchman = new Watchman(context);
    this.#watchman.expect(brokenRequest);
    this.#listen(context);
  }

  static async open(opening: Opening): Promise<ChatPage> {
    const { browser, url, service, source, chats, count, patienceMs } = opening;
    const context = await browser.newContext();
    context.setDefaultTimeout(patienceMs);
    const given = async (token: string) => {
      if (source === "fetch") return token;
      await context.addCookies([await service.signIn()]);
      return "a cookie";
    };
    await context.exposeFunction("mintToken", async (chatId: string) => {
      count("token renewed");
      return given(await service.mintToken(chatId));
    });
    await context.exposeFunction(
      "startSession",
      async (chatId: string, agent: ChatSetup["agent"]) =>
        given(await service.createSession(chatId, agent)),
    );
    const page = new ChatPage(context, await context.newPage(), opening);
    const setup: Setup = { service: service.url, source, chats };
    await page.#page.goto(`${url}?setup=${encodeURIComponent(JSON.stringify(setup))}`);
    await page.#isLoaded();
    return page;
  }

  async close(): Promise<void> {
    await this.#page.context().close();
  }

  // What a round does

  async send(chat: Chat, text: string, metadata: Record<string, number>): Promise<void> {
    const { recordings, acknowledged } = await this.view(chat);
    Object.assign(chat, { earlier: recordings.length, acknowledged, isStopped: false });
    await this.#page.evaluate(
      ({ id, text, metadata }) => globalThis.chats[id]?.send(text, metadata),
      { id: chat.id, text, metadata },
    );
  }

  /** Waits until the service has the chat's message. */
  async isAcknowledged({ id, acknowledged }: Chat): Promise<void> {
    await this.#page.waitForFunction(
      ({ id, acknowledged }) => (globalThis.chats[id]?.view().acknowledged ?? 0) > acknowledged,
      { id, acknowledged },
      POLLING,
    );
  }

  /** Waits until so many chunks of the answer have come, or the answer is over. */
  async isAnswering(chat: Chat, chunks: number): Promise<void> {
    if (chat.isStopped) return;
    await this.#page.waitForFunction(
      ({ id, chunks, messages }) => {
        const view = globalThis.chats[id]?.view();
        if (!view) return false;
        if (view.status === "error") return true;
        // After a reload it is ready until it has learnt that there is something to resume.
        if (view.status === "ready") return view.messages.length === messages;
        return view.recordings.some(({ end, chunks: come }) => !end && come.length >= chunks);
      },
      { id: chat.id, chunks, messages: chat.shown.length + 2 },
      POLLING,
    );
  }

  /** Waits until the chat has nothing more to wait for. */
  async isOver({ id, shown, isStopped }: Chat): Promise<void> {
    await this.#page.waitForFunction(
      ({ id, least }) => {
        const view = globalThis.chats[id]?.view();
        if (!view) return false;
        const { status, messages } = view;
        return status === "error" || (status === "ready" && messages.length >= least);
      },
      { id, least: shown.length + (isStopped ? 1 : 2) },
      POLLING,
    );
  }

  async view({ id }: Chat): Promise<ChatView> {
    const view = await this.#page.evaluate((id) => globalThis.chats[id]?.view(), id);
    if (!view) throw new Error(`the page has no chat ${id}`);
    return view;
  }

  // What can happen to it

  async stop(chat: Chat): Promise<void> {
    this.#count("stop");
    const isDelivered = await this.#page.evaluate((id) => globalThis.chats[id]?.stop(), chat.id);
    if (!isDelivered) throw new Error(`the stop of ${chat.id} was not delivered`);
    chat.isStopped = true;
  }

  async reload(): Promise<void> {
    this.#count("reload");
    await this.#page.reload();
    await this.#isLoaded();
  }

  /** Chromium's switch: it fails new requests, and leaves alone those that are open. */
  async goOffline(whileOffline: () => Promise<unknown>): Promise<void> {
    this.#count("offline");
    await this.#page.context().setOffline(true);
    await whileOffline();
    await this.#page.context().setOffline(false);
  }

  /** What a browser says when its network is back, which it may not have missed. */
  async tellOnline(): Promise<void> {
    this.#count("`online` event");
    await this.#page.evaluate(() => dispatchEvent(new Event("online")));
  }

  /** Presses "Try again", as soon as a page would offer it. */
  async retryNow({ id }: Chat): Promise<void> {
    this.#count("`retryNow`");
    await this.#page.waitForFunction(
      (id) => globalThis.chats[id]?.view().connection !== "connecting",
      id,
      POLLING,
    );
    await this.#page.evaluate((id) => globalThis.chats[id]?.retryNow(), id);
  }

  // What can be told of it

  /** What is new: unexpected words on the console, errors, and tokens where they do not belong. */
  findings(): string[] {
    const all = this.#watchman.findings();
    const fresh = all.slice(this.#reported);
    this.#reported = all.length;
    const seesTokens = this.#watchman.tokensSeen > 0;
    if (seesTokens && this.#source === "eventsource") fresh.push("The page has sent a token.");
    if (!seesTokens && this.#source === "fetch")
      fresh.push("The watchman has seen no token go by.");
    return fresh;
  }

  /** The chats as they are, in a line each. */
  async state(): Promise<string[]> {
    const views = await Promise.allSettled(this.chats.map((chat) => this.view(chat)));
    return views.map((view, index) => {
      const id = this.chats[index]?.id;
      if (view.status === "rejected") return `${id}: ${view.reason}`;
      const { messages, recordings, ...rest } = view.value;
      const streams = recordings.map(({ call, chunks, end }) => `${call} ${chunks.length} ${end}`);
      return `${id}: ${JSON.stringify({ ...rest, messages: messages.length, streams })}`;
    });
  }

  async #isLoaded(): Promise<void> {
    await this.#page.waitForFunction(
      (count) => Object.keys(globalThis.chats ?? {}).length === count,
      this.chats.length,
      POLLING,
    );
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
