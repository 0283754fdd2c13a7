// The service as a test plays it: a `fetch` whose requests wait until the test has taken each, looked
// at it and answered it. So a test reads as the conversation that it is, and no request goes unseen.
//
// Nothing here waits for time to pass, for the clock is the test's own. What has to come comes by
// promises and streams alone, and is there after a few turns of the event loop, or never.
import type { ChatFetchOverride, ChatTransportEndpointContext } from "@trigger.dev/sdk/chat";
import type { UIMessageChunk } from "ai";

/** What a record carries, types that the AI SDK does not know included. */
export type Chunk = UIMessageChunk | { type: string; [member: string]: unknown };

/** A header list as S2 has it. */
type RecordHeaders = [name: string, value: string][];

/** What a request is for. */
export type Channel = "append" | "records" | "out" | "route";

// Tests replace the global one.
const nextTurn = globalThis.setImmediate;

const PATIENCE_TURNS = 100;
const SETTLE_TURNS = 20;

function turn(): Promise<void> {
  return new Promise((resolve) => void nextTurn(resolve));
}

/** Waits for what has to come without any time passing. */
export async function until(isThere: () => boolean, what: () => string): Promise<void> {
  for (let turns = 0; turns < PATIENCE_TURNS; turns++) {
    if (isThere()) return;
    await turn();
  }
  throw new Error(what());
}

/** Lets everything happen that happens without any time passing. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < SETTLE_TURNS; turns++) await turn();
}

/** The `fetch` of a test, and the requests that came. */
export class ScriptedService {
  /** Every request so far, in their order. */
  readonly requests: Exchange[] = [];
  /** The seq of the next record of `.out`. */
  nextSeq = 0;
  #untaken: Exchange[] = [];
  #onRequest: (exchange: Exchange) => void;

  constructor(onRequest: (exchange: Exchange) => void = () => {}) {
    this.#onRequest = onRequest;
  }

  /** The `fetch` option. */
  readonly fetch: ChatFetchOverride = (url, init, context) => this.#ask(url, init, context);

  /** In place of the global `fetch`. */
  readonly globalFetch = ((url: string, init: RequestInit = {}) =>
    this.#ask(url, init, undefined)) as typeof globalThis.fetch;

  /** The next append. */
  append = (): Promise<Exchange> => this.#next("append");

  /** The next subscription. */
  out = (): Promise<Exchange> => this.#next("out");

  /** The next question for the records of `.in`. */
  records = (): Promise<Exchange> => this.#next("records");

  /** The next request to the app's own route. */
  route = (): Promise<Exchange> => this.#next("route");

  /** The requests of a channel so far. */
  seen(channel: Channel): Exchange[] {
    return this.requests.filter((exchange) => exchange.channel === channel);
  }

  /** The requests that nobody has taken, but for those that the client has withdrawn. */
  untaken(): string[] {
    return this.#untaken.filter(({ isAborted }) => !isAborted).map(String);
  }

  async #next(channel: Channel): Promise<Exchange> {
    const find = () =>
      this.#untaken.findIndex((each) => each.channel === channel && !each.isAborted);
    await until(
      () => find() >= 0,
      () => `There is no request for ${channel}. There were: ${this.requests.join(", ") || "none"}`,
    );
    return this.#untaken.splice(find(), 1)[0] as Exchange;
  }

  #ask(url: string, init: RequestInit, context: ChatTransportEndpointContext | undefined) {
    const exchange = new Exchange(this, url, init, context);
    this.requests.push(exchange);
    this.#untaken.push(exchange);
    this.#onRequest(exchange);
    return exchange.response;
  }
}

