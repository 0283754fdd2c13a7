// @ts-check
// The I/O of one chat: what the machine in WebAssembly orders is carried out here, by the host's own
// fetch, streams and timers, and what comes of it is told to the machine. Nothing is decided here, and
// nothing throws into the machine.
//
// It is JavaScript, and not Rust over web-sys, because that is where these things are native: the
// same code there was larger by half the module (docs/performance.md).

/** @typedef {import("../../target/wasm-pack/trigger_chat_transport.js").ChatMachine} ChatMachine */
/** @typedef {{ type: "append", [member: string]: any }} Order Each type is the name of a method. */
/** @typedef {{ thrown?: number, message?: string, [member: string]: unknown }} ErrorMembers An error, as the machine has it: without members it is an abort. */
/** @typedef {Record<string, any>} Options The transport's options; the callbacks in it are live. */
/** @typedef {(settlement: object) => void} OnSettled */
/** @typedef {{ resolve(value: unknown): void, reject(error: unknown): void, unlisten(): void, onSettled: OnSettled | undefined, controller?: ReadableStreamDefaultController, more?(): void, fail?(): void }} Call Of what answers it as a stream, the end here; `more` lets it ask for more, and `fail` ends it. */
/** @typedef {{ abort: AbortController, reader?: ReadableStreamDefaultReader | undefined, unread?: { value: Uint8Array } | undefined }} Request `unread` is what the machine has not been told of the last read. */

const DEFAULT_BASE_URL = "https://api.trigger.dev";

/** What tells that the network or the page comes and goes. */
const WAKE_EVENTS = "online offline visibilitychange pagehide freeze pageshow resume".split(" ");

/** The long-poll window that is asked for, in seconds; the published client's number. */
const DEFAULT_STREAM_TIMEOUT_SECONDS = 120;

/**
 * How many bytes of a read the machine is told at once. Chromium reads up to 2 MiB, and the memory of a
 * WebAssembly, which never shrinks, would be several times as large.
 */
const MAX_BYTES_AT_ONCE = 512 * 1024;

/** The facts, by the numbers that they have in WebAssembly (`facts.rs`, `border.rs`). */
const FACTS = (
  "send steer reconnect start stop session adopt cursor died retry disposed aborted wanted cancelled " +
  "sessionStarted startFailed tokenReady tokenFailed answered ended connected headStarted networkFailed " +
  "online offline shown putAway hidden woken options restored state"
).split(" ");

/** A longer wait is as good as none: the number has to be one that is written out. */
const MAX_RETRY_AFTER_MS = 1e9;

/**
 * How many of the errors that were thrown are kept. The machine hands on one of the last, but for one that
 * waits for the end of a send, whose attempts may each throw another: more than there are.
 */
const MAX_THROWN = 1000;

/** One chat: its machine, whose orders are carried out here. */
export class ChatHost {
  #options;
  #chatId;
  #machine;
  /** @type {Order[]} */
  #orders = [];
  #isCarryingOut = false;
  #lastCall = 0;
  /** @type {Map<number, unknown>} */
  #thrown = new Map();
  #lastThrown = 0;
  /** @type {Map<number, Call>} */
  #calls = new Map();
  /** @type {Map<number, Call>} */
  #streams = new Map();
  /** @type {Map<number, Request>} */
  #requests = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /**
   * Which requests have cookies, where streams are asked for by `EventSource`: cookies tell who is there.
   *
   * @type {RequestCredentials | undefined}
   */
  #credentials;
  /** @type {ReturnType<typeof import("./event-source.js").eventSourceFetch> | undefined} */
  #eventSourceFetch;
  /** The latest reading of the clock on the wall, and by how much in all it was set back since. */
  #latest = 0;
  #setBack = 0;
  /** The page is in the back/forward cache, or frozen. */
  #isAway = false;

  /**
   * @param {Options} options
   * @param {string} chatId
   * @param {ChatMachine} machine
   */
  constructor(options, chatId, machine) {
    this.#options = options;
    this.#chatId = chatId;
    this.#machine = machine;
    if (options.streamSource !== "eventsource") return;
    this.#credentials = options.withCredentials ? "include" : "same-origin";
  }

  // Facts

