import type { TabMessage } from "./channel.js";
import { applied, type Delta, deltaOf } from "./delta.js";

/** How often other tabs are told what has changed, at most. */
const TELL_EVERY_MS = 100;

/** The messages of a chat, as the tab that owns it tells them. */
export class ToldHistory {
  #post: (message: TabMessage) => void;
  /** What the app has given last, and what was told of it. */
  #latest: unknown[] | undefined;
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
    if (this.#latest !== this.#told) this.#seq += 1;
    this.#told = this.#latest;
    this.#post({ type: "messages", messages: this.#told, seq: this.#seq });
  }

  /** Another tab tells now: whatever was told here is out of date. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#latest = undefined;
    this.#told = undefined;
  }

  #tellNow(): boolean {
    if (!this.#latest || this.#latest === this.#told) return false;
    if (!this.#told) {
      this.tellWhole();
      return true;
    }
    const delta = deltaOf(this.#told, this.#latest);
    this.#told = this.#latest;
    if (!delta) return false;
    this.#seq += 1;
    this.#post({ type: "change", delta, seq: this.#seq });
    return true;
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
