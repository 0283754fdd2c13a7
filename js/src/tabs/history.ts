import type { TabMessage } from "./channel.js";
import { applied, copyOf, type Delta, deltaOf, growthIn } from "./delta.js";

/** How often other tabs are told what has changed, at most. More often would cost more than it tells. */
const TELL_EVERY_MS = 200;

/** The messages of a chat, as the tab that owns it tells them. */
export class ToldHistory {
  #post: (message: TabMessage) => void;
  /** What the app has given last. */
  #latest: unknown[] | undefined;
  /** What it had given when other tabs were told last, and a copy: the app may go on writing in its own. */
  #given: unknown[] = [];
  #told: unknown[] | undefined;
  #seq = 0;
  /** Where a text has grown, if that was all that was told last. */
  #growing: string | undefined;
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
    if (!this.tellNow()) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.tell();
    }, TELL_EVERY_MS);
  }

  /** Tells what has changed, and gives whether something has. */
  tellNow(): boolean {
    const delta = this.#takeChange();
    if (delta === "all") this.#postAll();
    else if (delta) this.#post({ type: "change", delta: this.#shortened(delta), seq: this.#seq });
    return delta !== undefined;
  }

  /** Tells all of it, to those who have missed something and those who know no changes. */
  tellWhole(): void {
    this.#takeChange();
    this.#postAll();
  }

  /** Whether another tab, which shows these, was told other ones. */
  differs(messages: unknown[]): boolean {
    return this.#told !== undefined && deltaOf(messages, this.#latest) !== undefined;
  }

  /** Another tab tells now: whatever was told here is out of date. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#latest = undefined;
    this.#given = [];
    this.#told = undefined;
  }

  #postAll(): void {
    if (!this.#latest) return;
    this.#growing = undefined;
    this.#post({ type: "messages", messages: this.#latest, seq: this.#seq });
  }

  #shortened(delta: Delta): Delta {
    const growth = growthIn(delta);
    const growing = growth && JSON.stringify(delta, (_, value) => (value === growth ? 0 : value));
    const isSame = growing === this.#growing;
    this.#growing = growing;
    return growth && isSame ? [4, growth[1]] : delta;
  }

  /**
   * What has changed since other tabs were told, who are told now. A tab of the published client, which
   * knows no changes, has to know the first messages, to be known itself: all that was none before.
   */
  #takeChange(): Delta | "all" | undefined {
    const latest = this.#latest;
    if (!latest) return undefined;
    const told = this.#told;
    const given = this.#given;
    // `useChat` adds an answer, and writes in it once more before it is a new object each time.
    const isSame = (index: number) => index < latest.length - 1 && latest[index] === given[index];
    const before = told?.map((message, index) => (isSame(index) ? latest[index] : message));
    this.#told = latest.map((message, index) => (isSame(index) ? told?.[index] : copyOf(message)));
    this.#given = latest;
    const delta = before ? deltaOf(before, latest) : "all";
    if (delta) this.#seq += 1;
    return delta && !before?.length ? "all" : delta;
  }
}

/** The messages of a chat, as another tab has told them. */
export class HeardHistory {
  #tab: number | undefined;
  #seq: number | undefined;
  #messages: unknown[] = [];
  /** The last change, where a text that grew was all of it. */
  #growing: Delta | undefined;
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
    const delta = message.delta[0] === 4 ? this.#grown(message.delta[1]) : message.delta;
    const messages = delta && seq === (last ?? Number.NaN) + 1 && changed(this.#messages, delta);
    if (messages) return this.#set(tab, seq, messages, delta);
    if (this.#asked === tab) return undefined;
    this.#asked = tab;
    return "missed";
  }

  #grown(text: string): Delta | undefined {
    const growth = this.#growing && growthIn(this.#growing);
    if (growth) growth[1] = text;
    return this.#growing;
  }

  #set(tab: number, seq: number | undefined, messages: unknown[], delta?: Delta): unknown[] {
    this.#growing = delta && growthIn(delta) ? delta : undefined;
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
