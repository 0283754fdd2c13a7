// One side of a conversation: an app with its chat client, and all that the app is given and told.
// The other side is the scripted service.
import type {
  ChatSessionPersistedState,
  ChatTransportEvent,
  TriggerChatTransportOptions as PublishedOptions,
  TriggerChatTransport as PublishedTransport,
  StartSessionParams,
} from "@trigger.dev/sdk/chat";
import type { UIMessage, UIMessageChunk } from "ai";
import { expect, vi } from "vitest";
import { type Exchange, type OutStream, ScriptedService, settle, until } from "./scripted-service";

/** What every client has: the published one's public surface. */
export type Client = Pick<PublishedTransport, keyof PublishedTransport>;

/** The published options, where `undefined` takes the test's own away, and ours beside. */
export type Options = {
  [Key in keyof PublishedOptions]?: PublishedOptions[Key] | undefined;
} & { sendTimeoutSeconds?: number; stopOnAbort?: boolean; coalesce?: "auto" | false };

/** Makes a client. */
export type MakeClient = (options: PublishedOptions) => Client;

type Stream = ReadableStream<UIMessageChunk>;
type SendOptions = Parameters<Client["sendMessages"]>[0];

/** The moment at which each conversation begins. */
export const NOW = Date.UTC(2026, 0, 1);

/** Where the service is. */
export const BASE_URL = "http://sessions.test";

/** A chat that is there already: the app has stored its token. */
export const stored = (state: Partial<ChatSessionPersistedState> = {}): Options["sessions"] => ({
  chat: { publicAccessToken: "stored", isStreaming: false, ...state },
});

/** A user's message. */
export function said(text: string, id = `user-${text}`): UIMessage {
  return { id, role: "user", parts: [{ type: "text", text }] };
}

/** A piece of an answer. */
export function word(text: string) {
  return { type: "text-delta" as const, id: "t", delta: text };
}

