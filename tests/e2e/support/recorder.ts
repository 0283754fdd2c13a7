// One chat client under observation: what it asks of the network and of the app, in what order, and
// what it gives. Two clients that are put through the same steps can then be held side by side.
//
// What must differ between two runs is replaced by a name, and nothing else:
// - the server's port, and the random half of the ids that it makes: of the run, not of the client;
// - part ids: random by design; numbered in order, so that a repeat still shows as one;
// - tokens that the server mints: they hold the time. Tokens that the test hands out have names
//   already, and the real ones take their place on the way out;
// - times and durations: nothing here is timed.
// A member that is there with the value `undefined` is told from one that is absent.
import type {
  TriggerChatTransportOptions as Options,
  TriggerChatTransport as PublishedTransport,
} from "@trigger.dev/sdk/chat";
import type { UIMessage, UIMessageChunk } from "ai";
import type { SessionServer } from "./server";

/** The part of the published client's surface that both clients have. */
export type Client = Pick<
  PublishedTransport,
  | "sendMessages"
  | "reconnectToStream"
  | "start"
  | "preload"
  | "sendPendingMessage"
  | "stopGeneration"
  | "getSession"
  | "setSession"
  | "setOnSessionChange"
  | "setOnEvent"
  | "setClientData"
  | "setAccessToken"
  | "setStartSession"
  | "setFetch"
  | "dispose"
>;

/** The published client's options, without the callbacks that the recorder listens to. */
export type ClientOptions = { [Key in keyof Options]?: Options[Key] | undefined };

/** What happened, in its order; names in place of what must differ. */
export type Entry = Record<string, unknown>;

/** What a client did in one scenario. */
export interface Journal {
  /** Requests, and calls of the app's callbacks. */
  timeline: Entry[];
  /** The chunks of each stream, and how it ended. */
  streams: Record<string, unknown[]>;
  /** What calls came to. */
  answers: Record<string, unknown>;
}

/** Makes a client. */
export type MakeClient = (options: Options) => Client;

type Fetch = NonNullable<Options["fetch"]>;
type Stream = ReadableStream<UIMessageChunk>;
type Sent = Partial<Parameters<Client["sendMessages"]>[0]>;

// Tests replace the global one.
const realFetch = globalThis.fetch;

/** Where clients are told that the server is. */
export const BASE_URL = "http://sessions.test";

/** Stands for a value that is `undefined`, where the key is there. */
export const UNDEFINED = "(undefined)";

const MINTED = /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g;
const PART_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const RANDOM_ID = /\b(msg|session|run)_[0-9a-f]{8,}/g;
const TIMES = new Set(["timestamp", "durationMs", "sinceSendMs"]);

/** Makes one client of a scenario after the other and writes its journal. */
export class Recorder {
  readonly server: SessionServer;
  readonly journal: Journal = { timeline: [], streams: {}, answers: {} };
  #make: MakeClient;
  #tokens = new Map<string, string>();
  #tokenCounts = new Map<string, number>();
  #partIds = new Map<string, string>();
  #persisted = new Map<string, string>();
  #faults: { endpoint: "in" | "out"; fault: () => Response | Promise<Response> }[] = [];
  #gates: Record<"in" | "out", Gate> = { in: new Gate(), out: new Gate() };
  #bodies = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #underWay = new Set<Promise<unknown>>();
  #clients: Client[] = [];

  constructor(server: SessionServer, make: MakeClient) {
    this.server = server;
    this.#make = make;
  }

  /** A page load: a new client. Callbacks are recorded whether or not the scenario gives its own. */
  open(options: ClientOptions = {}): Client {
    const { fetch, accessToken, startSession, callbacks } = this;
    const common = { task: "echo", baseURL: BASE_URL, fetch, accessToken, startSession };
    return this.bare({ ...common, ...callbacks, ...options } as Options);
  }

  /** A client with these options and no others. */
  bare(options: Options): Client {
    const client = this.#make(options);
    this.#clients.push(client);
    return client;
  }

