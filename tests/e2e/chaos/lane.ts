// A service and a page that talks to it, one page after the other.
import { join } from "node:path";
import { ChatPage } from "./chat-page";
import { type Count, type Counts, counting } from "./count";
import type { ChatSetup, Source } from "./page/contract";
import { Service } from "./service";
import type { TabBrowser } from "./tab";

/** What a lane is opened with. */
export interface Opening {
  browser: TabBrowser;
  /** Where the page is served. */
  url: string;
  /** Where the service keeps its database. */
  folder: string;
  name: string;
  source: Source;
  /** How long a state may take to come about. */
  patienceMs: number;
}

export class Lane {
  readonly name: string;
  readonly service: Service;
  /** What was done from outside. */
  readonly done: Counts;
  #opening: Opening;
  #count: Count;
  #page: ChatPage | undefined;
  #pages = 0;

  private constructor(opening: Opening, service: Service, done: Counts, count: Count) {
    this.name = opening.name;
    this.service = service;
    this.done = done;
    this.#opening = opening;
    this.#count = count;
  }

  static async open(opening: Opening): Promise<Lane> {
    const { folder, name, patienceMs } = opening;
    const done: Counts = {};
    const count = counting(done);
    const db = join(folder, `${name}.sqlite`);
    return new Lane(opening, await Service.start(db, count, patienceMs), done, count);
  }

  async close(): Promise<void> {
    await this.#page?.close();
    await this.service.close();
  }

  get page(): ChatPage {
    if (!this.#page) throw new Error("no page is open");
    return this.#page;
  }

  /** Leaves the page for one with new chats. */
  async turnPage(): Promise<void> {
    await this.#page?.close();
    await this.service.calm();
    this.#pages += 1;
    const id = (chat: string) => `${this.name}-${this.#pages}-${chat}`;
    const chats: ChatSetup[] = [
      { id: id("echo"), agent: "echo", coalesces: false },
      { id: id("merged"), agent: "echo", coalesces: true },
      { id: id("story"), agent: "story", coalesces: true },
      { id: id("reasoning"), agent: "reasoning", coalesces: false },
    ];
    const { service } = this;
    this.#page = await ChatPage.open({ ...this.#opening, service, chats, count: this.#count });
  }
}
