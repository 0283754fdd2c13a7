// The session server through all its lives, and the app's own server, which cannot fail here.
import { setTimeout as wait } from "node:timers/promises";
import { type Fault, type InputRecord, type SessionServer, startServer } from "../support/server";
import type { Chat } from "./chat-page";
import { add, type Count, type Counts } from "./count";
import type { ChatSetup } from "./page/contract";
import { lastTurn, messageOf } from "./records";

/** What a proxy knows somebody by. */
export type Cookie = Awaited<ReturnType<SessionServer["signIn"]>>;

export class Service {
  /** How many requests and records each kind of fault has met, over all lives. */
  readonly injected: Counts = {};
  #server: SessionServer;
  #db: string;
  #count: Count;
  #patienceMs: number;
  /** What the server of now has counted already. */
  #counted: Counts = {};

  private constructor(server: SessionServer, db: string, count: Count, patienceMs: number) {
    this.#server = server;
    this.#db = db;
    this.#count = count;
    this.#patienceMs = patienceMs;
  }

  static async start(db: string, count: Count, patienceMs: number): Promise<Service> {
    return new Service(await startServer({ db }), db, count, patienceMs);
  }

  async close(): Promise<void> {
    await this.#server.stop("SIGKILL");
  }

  get url(): string {
    return this.#server.url;
  }

  mintToken(chatId: string): Promise<string> {
    return this.#insist(() => this.#server.mintToken(chatId));
  }

  /** The cookie of somebody who has just signed in at the proxy. */
  signIn(): Promise<Cookie> {
    return this.#insist(() => this.#server.signIn());
  }

  createSession(chatId: string, agent: ChatSetup["agent"]): Promise<string> {
    return this.#insist(() => this.#server.createSession(chatId, agent));
  }

  // Faults on order

  /** Orders faults for one chat. */
  async order(chat: Chat, faults: Fault[]): Promise<void> {
    await this.#server.order(...faults.map((fault) => ({ ...fault, chat: chat.id })));
  }

  /** Waits until every fault of the chat has met what it was ordered for. */
  async hasMet(chat: Chat): Promise<void> {
    await this.#until(`the faults of ${chat.id}`, async () => {
      const { standing } = await this.#server.faults();
      return standing.every((fault) => fault.chat !== chat.id);
    });
  }

  /** Takes back what stands, and counts what has been met. */
  async calm(): Promise<void> {
    await this.#insist(() => this.#server.forgetFaults());
    await this.#countInjected();
  }

  // What can happen to it

  async restart(): Promise<void> {
    this.#count("restart");
    await this.#server.restart();
  }

  async crash(forMs: number): Promise<void> {
    this.#count("crash");
    await this.#countInjected();
    this.#counted = {};
    await this.#server.stop("SIGKILL");
    await wait(forMs);
    this.#server = await startServer({ db: this.#db, port: this.#server.port });
  }

  async freeze(forMs: number): Promise<void> {
    this.#count("freeze");
    this.#server.suspend();
    await wait(forMs);
    this.#server.resume();
  }

  async expireTokens(): Promise<void> {
    this.#count("expired tokens");
    await this.#server.expireTokens();
  }

  // What the agent wrote

  /** The chunks of the answer that the chat does not show yet, once it is written whole. */
  async written(chat: Chat): Promise<string[]> {
    return this.#until(`the answer in ${chat.id}`, async () => {
      const chunks = await lastTurn(this.#server, chat.id);
      const isNew = chunks && chat.shown.every(({ id }) => id !== messageOf(chunks).id);
      return isNew ? chunks : undefined;
    });
  }

  /** The texts of the messages that the chat's input holds, in order. */
  async arrived(chat: Chat): Promise<string[]> {
    const records = await this.#insist(() => this.#server.inputs(chat.id));
    return records.map(({ data }) => textOf(data)).filter((text) => text !== undefined);
  }

  async #countInjected(): Promise<void> {
    const { injected } = await this.#insist(() => this.#server.faults());
    for (const [kind, count] of Object.entries(injected)) {
      add(this.injected, { [kind]: count - (this.#counted[kind] ?? 0) });
    }
    this.#counted = injected;
  }

  async #until<T>(what: string, read: () => Promise<T | undefined | false>): Promise<T> {
    const until = Date.now() + this.#patienceMs;
    for (;;) {
      const value = await this.#insist(read);
      if (value !== undefined && value !== false) return value;
      if (Date.now() > until) throw new Error(`never came about: ${what}`);
      await wait(20);
    }
  }

  /** Asks again as long as there is no server: it is about to come back. */
  async #insist<T>(call: () => Promise<T>): Promise<T> {
    const until = Date.now() + this.#patienceMs;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        // What `fetch` throws where nobody answers.
        if (!(error instanceof TypeError) || Date.now() > until) throw error;
        await wait(50);
      }
    }
  }
}

/** The text of a message; none where the record is something else. */
function textOf(record: InputRecord): string | undefined {
  const part = record.payload?.message?.parts[0];
  return part?.type === "text" ? part.text : undefined;
}