  /**
   * Makes a call of the app, which is answered by a promise. Its signal counts until the call, or the stream
   * that answers it, is over.
   *
   * - `send`, with what `sendOf` (`js/src/calls.ts`) makes of the options of `sendMessages`. Resolves,
   *   once the send is acknowledged, with the `ReadableStream` of the answer's chunks.
   * - `steer`, with what `pendingOf` makes of a message: adds it to what the running turn was
   *   asked. Resolves with whether it was delivered; the open stream goes on.
   * - `reconnect`, with the options of `reconnectToStream`: resumes a turn that may be running.
   *   Resolves with the stream of the whole turn, or with `null` where there is nothing to resume.
   * - `start`: creates the session, where it is not there yet. Resolves with its persisted state.
   * - `stop`: ends the running turn. Resolves with whether the stop was delivered; never rejects.
   *
   * @param {string} type
   * @param {{ abortSignal?: AbortSignal, stopOnAbort?: boolean, onSettled?: OnSettled, body?: string }} options
   * @returns {Promise<any>}
   */
  call(type, { abortSignal: signal, stopOnAbort, onSettled, ...fact }) {
    const id = ++this.#lastCall;
    const onAbort = () => {
      const stopsTurn = stopOnAbort && !this.#options.isLeaving?.();
      this.tell({ type: "aborted", id, partId: stopsTurn ? randomUuid() : undefined });
    };
    signal?.addEventListener("abort", onAbort);
    const unlisten = () => signal?.removeEventListener("abort", onAbort);
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, unlisten, onSettled });
      this.tell({ ...fact, type, id, partId: randomUuid() });
    });
  }

  /**
   * Tells the machine a fact, an object with a `type`. These are the app's:
   *
   * - `options`: what of the options concerns the machine. Whether there is a `startSession` may change.
   * - `restored`: with the members of the persisted state that the app had stored, before all else.
   * - `session`: sets the persisted state, whose members it has.
   * - `adopt`: takes over how the session of the tab that owns the chat stands: all but its token.
   * - `cursor`: the app holds the chat's messages up to `lastEventId` already.
   * - `died`: what a stopped turn owes does not come any more, for it died.
   * - `retry`: makes a lost connection again without waiting any longer.
   * - `disposed`: nobody reads any more. Turns go on at the server; a later call works.
   *
   * @param {{ type: string, body?: string, [member: string]: unknown }} fact `body` is a message's or an
   *   answer's.
   */
  tell(fact) {
    this.#carryOut(this.#told(fact));
  }

  /** The persisted state of the chat's session, or `undefined`. */
  session() {
    return this.#told({ type: "state" }) ?? undefined;
  }

  /** @param {{ type: string, body?: string, [member: string]: unknown }} fact */
  #told({ type, body = "", ...fact }) {
    const kind = FACTS.indexOf(type);
    return JSON.parse(this.#machine.tell(this.#now(), kind, JSON.stringify(fact), body));
  }

  /**
   * Tells the machine that something was thrown, which it knows by a number.
   *
   * @param {unknown} error
   * @param {{ type: string, id?: number }} fact
   */
  #tellThrown(error, fact) {
    const thrown = ++this.#lastThrown;
    this.#thrown.set(thrown, error);
    this.#thrown.delete(thrown - MAX_THROWN);
    this.tell({ ...fact, thrown });
  }

  // Orders

  /**
   * Carries out orders. That may bring new facts, by way of the app's callbacks; what those order comes after.
   *
   * @param {Order[]} orders
   */
  #carryOut(orders) {
    this.#orders.push(...orders);
    if (this.#isCarryingOut) return;
    this.#isCarryingOut = true;
    // Those that come meanwhile as well.
    for (const { type, ...order } of this.#orders) {
      try {
        this[type](/** @type {any} */ (order));
      } catch (error) {
        // The chat goes on, whatever a callback does.
        console.error("A callback threw:", error);
      }
    }
    this.#orders = [];
    this.#isCarryingOut = false;
  }

  /** @param {ErrorMembers} error */
  #errorOf({ thrown, message, ...members }) {
    if (thrown !== undefined) return this.#thrown.get(thrown);
    if (message === undefined) return abortError();
    return Object.assign(new Error(message), members);
  }

  // Calls of the app

  /** @param {{ id: number, answer: unknown }} order */
  resolve({ id, answer }) {
    over(this.#calls, id)?.resolve(answer);
  }

  /** @param {{ id: number, error: ErrorMembers }} order */
  reject({ id, error }) {
    over(this.#calls, id)?.reject(this.#errorOf(error));
  }

  // Streams that the app holds

  /** @param {{ id: number, call: number }} order */
  openStream({ id, call: answered }) {
    const call = take(this.#calls, answered);
    if (!call) return;
    const stream = new ReadableStream({
      start: (controller) => {
        call.controller = controller;
        this.#streams.set(id, call);
      },
      pull: () =>
        call.fail
          ? call.fail()
          : // It is not asked again before something has come: each question crosses, and wakes the machine.
            new Promise((/** @type {(value?: undefined) => void} */ more) => {
              call.more = more;
              this.tell({ type: "wanted", id });
            }),
      cancel: () => {
        over(this.#streams, id);
        this.tell({ type: "cancelled", id });
      },
    });
    call.resolve(stream);
  }

  /** @param {{ id: number, chunks: unknown[] }} order */
  emit({ id, chunks }) {
    const stream = this.#streams.get(id);
    for (const chunk of chunks) stream?.controller?.enqueue(chunk);
    stream?.more?.();
  }

  /**
   * Tells the caller that its send is dealt with.
   *
   * @param {{ id: number, inputSeq: number, sessionInEventId: string, lastEventId?: string }} order
   */
  settle({ id, ...settlement }) {
    this.#streams.get(id)?.onSettled?.(settlement);
  }

  /** @param {{ id: number }} order */
  closeStream({ id }) {
    over(this.#streams, id)?.controller?.close();
  }

  /** @param {{ id: number, error: ErrorMembers }} order */
  failStream({ id, error }) {
    const stream = over(this.#streams, id);
    if (!stream) return;
    const failure = this.#errorOf(error);
    stream.fail = () => stream.controller?.error(failure);
    // An error empties a stream: what came before is read before. Room for one is when nothing is unread.
    if (stream.controller?.desiredSize === 1) stream.fail();
  }

  // Callbacks of the app

  async startSession() {
    let result;
    try {
      result = await this.#options.startSession({
        taskId: this.#options.task,
        chatId: this.#chatId,
        clientData: this.#options.clientData ?? {},
      });
      if (!isToken(result?.publicAccessToken)) {
        throw new TypeError("`startSession` has to give { publicAccessToken }, a string.");
      }
    } catch (error) {
      return this.#tellThrown(error, { type: "startFailed" });
    }
    const { publicAccessToken: token, pendingVersion } = result;
    this.tell({ type: "sessionStarted", token, pendingVersion });
  }

  async refreshToken() {
    let token;
    try {
      token = await this.#options.accessToken({ chatId: this.#chatId });
      if (!isToken(token)) throw new TypeError("`accessToken` has to give a token, a string.");
    } catch (error) {
      return this.#tellThrown(error, { type: "tokenFailed" });
    }
    this.tell({ type: "tokenReady", token });
  }

  /** @param {{ state: unknown }} order */
  persist({ state }) {
    this.#options.onSession?.(this.#chatId);
    this.#options.onSessionChange?.(this.#chatId, state);
  }

  /**
   * Tells the app an event.
   *
   * @param {{ event: { type: string, error?: ErrorMembers, [member: string]: unknown } }} order
   */
  tellEvent({ event: { type, error, ...members } }) {
    const thrown = error && this.#errorOf(error);
    const stamp = { type, chatId: this.#chatId, timestamp: Date.now() };
    const cause = error && {
      error: thrown instanceof Error ? thrown : new Error(String(thrown)),
    };
    try {
      this.#options.onEvent?.({ ...stamp, ...members, ...cause });
    } catch {
      // An observer's fault must never break the chat.
    }
  }

  /**
   * Tells the face of the transport how the connection is.
   *
   * @param {{ status: string, attempt?: number, nextTry?: number }} order `nextTry` is by `#now`.
   */
  tellConnection({ nextTry, ...state }) {
    const next = nextTry !== undefined && { nextTryAt: nextTry - this.#setBack };
    this.#options.onConnection?.(this.#chatId, { ...state, ...next });
  }

  // Requests

  /** @param {{ id: number, token: string, partId: string, body: string }} order */
  append({ id, token, partId, body }) {
    const own = {
      "Content-Type": "application/json",
      "x-trigger-source": "sdk",
      "X-Part-Id": partId,
    };
    return this.#ask(id, "in/append", token, own, { method: "POST", body });
  }

  /**
   * Asks the app's own route; not through the app's `fetch`, which is for the service.
   *
   * @param {{ id: number, body: string }} order
   */
  async headStart({ id, body }) {
    const { headStart, headers: extra } = this.#options;
    const response = await this.#open(id, (signal) =>
      globalThis.fetch(headStart, {
        ...{ method: "POST", body, signal },
        headers: withOwn(extra, { "Content-Type": "application/json" }),
      }),
    );
    if (!response) return;
    const { status, headers } = response;
    this.tell({
      type: "headStarted",
      id,
      status,
      token: headers.get("X-Trigger-Chat-Access-Token"),
      pendingVersion: headers.get("X-Trigger-Chat-Pending-Version") === "1",
    });
  }

  /** @param {{ id: number, token: string, after?: number }} order `after` is the seq behind which to list. */
  listInput({ id, token, after }) {
    const query = after === undefined ? "" : `?afterEventId=${after}`;
    return this.#ask(id, `in/records${query}`, token, {}, {});
  }

  /**
   * A request of the endpoint `in`, whose answer is a text.
   *
   * @param {number} id
   * @param {string} path
   * @param {string} token
   * @param {Record<string, string>} own
   * @param {RequestInit} init
   */
  async #ask(id, path, token, own, init) {
    const answer = await this.#open(id, async (signal) => {
      const response = await this.#fetch("in", path, token, own, { ...init, signal });
      const { status, headers } = response;
      return { status, headers, text: await response.text() };
    });
    if (!answer) return;
    this.#requests.delete(id);
    const { status, headers, text: body } = answer;
    this.tell({ type: "answered", id, status, retryAfterMs: retryAfter(headers), body });
  }

  /** @param {{ id: number, token: string, lastEventId?: string, peekSettled: boolean }} order */
  async subscribe({ id, token, lastEventId, peekSettled }) {
    const seconds = this.#options.streamTimeoutSeconds ?? DEFAULT_STREAM_TIMEOUT_SECONDS;
    const own = {
      Accept: "text/event-stream",
      "X-Peek-Settled": peekSettled ? "1" : undefined,
      "Last-Event-ID": lastEventId,
      // None for zero: the service has a length of its own.
      "Timeout-Seconds": seconds ? String(seconds) : undefined,
    };
    const response = await this.#open(id, (signal) =>
      this.#credentials
        ? this.#fetchByEventSource(own, this.#credentials, signal)
        : this.#fetch("out", "out", token, own, { signal }),
    );
    if (!response) return;
    const { status, headers } = response;
    this.tell({
      type: "connected",
      id,
      status,
      // An app's own `fetch` may leave the type out.
      isEventStream: /^text\/event-stream\b/i.test(
        headers.get("Content-Type") ?? "text/event-stream",
      ),
      isV2: headers.get("X-Stream-Version") === "v2",
      isSettled: headers.get("X-Session-Settled") === "true",
      retryAfterMs: retryAfter(headers),
    });
  }

  /**
   * Whoever reads by `fetch` does not download this.
   *
   * @param {Record<string, string | undefined>} headers
   * @param {RequestCredentials} credentials
   * @param {AbortSignal} signal
   */
  async #fetchByEventSource(headers, credentials, signal) {
    const { eventSourceFetch } = await import("./event-source.js");
    signal.throwIfAborted();
    this.#eventSourceFetch ??= eventSourceFetch(credentials);
    return this.#eventSourceFetch(this.#url("out", "out"), headers, signal);
  }

  /**
   * Sends a request, and readies a body that is read bit by bit. Gives `undefined` where it found no
   * network, as is told.
   *
   * @template {{ status: number, headers: Headers, body?: ReadableStream | null }} Answer
   * @param {number} id
   * @param {(signal: AbortSignal) => Promise<Answer>} send
   */
  async #open(id, send) {
    const abort = new AbortController();
    /** @type {Request} */
    const request = { abort };
    this.#requests.set(id, request);
    try {
      const response = await send(abort.signal);
      request.reader = response.body?.getReader();
      // It was cancelled meanwhile.
      if (!this.#requests.has(id)) letGo(request);
      return response;
    } catch (error) {
      this.#requests.delete(id);
      this.#tellThrown(error, { type: "networkFailed", id });
      return undefined;
    }
  }

  /** @param {{ id: number, restMs: number }} order `restMs` is how long to wait before. */
  async read({ id, restMs }) {
    if (restMs) await new Promise((rested) => setTimeout(rested, restMs));
    // Between two pieces of a large read a page that is seen has its turn.
    else if (this.#requests.get(id)?.unread && !isHidden()) await yieldToPage();
    const request = this.#requests.get(id);
    if (!request) return;
    let taken;
    try {
      const bytes = (await (request.unread ?? request.reader?.read()))?.value;
      taken = bytes?.subarray(0, MAX_BYTES_AT_ONCE);
      const rest = bytes?.subarray(MAX_BYTES_AT_ONCE);
      request.unread = rest?.length ? { value: rest } : undefined;
    } catch (error) {
      return this.#tellThrown(error, { type: "networkFailed", id });
    }
    if (!taken) return this.tell({ type: "ended", id });
    this.#carryOut(JSON.parse(this.#machine.wasRead(this.#now(), id, taken)));
  }

  /** @param {{ id: number }} order */
  cancelRequest({ id }) {
    letGo(take(this.#requests, id));
  }

  /**
   * @param {"in" | "out"} endpoint
   * @param {string} path
   * @param {string} token
   * @param {Record<string, string | undefined>} ownHeaders
   * @param {RequestInit} init
   * @returns {Promise<Response>}
   */
  async #fetch(endpoint, path, token, ownHeaders, init) {
    const { fetch, headers } = this.#options;
    const credentials = this.#credentials;
    // Where a cookie tells who is there, the token stays here. One that no header can hold, as a turn's end may
    // tell, goes as none and is refused: a host's own complaint would show it.
    const Authorization = credentials ? undefined : `Bearer ${isToken(token) ? token : ""}`;
    const request = {
      ...init,
      ...(credentials && { credentials }),
      headers: withOwn(headers, { Authorization, ...ownHeaders }),
    };
    const target = this.#url(endpoint, path);
    const context = { endpoint, chatId: this.#chatId };
    // The global is looked up now: tests and instrumentation replace it.
    return fetch ? fetch(target, request, context) : globalThis.fetch(target, request);
  }

  /**
   * @param {"in" | "out"} endpoint
   * @param {string} path
   */
  #url(endpoint, path) {
    const { baseURL = DEFAULT_BASE_URL, streamBaseURL } = this.#options;
    const base = (endpoint === "out" && streamBaseURL) || baseURL;
    const url = typeof base === "function" ? base({ endpoint, chatId: this.#chatId }) : base;
    const session = `realtime/v1/sessions/${encodeURIComponent(this.#chatId)}`;
    return `${url.replace(/\/$/, "")}/${session}/${path}`;
  }

  // Time and surroundings

  /**
   * The time of now in milliseconds. It never goes back, and it goes on while the machine sleeps, as
   * `performance.now` does not everywhere.
   */
  #now() {
    const reading = Date.now();
    if (reading < this.#latest) this.#setBack += this.#latest - reading;
    this.#latest = reading;
    return reading + this.#setBack;
  }

  /**
   * Listens to the network and the page, or no more. How they are now is told at once.
   *
   * @param {{ isWanted: boolean }} order
   */
  watch({ isWanted }) {
    const change = isWanted ? "addEventListener" : "removeEventListener";
    // Not every host has them: Node has none.
    // Captured, for the document's own do not bubble up to the window.
    for (const name of WAKE_EVENTS) globalThis[change]?.(name, this.#onWake, true);
    if (isWanted && isOffline()) this.tell({ type: "offline" });
    if (isWanted && isHidden()) this.tell({ type: "hidden" });
  }

  #onWake = (/** @type {Event} */ { type, target }) => {
    // An element's own event of such a name says nothing of the page.
    if (/** @type {Node} */ (target).parentNode) return;
    const tell = (/** @type {string} */ fact) => this.tell({ type: fact });
    if (type === "visibilitychange") return tell(isHidden() ? "hidden" : "shown");
    const wasAway = this.#isAway;
    this.#isAway = /pagehide|freeze/.test(type);
    if (this.#isAway) tell("putAway");
    // A page that is back is told so by one or two of them, one that is new by `pageshow`.
    else if (wasAway || !/pageshow|resume/.test(type)) {
      tell(isOffline() ? "offline" : "online");
    }
  };

  /** @param {{ deadline?: number }} order By `#now`; none for never. */
  setTimer({ deadline }) {
    clearTimeout(this.#timer);
    if (deadline === undefined) return;
    this.#timer = setTimeout(() => this.tell({ type: "woken" }), deadline - this.#now());
  }
}

/** A random UUID, version 4. */
function randomUuid() {
  const { crypto } = globalThis;
  // A host without Web Crypto has `Math.random`: the bits tell sends apart and guard no secret. And only
  // pages of secure origins have `randomUUID`.
  const random = () => crypto?.getRandomValues(new Uint8Array(1))[0] ?? Math.random() * 256;
  // Of each digit that is no 4: as many random bits as it leaves room for.
  return "00000000-0000-4000-8000-000000000000".replace(/[08]/g, (digit) =>
    (Number(digit) | (random() & (digit === "8" ? 3 : 15))).toString(16),
  );
}

function isOffline() {
  return globalThis.navigator?.onLine === false;
}

function isHidden() {
  return globalThis.document?.visibilityState === "hidden";
}

/** Lets the page do what is due, where the host can be asked for that. */
function yieldToPage() {
  const { scheduler } = /** @type {{ scheduler?: { yield?(): Promise<void> } }} */ (globalThis);
  // It fails in a task that the app has given up.
  return scheduler?.yield?.().catch(() => {});
}

/**
 * Lets go of a request, also where the app's `fetch` has left out its signal.
 *
 * @param {Request | undefined} request
 */
function letGo(request) {
  request?.abort.abort();
  request?.reader?.cancel().catch(() => {});
}

/**
 * How long the service asks to wait; `undefined` where it does not, or not readably.
 *
 * @param {Headers} headers
 */
function retryAfter(headers) {
  const after = headers.get("Retry-After");
  // Seconds or a date; else the moment, in Unix milliseconds, from which requests count anew.
  const moment = after ? Date.parse(after) : Number(headers.get("x-ratelimit-reset"));
  const ms = after && Number(after) >= 0 ? Number(after) * 1000 : moment - Date.now();
  return ms >= 0 ? Math.ceil(Math.min(ms, MAX_RETRY_AFTER_MS)) : undefined;
}

/**
 * The app's headers and those of ours that there are, in a plain object, since apps spread it in their
 * `fetch`. Ours win, in whatever case the app wrote the same name: both would be joined into one value
 * otherwise.
 *
 * @param {Record<string, string> | undefined} extra
 * @param {Record<string, string | undefined>} ownHeaders
 * @returns {Record<string, any>}
 */
function withOwn(extra, ownHeaders) {
  const own = Object.entries(ownHeaders).filter(([, value]) => value !== undefined);
  const names = own.map(([name]) => name.toLowerCase());
  const kept = Object.entries(extra ?? {}).filter(([name]) => !names.includes(name.toLowerCase()));
  return Object.fromEntries([...kept, ...own]);
}

/** What a call is rejected with when nobody waits for it any more. */
export function abortError() {
  return Object.assign(new Error("The chat request was aborted."), { name: "AbortError" });
}

/**
 * Whether a header can hold it: a host's own complaint would show it.
 *
 * @param {unknown} value
 */
export function isToken(value) {
  return typeof value === "string" && /^[ -~]+$/.test(value);
}

/**
 * Takes a call, or the stream that answers it, which is over: its signal counts no more.
 *
 * @param {Map<number, Call>} map
 * @param {number} id
 */
function over(map, id) {
  const call = take(map, id);
  call?.unlisten();
  return call;
}

/**
 * @template T
 * @param {Map<number, T>} map
 * @param {number} key
 * @returns {T | undefined}
 */
function take(map, key) {
  const value = map.get(key);
  map.delete(key);
  return value;
}