/** One request, and its answer as the test gives it. A request that is not answered hangs. */
export class Exchange {
  readonly url: string;
  /** The path, without the query. */
  readonly path: string;
  readonly query: string;
  readonly method: string;
  readonly channel: Channel;
  /** By names in lower case. */
  readonly headers: Record<string, string>;
  /** The body as it was sent, and as JSON. */
  readonly text: string | undefined;
  readonly body: unknown;
  /** What the `fetch` option was told beside; none where the global one was called. */
  readonly context: ChatTransportEndpointContext | undefined;
  readonly signal: AbortSignal | undefined;
  /** For the client. */
  readonly response: Promise<Response>;
  #service: ScriptedService;
  #resolve: (response: Response) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(
    service: ScriptedService,
    url: string,
    init: RequestInit,
    context: ChatTransportEndpointContext | undefined,
  ) {
    if (Object.getPrototypeOf(init.headers) !== Object.prototype) {
      throw new TypeError("Apps spread `init.headers`: it has to be a plain object.");
    }
    const { pathname, search } = new URL(url);
    this.#service = service;
    this.url = url;
    this.path = pathname;
    this.query = search;
    this.method = init.method ?? "GET";
    this.channel = channelOf(pathname);
    this.headers = lowerCased(init.headers as Record<string, string>);
    this.text = typeof init.body === "string" ? init.body : undefined;
    this.body = this.text === undefined ? undefined : JSON.parse(this.text);
    this.context = context;
    this.signal = init.signal ?? undefined;
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const withdraw = () => this.#reject(this.signal?.reason);
    if (this.isAborted) withdraw();
    this.signal?.addEventListener("abort", withdraw);
  }

  get isAborted(): boolean {
    return this.signal?.aborted ?? false;
  }

  /** The idempotency key of an append. */
  get partId(): string | undefined {
    return this.headers["x-part-id"];
  }

  /** Of an append of a message. */
  get payload(): Record<string, unknown> {
    return (this.body as { payload: Record<string, unknown> }).payload;
  }

  /** The token that it goes by. */
  get token(): string | undefined {
    return this.headers.authorization?.replace("Bearer ", "");
  }

  get bodyBytes(): number {
    return new TextEncoder().encode(this.text).byteLength;
  }

  /** Answers with JSON, or with nothing. */
  answer(status: number, body?: unknown, headers: Record<string, string> = {}): void {
    const type = { "Content-Type": "application/json" };
    const text = body === undefined ? null : JSON.stringify(body);
    this.#resolve(new Response(text, { status, headers: { ...type, ...headers } }));
  }

  /** The append has landed, under this seq of `.in`. Older servers tell none. */
  accept(seq?: number, more: object = {}): void {
    this.answer(200, { ok: true, ...(seq === undefined ? {} : { seq }), ...more });
  }

  /** Answers with an error, as the service words it. */
  refuse(status: number, more: object = {}, headers: Record<string, string> = {}): void {
    this.answer(status, { ok: false, error: "scripted", ...more }, headers);
  }

  /** The session is closed. */
  refuseAsClosed(closedReason: string | null = null): void {
    this.refuse(409, { code: "session_closed", closedReason });
  }

  /** The network fails. */
  fail(error: unknown = new TypeError("fetch failed")): void {
    this.#reject(error);
  }

  /** Answers with a stream: S2's read session, unless told otherwise. */
  stream(headers: Record<string, string> = { "X-Stream-Version": "v2" }): OutStream {
    const stream = new OutStream(this.#service);
    this.signal?.addEventListener("abort", () => stream.cut(this.signal?.reason));
    const type = { "Content-Type": "text/event-stream" };
    this.#resolve(new Response(stream.body, { headers: { ...type, ...headers } }));
    return stream;
  }

  /** A stream that the service knows to be settled: what it has comes, and no more. */
  streamSettled(): OutStream {
    return this.stream({ "X-Stream-Version": "v2", "X-Session-Settled": "true" });
  }

  /** A stream of an older server, event by event. */
  streamV1(): OutStream {
    return this.stream({});
  }

  toString(): string {
    return `${this.method} ${this.path}${this.query}`;
  }
}

/** One record of `.out`, but for its seq. */
export interface OutRecord {
  headers?: RecordHeaders;
  body?: string;
}

/** A record of data. A part id that repeats is a writer's retry. */
export function data(chunk: unknown, partId: string = crypto.randomUUID()): OutRecord {
  return { body: JSON.stringify({ data: chunk, id: partId }) };
}

/** A control record. */
export function control(subtype: string, headers: Record<string, string> = {}): OutRecord {
  return { headers: [["trigger-control", subtype], ...Object.entries(headers)] };
}

/** One of S2's own commands. */
export function command(name: string, body = "\u0000\u0001"): OutRecord {
  return { headers: [["", name]], body };
}

/** The body of a subscription; what is written arrives at once. */
export class OutStream {
  readonly body: ReadableStream<Uint8Array>;
  #service: ScriptedService;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #encoder = new TextEncoder();

  constructor(service: ScriptedService) {
    this.#service = service;
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#controller = undefined;
      },
    });
  }

  /** Whether the client still reads it, and neither side has ended it. */
  get isOpen(): boolean {
    return this.#controller !== undefined;
  }

  /** Chunks, as one batch. */
  chunks(...chunks: Chunk[]): this {
    return this.batch(...chunks.map((chunk) => data(chunk)));
  }

  /** The end of a turn that had consumed `.in` up to this seq; older agents tell none. */
  turnComplete(inEventId?: number, headers: Record<string, string> = {}): this {
    const consumed = inEventId === undefined ? {} : { "session-in-event-id": String(inEventId) };
    return this.batch(control("turn-complete", { ...consumed, ...headers }));
  }

  /** Records, as one batch. */
  batch(...records: OutRecord[]): this {
    const batch = records.map((record) => ({
      seq_num: this.#service.nextSeq++,
      timestamp: Date.now(),
      ...record,
    }));
    const last = batch.at(-1)?.seq_num ?? 0;
    // S2's own position, which is no cursor here.
    const position = `${last},${batch.length},512`;
    const text = JSON.stringify({ records: batch });
    return this.write(`event: batch\nid: ${position}\ndata: ${text}\n\n`);
  }

  /** One event of an older server, whose id is the cursor. */
  event(chunk: Chunk): this {
    const seq = this.#service.nextSeq++;
    return this.write(`id: ${seq}\ndata: ${JSON.stringify(chunk)}\n\n`);
  }

  /** A sign of life. */
  ping(): this {
    return this.write(`event: ping\ndata: {"timestamp":${Date.now()}}\n\n`);
  }

  /** The window is over. */
  done(): void {
    this.write("data: [DONE]\n\n");
    this.end();
  }

  /** The service fails in the middle of the stream. */
  error(text: string): void {
    this.write(`event: error\ndata: ${text}\n\n`);
    this.end();
  }

  /** The body ends, without a word. */
  end(): void {
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.close();
  }

  /** The connection is lost. */
  cut(error: unknown = new TypeError("network error")): void {
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.error(error);
  }

  /** Bytes as they are; for whoever has gone, nothing. */
  write(text: string): this {
    this.#controller?.enqueue(this.#encoder.encode(text));
    return this;
  }
}

function channelOf(path: string): Channel {
  if (path.endsWith("/in/append")) return "append";
  if (path.endsWith("/in/records")) return "records";
  return path.endsWith("/out") ? "out" : "route";
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
