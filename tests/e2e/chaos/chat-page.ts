// The page with its chats, and what a driver does in it.
import type { UIMessage } from "ai";
import type { Count } from "./count";
import type { ChatSetup, ChatView, Setup, Source } from "./page/contract";
import type { Part } from "./records";
import type { Service } from "./service";
import type { AppServer, Tab, TabBrowser } from "./tab";

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
  browser: TabBrowser;
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
  #tab: Tab;
  #count: Count;

  private constructor(tab: Tab, chats: ChatSetup[], count: Count) {
    this.chats = chats.map((chat) => ({
      ...chat,
      shown: [],
      earlier: 0,
      acknowledged: 0,
      isStopped: false,
    }));
    this.#tab = tab;
    this.#count = count;
  }

  static async open(opening: Opening): Promise<ChatPage> {
    const { browser, url, service, source, chats, count, patienceMs } = opening;
    const given = async (token: string) => {
      if (source === "fetch") return token;
      await tab.addCookie(await service.signIn());
      return "a cookie";
    };
    const app: AppServer = {
      async mintToken(chatId) {
        count("token renewed");
        return given(await service.mintToken(chatId));
      },
      startSession: async (chatId, agent) => given(await service.createSession(chatId, agent)),
    };
    const tab = await browser.open(app, patienceMs);
    const page = new ChatPage(tab, chats, count);
    await tab.goto((app) => {
      const setup: Setup = { service: service.url, source, chats, ...(app && { app }) };
      return `${url}?setup=${encodeURIComponent(JSON.stringify(setup))}`;
    });
    await page.#isLoaded();
    return page;
  }

  async close(): Promise<void> {
    await this.#tab.close();
  }

  /** The requests since the round began, for the one who looks into a failure. */
  get requests(): string[] {
    return this.#tab.requests;
  }

  // What a round does

  async send(chat: Chat, text: string, metadata: Record<string, number>): Promise<void> {
    const { recordings, acknowledged } = await this.view(chat);
    Object.assign(chat, { earlier: recordings.length, acknowledged, isStopped: false });
    await this.#tab.evaluate(
      ({ id, text, metadata }) => globalThis.chats[id]?.send(text, metadata),
      { id: chat.id, text, metadata },
    );
  }

  /** Waits until the service has the chat's message. */
  async isAcknowledged({ id, acknowledged }: Chat): Promise<void> {
    await this.#tab.until(
      ({ id, acknowledged }) => (globalThis.chats[id]?.view().acknowledged ?? 0) > acknowledged,
      { id, acknowledged },
    );
  }

  /** Waits until so many chunks of the answer have come, or the answer is over. */
  async isAnswering(chat: Chat, chunks: number): Promise<void> {
    if (chat.isStopped) return;
    await this.#tab.until(
      ({ id, chunks, messages }) => {
        const view = globalThis.chats[id]?.view();
        if (!view) return false;
        if (view.status === "error") return true;
        // After a reload it is ready until it has learnt that there is something to resume.
        if (view.status === "ready") return view.messages.length === messages;
        return view.recordings.some(({ end, chunks: come }) => !end && come.length >= chunks);
      },
      { id: chat.id, chunks, messages: chat.shown.length + 2 },
    );
  }

  /** Waits until the chat has nothing more to wait for. */
  async isOver({ id, shown, isStopped }: Chat): Promise<void> {
    await this.#tab.until(
      ({ id, least }) => {
        const view = globalThis.chats[id]?.view();
        if (!view) return false;
        const { status, messages } = view;
        return status === "error" || (status === "ready" && messages.length >= least);
      },
      { id, least: shown.length + (isStopped ? 1 : 2) },
    );
  }

  async view({ id }: Chat): Promise<ChatView> {
    const view = await this.#tab.evaluate((id) => globalThis.chats[id]?.view(), id);
    if (!view) throw new Error(`the page has no chat ${id}`);
    return view;
  }

  // What can happen to it

  async stop(chat: Chat): Promise<void> {
    this.#count("stop");
    const isDelivered = await this.#tab.evaluate((id) => globalThis.chats[id]?.stop(), chat.id);
    if (!isDelivered) throw new Error(`the stop of ${chat.id} was not delivered`);
    chat.isStopped = true;
  }

  async reload(): Promise<void> {
    this.#count("reload");
    await this.#tab.reload();
    await this.#isLoaded();
  }

  async goOffline(whileOffline: () => Promise<unknown>): Promise<void> {
    this.#count("offline");
    await this.#tab.setOffline(true);
    await whileOffline();
    await this.#tab.setOffline(false);
  }

  /** What a browser says when its network is back, which it may not have missed. */
  async tellOnline(): Promise<void> {
    this.#count("`online` event");
    await this.#tab.evaluate(() => dispatchEvent(new Event("online")), undefined);
  }

  /** Presses "Try again", as soon as a page would offer it. */
  async retryNow({ id }: Chat): Promise<void> {
    this.#count("`retryNow`");
    await this.#tab.until((id) => globalThis.chats[id]?.view().connection !== "connecting", id);
    await this.#tab.evaluate((id) => globalThis.chats[id]?.retryNow(), id);
  }

  // What can be told of it

  /** What is new and wrong, in a line each. */
  findings(): Promise<string[]> {
    return this.#tab.findings();
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
    await this.#tab.until(
      (count) => Object.keys(globalThis.chats ?? {}).length === count,
      this.chats.length,
    );
  }
}
