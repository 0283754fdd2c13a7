import type { TabMessage } from "./channel.js";
import { applied, copyOf, type Delta, deltaOf } from "./delta.js";

/** How often other tabs are told what has changed, at most. */
const TELL_EVERY_MS = 100;

/** The messages of a chat, as the tab that owns it tells them. */
export class ToldHistory {
  #post: (message: TabMessage) => void;
  /** What the app has given last. */
  #latest: unknown[] | undefined;
  /** What it had given when other tabs were told last, and a copy: the app may go on writing in its own. */
  #given: unknown[] = [];
  #told: unknown[] | undefined;
  #seq = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(post: (message: TabMessage) => void) {
    this.#post = post;
  }

  /** Whether something was told, and no other tab has told since. */
  get isTold(): boolean {
    return this.#told !== undefined;
  }

  /** What the app has now. It is told with `tell`. */
  set latest(messages: unknown[]) {
    this.#latest = messages;
  }

  /** Tells what has changed, now or soon. */
  tell(): void {
    if (this.#timer !== undefined) return;
    if (!this.#tellNow()) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.tell();
    }, TELL_EVERY_MS);
  }

  /** Tells all of it, to those who have missed something and those who know no changes. */
  tellWhole(): void {
    if (!this.#latest) return;
    const isFirst = !this.#told;
    if (this.#takeChange(this.#latest) || isFirst) this.#seq += 1;
    this.#post({ type: "messages", messages: this.#latest, seq: this.#seq });
  }

  /** Another tab tells now: whatever was told here is out of date. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#latest = undefined;
    this.#given = [];
    this.#told = undefined;
  }

  #tellNow(): boolean {
    if (!this.#latest || this.#latest === this.#given) return false;
    if (!this.#told) {
      this.tellWhole();
      return true;
    }
    const delta = this.#takeChange(this.#latest);
    if (!delta) return false;
    this.#seq += 1;
    this.#post({ type: "change", delta, seq: this.#seq });
    return true;
  }

  /** What has changed since other tabs were told; they are told now. */
  #takeChange(latest: unknown[]): Delta | undefined {
    const told = this.#told ?? [];
    const given = this.#given;
    // `useChat` adds an answer, and writes in it once more before it is a new object each time.
    const isSame = (index: number) => index < latest.length - 1 && latest[index] === given[index];
    const before = told.map((message, index) => (isSame(index) ? latest[index] : message));
    this.#told = latest.map((message, index) => (isSame(index) ? told[index] : copyOf(message)));
    this.#given = latest;
    return deltaOf(before, latest);
  }
}

/** The messages of a chat, as another tab has told them. */
export class HeardHistory {
  #tab: number | undefined;
  #seq: number | undefined;
  #messages: unknown[] = [];
  /** The tab that was asked for all of them. */
  #asked: number | undefined;

  /**
   * Takes what the owner tells. Gives its messages where they have changed, or `"missed"` where
   * something was missed and has to be asked for.
   */
  take(
    tab: number,
    message: TabMessage & { type: "messages" | "change" },
  ): unknown[] | "missed" | undefined {
    const { seq } = message;
    const last = this.#tab === tab ? this.#seq : undefined;
    if (seq !== undefined && last !== undefined && seq <= last) return undefined;
    if (message.type === "messages") return this.#set(tab, seq, message.messages);
    const messages = seq === (last ?? Number.NaN) + 1 && changed(this.#messages, message.delta);
    if (messages) return this.#set(tab, seq, messages);
    if (this.#asked === tab) return undefined;
    this.#asked = tab;
    return "missed";
  }

  #set(tab: number, seq: number | undefined, messages: unknown[]): unknown[] {
    this.#tab = tab;
    this.#seq = seq;
    this.#messages = messages;
    this.#asked = undefined;
    return messages;
  }
}

function changed(messages: unknown[], delta: Delta): unknown[] | undefined {
  try {
    const after = applied(messages, delta);
    return Array.isArray(after) ? after : undefined;
  } catch {
    // Another version's, or garbage.
    return undefined;
  }
}