/** Lets so much time pass, and all happen that comes of it. */
export async function pass(ms: number): Promise<void> {
  await settle();
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

/** An app with its client. */
export class App {
  readonly service: ScriptedService;
  readonly client: Client;
  readonly events: ChatTransportEvent[] = [];
  /** What the app was told to store, for any chat. */
  readonly states: (ChatSessionPersistedState | null)[] = [];
  readonly starts: StartSessionParams[] = [];
  readonly refreshes: { chatId: string }[] = [];
  /** Requests, events, states and calls of callbacks, in their order. */
  readonly order: string[];

  constructor(make: MakeClient, options: Options, page?: App) {
    const order = page?.order ?? [];
    this.order = order;
    this.service = page?.service ?? new ScriptedService(({ channel }) => order.push(channel));
    this.client = make({
      task: "agent",
      baseURL: BASE_URL,
      fetch: this.service.fetch,
      accessToken: this.accessToken,
      startSession: this.startSession,
      ...this.callbacks,
      ...options,
    } as PublishedOptions);
  }

  readonly callbacks = {
    onEvent: (event: ChatTransportEvent) => {
      this.order.push(event.type);
      this.events.push(event);
    },
    onSessionChange: (_: string, state: ChatSessionPersistedState | null) => {
      this.order.push("state");
      this.states.push(structuredClone(state));
    },
  };

  /** Gives `fresh-1`, then `fresh-2`, and so on. */
  readonly accessToken = async (params: { chatId: string }): Promise<string> => {
    this.order.push("accessToken");
    this.refreshes.push(params);
    return `fresh-${this.refreshes.length}`;
  };

  /** Gives `started-1`, then `started-2`, and so on. */
  readonly startSession = async (
    params: StartSessionParams,
  ): Promise<{ publicAccessToken: string; pendingVersion?: boolean }> => {
    this.order.push("startSession");
    this.starts.push(params);
    return { publicAccessToken: `started-${this.starts.length}` };
  };

  /** The types of the events so far. */
  get eventTypes(): string[] {
    return this.events.map(({ type }) => type);
  }

  /** What the app has stored last. */
  get state(): ChatSessionPersistedState | undefined {
    return this.client.getSession("chat");
  }

  /** Sends what a user says, as `useChat` does. */
  send(text: string, more: Partial<SendOptions> = {}): Answer {
    const { client } = this;
    const options = { trigger: "submit-message" as const, chatId: "chat", messageId: undefined };
    const messages = [said(text)];
    return new Answer(
      client.sendMessages({ ...options, messages, abortSignal: undefined, ...more }),
    );
  }

  /** Asks for the last answer anew. */
  regenerate(more: Partial<SendOptions> = {}): Answer {
    return this.send("", { trigger: "regenerate-message", messages: [said("hello")], ...more });
  }

  /** Does an action. */
  act(action: unknown, options?: Parameters<Client["sendAction"]>[2]): Answer {
    return new Answer(this.client.sendAction("chat", action, options));
  }

  /** Resumes a turn that may be running. */
  resume(more: Partial<Parameters<Client["reconnectToStream"]>[0]> = {}): Answer {
    return new Answer(this.client.reconnectToStream({ chatId: "chat", ...more }));
  }

  /** Sends, and has the message land; the answer's stream is open, and nothing is on it yet. */
  async ask(text: string, seq?: number, more: Partial<SendOptions> = {}): Promise<Asked> {
    const answer = this.send(text, more);
    const append = await this.service.append();
    append.accept(seq);
    const request = await this.service.out();
    const out = request.stream();
    await answer.opened();
    return { answer, append, request, out };
  }

  /** A whole turn, with one word in its answer. */
  async turn(text: string, seq: number): Promise<Asked> {
    const asked = await this.ask(text, seq);
    asked.out.chunks(word(text)).turnComplete(seq);
    expect(await asked.answer.closed()).toEqual([word(text)]);
    return asked;
  }
}

/** A send whose message has landed. */
export interface Asked {
  answer: Answer;
  append: Exchange;
  request: Exchange;
  out: OutStream;
}

/** A stream that the app was promised, read from the moment on that it is there. */
export class Answer {
  readonly chunks: UIMessageChunk[] = [];
  #state: "promised" | "rejected" | "none" | "open" | "closed" | "failed" = "promised";
  #error: unknown;
  #reader: ReadableStreamDefaultReader<UIMessageChunk> | undefined;

  constructor(call: Promise<Stream | null>) {
    void this.#read(call);
  }

  /** How far it is. */
  get state(): string {
    return this.#state;
  }

  /** Waits until the call has come to a stream. */
  async opened(): Promise<this> {
    await this.#until("open", "closed", "failed");
    return this;
  }

  /** Waits until so many chunks in all have come, and gives them. */
  async received(count: number): Promise<UIMessageChunk[]> {
    await until(
      () => this.chunks.length >= count,
      () =>
        `${count} chunks never came: the stream is ${this.#state}, ${JSON.stringify(this.chunks)}`,
    );
    return this.chunks;
  }

  /** Waits until the stream has ended well, and gives all its chunks. */
  async closed(): Promise<UIMessageChunk[]> {
    await this.#until("closed");
    return this.chunks;
  }

  /** Waits until the stream has failed, and gives its error. */
  async failed(): Promise<Error & Record<string, unknown>> {
    await this.#until("failed");
    return this.#error as Error & Record<string, unknown>;
  }

  /** Waits until the call is rejected, and gives its error. */
  async rejected(): Promise<Error & Record<string, unknown>> {
    await this.#until("rejected");
    return this.#error as Error & Record<string, unknown>;
  }

  /** Waits until the call has come to `null`. */
  async isNothing(): Promise<void> {
    await this.#until("none");
  }

  /** The app goes away from it. */
  async cancel(): Promise<void> {
    await this.#reader?.cancel();
  }

  async #until(...wanted: string[]): Promise<void> {
    const isThere = () => wanted.includes(this.#state);
    const why = () => (this.#error === undefined ? "" : `, by ${String(this.#error)}`);
    await until(isThere, () => `The answer is not ${wanted[0]}, but ${this.#state}${why()}`);
  }

  async #read(call: Promise<Stream | null>): Promise<void> {
    try {
      const stream = await call;
      if (!stream) {
        this.#state = "none";
        return;
      }
      this.#state = "open";
      this.#reader = stream.getReader();
    } catch (error) {
      this.#error = error;
      this.#state = "rejected";
      return;
    }
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.chunks.push(value);
      }
      this.#state = "closed";
    } catch (error) {
      this.#error = error;
      this.#state = "failed";
    }
  }
}
