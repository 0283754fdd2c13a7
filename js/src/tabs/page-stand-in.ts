import { vi } from "vitest";

type Held = { name: string; mode: LockMode; clientId: string };

/** For the tests: the Web Locks of an origin, which Node 20 does not have. */
export class LocksStandIn {
  #held: Held[] = [];
  #queue: { lock: Held; grant(): void }[] = [];

  /** The `navigator.locks` of one tab. */
  of(clientId: string) {
    const request = (name: string, ...rest: unknown[]) => {
      const options = (rest.length > 1 ? rest[0] : {}) as LockOptions;
      const lock: Held = { name, mode: options.mode ?? "exclusive", clientId };
      return this.#request(lock, options, rest.at(-1) as LockGrantedCallback<unknown>);
    };
    return { request, query: async () => ({ held: this.#held.map((lock) => ({ ...lock })) }) };
  }

  /** The tab has died, and its locks fall. */
  crash(clientId: string): void {
    this.#held = this.#held.filter((lock) => lock.clientId !== clientId);
    this.#queue = this.#queue.filter(({ lock }) => lock.clientId !== clientId);
    this.#grant();
  }

  /** The names of all locks that are held. */
  get names(): string[] {
    return this.#held.map(({ name }) => name);
  }

  async #request(
    lock: Held,
    { ifAvailable, signal }: LockOptions,
    callback: LockGrantedCallback<unknown>,
  ): Promise<unknown> {
    await undefined;
    if (ifAvailable && !this.#isFree(lock)) return callback(null);
    await new Promise<void>((grant, reject) => {
      this.#queue.push({ lock, grant });
      signal?.addEventListener("abort", () => reject(signal.reason));
      this.#grant();
    });
    try {
      return await callback(lock);
    } finally {
      this.#held = this.#held.filter((held) => held !== lock);
      this.#grant();
    }
  }

  #grant(): void {
    for (const asked of [...this.#queue]) {
      if (!this.#isFree(asked.lock)) continue;
      this.#queue = this.#queue.filter((other) => other !== asked);
      this.#held.push(asked.lock);
      asked.grant();
    }
  }

  #isFree({ name, mode }: Held): boolean {
    const rivals = this.#held.filter((held) => held.name === name);
    return rivals.every((held) => mode === "shared" && held.mode === "shared");
  }
}

/** What a tab's page can be told. */
export type PageEvent = "pagehide" | "pageshow" | "freeze" | "resume";

/**
 * For the tests: the surroundings of many tabs in one process. What a transport opens inside `inTab` is
 * of that tab, one tab at a time; channels are Node's own.
 */
export function tabsStandIn({ hasLocks = true } = {}) {
  const locks = new LocksStandIn();
  const pages = new Map<string, EventTarget>();
  let current = "";
  if (typeof document === "undefined") vi.stubGlobal("document", {});
  vi.stubGlobal("navigator", {
    get locks() {
      return hasLocks ? locks.of(current) : undefined;
    },
  });
  vi.stubGlobal("addEventListener", (name: string, listener: EventListener) =>
    pages.get(current)?.addEventListener(name, listener),
  );
  vi.stubGlobal("removeEventListener", (name: string, listener: EventListener) => {
    for (const page of pages.values()) page.removeEventListener(name, listener);
  });
  return {
    locks,
    async inTab<Result>(tab: string, open: () => Result): Promise<Awaited<Result>> {
      current = tab;
      if (!pages.has(tab)) pages.set(tab, new EventTarget());
      const opened = await open();
      await vi.dynamicImportSettled();
      return opened;
    },
    /** Tells a tab's page an event: its own, unless it is another's. */
    tell: (tab: string, name: PageEvent, target?: object) => {
      const event = new Event(name);
      if (target) Object.defineProperty(event, "target", { value: target });
      pages.get(tab)?.dispatchEvent(event);
    },
  };
}

/**
 * For the tests: a service with one chat. Every append begins a turn, which writes what the test says.
 */
export function serviceStandIn() {
  const records: { seq_num: number; headers?: string[][]; body?: string }[] = [];
  const readers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const sent: string[] = [];
  const bytes = (some: typeof records) =>
    new TextEncoder().encode(`event: batch\ndata: ${JSON.stringify({ records: some })}\n\n`);
  const write = (more: object) => {
    const record = { seq_num: records.length, timestamp: 1, ...more };
    records.push(record);
    for (const reader of readers) reader.enqueue(bytes([record]));
  };
  const fetch = async (_url: string, init?: RequestInit): Promise<Response> => {
    if (init?.method === "POST") {
      sent.push(String(init.body));
      return new Response(JSON.stringify({ ok: true, seq: sent.length - 1 }));
    }
    const from = Number(new Headers(init?.headers).get("Last-Event-ID") ?? -1) + 1;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        if (records.length > from) controller.enqueue(bytes(records.slice(from)));
        readers.add(controller);
        init?.signal?.addEventListener("abort", () => readers.delete(controller));
      },
    });
    return new Response(body, { headers: { "X-Stream-Version": "v2" } });
  };
  return {
    fetch,
    sent,
    write: (chunk: object) =>
      write({ body: JSON.stringify({ data: chunk, id: crypto.randomUUID() }) }),
    complete: () =>
      write({
        headers: [
          ["trigger-control", "turn-complete"],
          ["session-in-event-id", String(sent.length - 1)],
        ],
      }),
  };
}