  /** Lets every client go. */
  close(): void {
    for (const gate of Object.values(this.#gates)) gate.open();
    for (const client of this.#clients) client.dispose();
  }

  // What clients are given

  /** `onEvent` and `onSessionChange`. */
  readonly callbacks: Required<Pick<Options, "onEvent" | "onSessionChange">> = {
    onEvent: (event) => this.note({ event }),
    onSessionChange: (chatId, session) => {
      this.note({ session, chatId });
      if (session) this.#persisted.set(chatId, JSON.stringify(session));
    },
  };

  /** Gives `access-1`, then `access-2`, and so on. */
  readonly accessToken: Options["accessToken"] = async (params) => {
    this.note({ accessToken: params });
    return this.token("access", params.chatId);
  };

  /** Creates the session, and gives `start-1`, then `start-2`, and so on. */
  readonly startSession: NonNullable<Options["startSession"]> = async (params) => {
    this.note({ startSession: params });
    await this.server.createSession(params.chatId, params.taskId === "story" ? "story" : "echo");
    return { publicAccessToken: await this.token("start", params.chatId) };
  };

  /** A good token for the chat under a name of its own. */
  async token(kind: string, chatId: string): Promise<string> {
    const count = (this.#tokenCounts.get(kind) ?? 0) + 1;
    this.#tokenCounts.set(kind, count);
    const name = `${kind}-${count}`;
    this.#tokens.set(name, await this.server.mintToken(chatId));
    return name;
  }

  /** The `fetch` option. */
  readonly fetch: Fetch = (url, init, context) => this.#request(url, init, { context });

  /** In place of the global `fetch`. */
  readonly globalFetch = ((url: string, init: RequestInit) =>
    this.#request(url, init, { isGlobal: true })) as typeof globalThis.fetch;

  /** The same callbacks once more; what they are told is marked. */
  marked(mark: string): Required<Pick<Options, "onEvent" | "onSessionChange" | "fetch">> {
    return {
      onEvent: (event) => this.note({ event, mark }),
      onSessionChange: (chatId, session) => this.note({ session, chatId, mark }),
      fetch: (url, init, context) => this.#request(url, init, { context, mark }),
    };
  }

  // What a scenario does

  /** Notes what a call comes to, and gives that; `undefined` where it fails. */
  async answer<T>(name: string, call: Promise<T>): Promise<T | undefined> {
    try {
      const value = await call;
      const shown = value instanceof ReadableStream ? "a stream" : this.#plain(value);
      this.journal.answers[name] = value === undefined ? "nothing" : shown;
      return value;
    } catch (error) {
      this.journal.answers[name] = { rejected: this.#plain(error) };
      return undefined;
    }
  }

  /** Sends a user's message and reads the answer to its end. */
  async turn(name: string, client: Client, sent: Sent): Promise<void> {
    await this.read(name, await this.answer(name, send(client, sent)));
  }

  /** Reads a stream to its end. */
  async read(name: string, stream: Stream | null | undefined): Promise<void> {
    if (!stream) return;
    await this.#readUntil(name, stream, () => false);
    this.journal.streams[`${name}, then`] = this.#last;
  }

  /** Reads a stream up to the first chunk of this type. */
  async readTo(type: string, name: string, stream: Stream | null | undefined): Promise<void> {
    if (!stream) throw new Error(`${name}: there is no stream to read`);
    await this.#readUntil(name, stream, (chunk) => chunk.type === type);
  }

  #last: unknown[] = [];

  async #readUntil(name: string, stream: Stream, isLast: (chunk: UIMessageChunk) => boolean) {
    const chunks: unknown[] = [];
    this.journal.streams[name] = chunks;
    const reader = stream.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          this.#last = ["closed"];
          return;
        }
        chunks.push(this.#plain(value));
        if (isLast(value)) return;
      }
    } catch (error) {
      this.#last = [{ failed: this.#plain(error) }];
    } finally {
      reader.releaseLock();
    }
  }

  /** What the app has stored of the chat, as it comes back after a reload. */
  stored(chatId: string): NonNullable<Options["sessions"]> {
    const text = this.#persisted.get(chatId);
    return text === undefined ? {} : { [chatId]: JSON.parse(text) };
  }

  /** Holds back what comes from one channel, so that something else is sure to come first. */
  hold(endpoint: "in" | "out"): void {
    this.#gates[endpoint].close();
  }

  release(endpoint: "in" | "out"): void {
    this.#gates[endpoint].open();
  }

  /** Answers the next request of a channel in place of the server. */
  failNext(endpoint: "in" | "out", fault: () => Response | Promise<Response>): void {
    this.#faults.push({ endpoint, fault });
  }

  /** Ends the open answers of `out`: as a window that is over, or as a lost connection. */
  cutBodies(error?: Error): void {
    for (const body of this.#bodies) {
      if (error) body.error(error);
      else body.close();
    }
    this.#bodies.clear();
  }

  /** Waits until no request waits for its answer, and what follows from the answers is done. */
  async quiet(): Promise<void> {
    do {
      await Promise.all(this.#underWay);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    } while (this.#underWay.size > 0);
  }

  /** Waits until a channel has seen so many requests. */
  async sent(endpoint: "in" | "out", count: number): Promise<void> {
    const end = endpoint === "in" ? "/in/append" : "/out";
    const isOf = ({ request }: Entry) => typeof request === "string" && request.endsWith(end);
    while (this.journal.timeline.filter(isOf).length < count) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Waits until a channel has answered so many requests. */
  async requests(endpoint: "in" | "out", count: number): Promise<void> {
    await this.sent(endpoint, count);
    await this.quiet();
  }

  // Requests

  async #request(url: string, init: RequestInit, how: Entry): Promise<Response> {
    const { headers, body, signal, ...rest } = init;
    if (Object.getPrototypeOf(headers) !== Object.prototype) {
      throw new TypeError("Apps spread `init.headers`: it has to be a plain object.");
    }
    const text = typeof body === "string" ? body : undefined;
    this.note({
      request: `${init.method ?? "GET"} ${url}`,
      headers,
      ...(text === undefined ? {} : { body: JSON.parse(text), text }),
      ...rest,
      hasSignal: signal != null,
      ...how,
    });
    const answer = this.#answerOf(url, init);
    this.#underWay.add(answer);
    const over = () => this.#underWay.delete(answer);
    answer.then(over, over);
    return answer;
  }

  async #answerOf(url: string, init: RequestInit): Promise<Response> {
    const endpoint = url.endsWith("/out") ? "out" : "in";
    const position = this.#faults.findIndex((each) => each.endpoint === endpoint);
    const [planned] = position < 0 ? [] : this.#faults.splice(position, 1);
    if (planned) return planned.fault();
    const headers = new Headers(init.headers);
    const authorization = headers.get("Authorization") ?? "";
    const token = this.#tokens.get(authorization.replace("Bearer ", ""));
    if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
    const target = this.server.url + url.slice(url.indexOf("/realtime/"));
    const response = await realFetch(target, { ...init, headers });
    if (endpoint === "in") {
      await this.#gates.in.passed();
      return response;
    }
    return new Response(response.body && this.#gated(response.body, init.signal), response);
  }

  /** The body as it comes, while the gate is open and nobody cuts it. */
  #gated(body: ReadableStream<Uint8Array>, signal: AbortSignal | null | undefined) {
    const reader = body.getReader();
    const bodies = this.#bodies;
    let self: ReadableStreamDefaultController<Uint8Array>;
    const fail = (error: unknown) => {
      if (bodies.delete(self)) self.error(error);
    };
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        self = controller;
        bodies.add(self);
        signal?.addEventListener("abort", () => fail(signal.reason));
      },
      pull: async () => {
        try {
          const { value } = await reader.read();
          await this.#gates.out.passed();
          if (!bodies.has(self)) return;
          if (value) return self.enqueue(value);
          bodies.delete(self);
          self.close();
        } catch (error) {
          fail(error);
        }
      },
      cancel: (reason) => {
        bodies.delete(self);
        return reader.cancel(reason);
      },
    });
  }

  // The journal

  /** Adds to the timeline. */
  note(entry: Entry): void {
    this.journal.timeline.push(this.#plain(entry) as Entry);
  }

  #plain(value: unknown, key = ""): unknown {
    if (value === undefined) return UNDEFINED;
    if (TIMES.has(key)) return typeof value === "number" && value >= 0 ? "(time)" : value;
    if (typeof value === "string") return this.#named(value);
    if (Array.isArray(value)) return value.map((item) => this.#plain(item));
    if (value instanceof Error) {
      const { name, message, ...members } = value;
      const { status, code, closedReason, ...others } = members as Record<string, unknown>;
      const told = { error: name, message, status, code, closedReason };
      const plain = Object.entries(told).filter(([, member]) => member !== undefined);
      const rest = Object.keys(others)
        .filter((key) => key !== "error")
        .sort();
      return this.#plain({ ...Object.fromEntries(plain), ...(rest.length > 0 ? { rest } : {}) });
    }
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, this.#plain(member, name)]),
    );
  }

  #named(text: string): string {
    if (PART_ID.test(text)) {
      const name = this.#partIds.get(text) ?? `part-${this.#partIds.size + 1}`;
      this.#partIds.set(text, name);
      return name;
    }
    return text
      .replaceAll(this.server.url, "(server)")
      .replaceAll(MINTED, "(minted)")
      .replaceAll(RANDOM_ID, "$1_(random)");
  }
}

class Gate {
  #isOpen = Promise.resolve();
  #open = () => {};

  close(): void {
    this.#isOpen = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }

  passed(): Promise<void> {
    return this.#isOpen;
  }
}

/** A user's message. */
export function said(text: string, id = `user-${text}`): UIMessage {
  return { id, role: "user", parts: [{ type: "text", text }] };
}

/** Sends a message, as `useChat` does. */
export function send(client: Client, sent: Sent): Promise<Stream> {
  return client.sendMessages({
    trigger: "submit-message",
    chatId: "chat",
    messageId: undefined,
    messages: [said("hello")],
    abortSignal: undefined,
    ...sent,
  });
}
