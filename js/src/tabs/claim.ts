import type { TabMessage } from "./channel.js";
import { TabClaim } from "./core.js";

/** The names of the machine's facts and orders: their places are its numbers (src/tabs/border.rs). */
const FACTS = [
  ...(["opened", "closed", "wanted", "over", "locked", "ended", "woken"] as const),
  ...(["claim", "asking", "release", "heartbeat", "hello"] as const),
];
const ORDERS = [
  ...(["claim", "asking", "release", "hello"] as const),
  ...(["lock", "unlock", "watch", "unwatch", "granted", "denied"] as const),
];

type Fact = (typeof FACTS)[number];
type Order = (typeof ORDERS)[number];

/** What the claim of a chat needs of its tab. */
export type ClaimHost = {
  chatId: string;
  /** This tab's number. */
  tab: number;
  post(message: TabMessage): void;
  /** This tab has the chat now, also if it had it before. */
  granted(): void;
  readOnlyChanged(): void;
};

/** The claim of this tab to one chat: carries out what the machine orders, and tells what comes of it. */
export class ChatClaim {
  #host: ClaimHost;
  #locks = navigator.locks as LockManager | undefined;
  #claim: TabClaim;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unlock: (() => void) | undefined;
  /** The tab of each life that is watched. */
  #tabOf = new Map<number, number>();
  #unwatch = new AbortController();
  #waiting: ((isGranted: boolean) => void)[] = [];
  #isHeld = false;
  #isGranted = false;
  #isReadOnly = false;

  constructor(host: ClaimHost) {
    this.#host = host;
    this.#claim = new TabClaim(host.tab, this.#locks !== undefined);
  }

  /** Whether the chat is this tab's, or about to be. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Whether this tab has claimed the chat aloud: before that, nobody listens to it. */
  get isGranted(): boolean {
    return this.#isGranted;
  }

  /** Whether the chat is another tab's. */
  get isReadOnly(): boolean {
    return this.#isReadOnly;
  }

  /** Whether the chat is that tab's. */
  isOwner(tab: number): boolean {
    return this.#claim.isOwner(tab);
  }

  /** The channel is open. Finds out whose the chat is: an owner that is frozen cannot answer. */
  open(): void {
    this.#tell("opened");
    void this.#lookForOwner();
  }

  /** Lets go of all that would keep a page out of the back/forward cache. */
  close(): void {
    // A turn that goes on claims the chat anew when the channel is open again.
    this.#isGranted = false;
    this.#tell("closed");
  }

  /** Wants the chat; resolves with whether this tab has it. */
  want(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#tell("wanted");
    });
  }

  /** The turn is over. */
  over(): void {
    this.#tell("over");
    this.#answer(false);
  }

  /** Another tab has said something of its claim. */
  heard(tab: number, message: TabMessage & { type: Fact }): void {
    if (message.type === "claim") this.#claimed(tab, message.life);
    else this.#tell(message.type, tab);
  }

  #claimed(tab: number, life = 0): void {
    this.#tabOf.set(life, tab);
    this.#tell("claim", tab, life);
  }

  #tell(fact: Fact, tab = 0, life = 0): void {
    const told = this.#claim.tell(performance.now(), FACTS.indexOf(fact), tab, life);
    const [delay = -1, isHeld, isReadOnly, ...orders] = told;
    this.#isHeld = isHeld === 1;
    this.#isGranted &&= this.#isHeld;
    clearTimeout(this.#timer);
    if (delay >= 0) this.#timer = setTimeout(() => this.#tell("woken"), delay);
    for (let at = 0; at < orders.length; at += 2) {
      const order = ORDERS[orders[at] ?? -1];
      if (order) this.#carryOut(order, orders[at + 1] ?? 0);
    }
    if (this.#isReadOnly === (isReadOnly === 1)) return;
    this.#isReadOnly = isReadOnly === 1;
    this.#host.readOnlyChanged();
  }

  #carryOut(order: Order, life: number): void {
    switch (order) {
      case "claim":
        this.#host.post({ type: "claim", ...(life > 0 && { life }) });
        break;
      case "asking":
      case "release":
      case "hello":
        this.#host.post({ type: order });
        break;
      case "lock":
        void this.#lock();
        break;
      case "unlock":
        this.#unlock?.();
        break;
      case "watch":
        void this.#watch(life);
        break;
      case "unwatch":
        this.#unwatch.abort();
        this.#unwatch = new AbortController();
        this.#tabOf.clear();
        break;
      case "granted":
        this.#isGranted = true;
        this.#answer(true);
        this.#host.granted();
        break;
      case "denied":
        this.#answer(false);
    }
  }

  #answer(isGranted: boolean): void {
    for (const resolve of this.#waiting.splice(0)) resolve(isGranted);
  }

  // Locks

  get #lockName(): string {
    return `trigger-chat:${this.#host.chatId}`;
  }

  /** The life's lock is taken first, and so is let go of last: who sees it fall finds the chat's free. */
  async #lock(): Promise<void> {
    const life = randomNumber();
    try {
      await this.#locks?.request(this.#lifeName(life), () =>
        this.#locks?.request(this.#lockName, { ifAvailable: true }, (lock) => {
          if (!lock) return this.#tell("locked");
          return new Promise<void>((release) => {
            this.#unlock = release;
            this.#tell("locked", 0, life);
          });
        }),
      );
    } catch {
      // A document without an origin may have no locks, nor other tabs.
      this.#tell("locked", 0, life);
    }
  }

  async #watch(life: number): Promise<void> {
    const { signal } = this.#unwatch;
    const name = this.#lifeName(life, this.#tabOf.get(life));
    try {
      // Shared, for all who wait for its end see it at once.
      await this.#locks?.request(name, { mode: "shared", signal }, () => {});
    } catch {
      return;
    }
    this.#tabOf.delete(life);
    if (!signal.aborted) this.#tell("ended", 0, life);
  }

  async #lookForOwner(): Promise<void> {
    const held = (await this.#locks?.query().catch(() => undefined))?.held ?? [];
    const owner = held.find(({ name }) => name === this.#lockName)?.clientId;
    for (const { name, clientId } of held) {
      const [tab, life] = this.#ownerOf(name ?? "");
      const isOwner = clientId === owner && tab !== undefined && tab !== this.#host.tab;
      if (owner !== undefined && isOwner) this.#claimed(tab, life);
    }
  }

  #lifeName(life: number, tab = this.#host.tab): string {
    return `trigger-chat-life:${tab}:${life}:${this.#host.chatId}`;
  }

  /** The tab and the life of an owner, by the name of its life's lock. */
  #ownerOf(name: string): [tab?: number, life?: number] {
    const [, tab = 0, life = 0] = name.split(":").map(Number);
    return name === this.#lifeName(life, tab) ? [tab, life] : [];
  }
}

/** A number that no other tab has, from 1 on. */
export function randomNumber(): number {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
  return number || 1;
}
