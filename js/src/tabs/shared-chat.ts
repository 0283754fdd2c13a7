import type { ChatSessionPersistedState } from "../types.js";
import type { TabMessage, TabSession } from "./channel.js";
import { ChatClaim } from "./claim.js";
import { HeardHistory, ToldHistory } from "./history.js";

/**
 * How long the claim outlasts its turn: a page renders the last of an answer a moment after it came, and
 * whoever follows has to have it before it may send.
 */
const LAST_STATE_MS = 300;

/** How long a page that was too busy to render by then is listened to, if nobody else speaks. */
const LATE_WORDS_MS = 5_000;

/** How long a page that comes back is told what it has missed, also by whom the chat is not any more. */
const CATCH_UP_MS = 1_000;

/** What the chats of a tab need of its transport. */
export type TabsHost = {
  /** What a send is rejected with once the transport is disposed. */
  abortError(): Error;
  /** Whether a turn of the chat is sent, read or resumed here. */
  hasTurn(chatId: string): boolean;
  /** How the session of this tab stands. */
  session(chatId: string): ChatSessionPersistedState | undefined;
  /** The owner's session stands so. */
  adopt(chatId: string, session: TabSession): void;
  readOnlyChanged(chatId: string, isReadOnly: boolean): void;
  /** The owner's messages are these now. */
  messagesChanged(chatId: string, messages: unknown[]): void;
};

/** One chat, as this tab shares it with all others. */
export class SharedChat {
  #chatId: string;
  #host: TabsHost;
  #post: (message: TabMessage) => void;
  #claim: ChatClaim;
  #told: ToldHistory;
  #heard = new HeardHistory();
  /** How many sends wait for the claim, or for their acknowledgement. */
  #beginning = 0;
  #ending: ReturnType<typeof setTimeout> | undefined;
  /** Runs while words that come late are still told. */
  #late: ReturnType<typeof setTimeout> | undefined;
  #isGone = false;
  /** Which tab has claimed the chat last. */
  #lastOwner: number | undefined;
  /** The page was away: it has to ask for what was said meanwhile. */
  #wasAway = false;
  #catchingUp: ReturnType<typeof setTimeout> | undefined;

  constructor(chatId: string, tab: number, host: TabsHost, post: (message: TabMessage) => void) {
    this.#chatId = chatId;
    this.#host = host;
    this.#post = (message) =>
      post(message.type === "hello" && this.#wasAway ? { ...message, wasAway: true } : message);
    this.#told = new ToldHistory(this.#post);
    this.#claim = new ChatClaim({
      chatId,
      tab,
      post: this.#post,
      granted: () => this.#granted(),
      readOnlyChanged: () => this.#readOnlyChanged(),
    });
  }

  /** Whether the chat is this tab's, or about to be. */
  get isHeld(): boolean {
    return this.#claim.isHeld;
  }

  /** Whether the chat is another tab's. */
  get isReadOnly(): boolean {
    return this.#claim.isReadOnly;
  }

  /** The channel is open. */
  open(): void {
    this.#claim.open();
    if (this.#wasAway) this.#catchingUp = setTimeout(() => this.#caughtUp(), CATCH_UP_MS);
  }

  /** The page is put away, or frozen. */
  close(): void {
    clearTimeout(this.#catchingUp);
    this.#wasAway = true;
    this.#tellLast();
    this.#claim.close();
  }

  /** The transport is disposed: the turn goes on, but is not this tab's any more. */
  dispose(): void {
    this.#isGone = true;
    clearTimeout(this.#ending);
    clearTimeout(this.#late);
    clearTimeout(this.#catchingUp);
    this.#tellLast();
    this.#claim.over();
    this.#claim.close();
    this.#told.forget();
  }

  /**
   * Begins a turn, once the chat is this tab's.
   *
   * @throws Where it is another tab's.
   */
  async begin<Result>(send: () => Promise<Result>): Promise<Result> {
    this.#beginning += 1;
    try {
      if (!(await this.#claim.want())) throw this.#denial();
      return await send();
    } finally {
      this.#beginning -= 1;
      this.turnChanged();
    }
  }

  /** A turn was resumed here. Where the chat is another tab's, it is read along. */
  resumed(): void {
    if (this.#host.hasTurn(this.#chatId)) void this.#claim.want();
  }

  /** A turn has begun or ended. */
  turnChanged(): void {
    clearTimeout(this.#ending);
    if (!this.#isIdle()) return;
    this.#tell();
    this.#ending = setTimeout(() => this.#release(), LAST_STATE_MS);
  }

  /** The app's messages are these now. */
  setMessages(messages: unknown[]): void {
    this.#told.latest = messages;
    this.#tell();
  }

  /** The session of this tab has changed. */
  sessionChanged(): void {
    if (this.#claim.isHeld) this.#tellSession();
  }

  /** Another tab has said something. */
  heard(tab: number, message: TabMessage): void {
    switch (message.type) {
      case "session":
        if (this.#listensTo(tab)) this.#host.adopt(this.#chatId, message.session);
        return;
      case "messages":
      case "change":
        if (this.#listensTo(tab)) this.#hear(tab, message);
        else if (message.type === "messages") this.#bringUpToDate(message);
        return;
      default:
        this.#claim.heard(tab, message);
    }
    if (message.type === "claim") this.#lastOwner = tab;
    if (message.type !== "hello") return;
    // Who was away may have missed the turn that was the last.
    if (this.#isHeard || (message.wasAway && this.#told.isTold)) this.#tellAll();
  }

  /**
   * A tab of the published client knows no changes. It says which messages it shows when a chat is free
   * again, and numbers nothing: who shows others than the last owner does is told all of them.
   */
  #bringUpToDate({ messages, seq }: TabMessage & { type: "messages" }): void {
    const isLastOwner = !this.#claim.isHeld && this.#late !== undefined;
    if (seq === undefined && isLastOwner && this.#told.differs(messages)) this.#told.tellWhole();
  }

  #hear(tab: number, message: TabMessage & { type: "messages" | "change" }): void {
    const messages = this.#heard.take(tab, message);
    if (messages === "missed") {
      this.#post({ type: "hello" });
    } else if (messages) {
      this.#caughtUp();
      this.#told.forget();
      // Who reads the answer itself shows that.
      if (!this.#host.hasTurn(this.#chatId)) this.#host.messagesChanged(this.#chatId, messages);
    }
  }

  /**
   * Others tell what they had when they were opened. But while nobody speaks, whoever did so last may:
   * the published client lets go of the chat first, and then tells how its session stands.
   */
  #listensTo(tab: number): boolean {
    if (this.#claim.isHeld || this.#claim.isReadOnly) return this.#claim.isOwner(tab);
    return this.#wasAway || tab === this.#lastOwner;
  }

  /** The last words of a turn do not wait: a page may be closed as soon as it shows them. */
  #tell(): void {
    if (!this.#isHeard) return;
    if (this.#host.hasTurn(this.#chatId)) this.#told.tell();
    else this.#told.tellNow();
  }

  #tellAll(): void {
    this.#tellSession();
    if (this.#told.isTold) this.#told.tellWhole();
  }

  /** There is no later, for changes that wait nor for who has missed some. */
  #tellLast(): void {
    if (this.#isHeard) this.#told.tellWhole();
  }

  #tellSession(): void {
    const persisted = this.#host.session(this.#chatId);
    if (!persisted) return;
    const { publicAccessToken: _, ...session } = persisted;
    this.#post({ type: "session", session });
  }

  #caughtUp(): void {
    clearTimeout(this.#catchingUp);
    this.#wasAway = false;
  }

  /** Whether others listen to the messages of this tab. */
  get #isHeard(): boolean {
    return this.#claim.isGranted || this.#late !== undefined;
  }

  #isIdle(): boolean {
    return this.#beginning === 0 && this.#claim.isHeld && !this.#host.hasTurn(this.#chatId);
  }

  #release(): void {
    if (!this.#isIdle()) return;
    this.#told.tellNow();
    this.#claim.over();
    clearTimeout(this.#late);
    this.#late = setTimeout(() => this.#fellSilent(), LATE_WORDS_MS);
  }

  #granted(): void {
    this.#lastOwner = undefined;
    this.#told.tell();
  }

  #fellSilent(): void {
    clearTimeout(this.#late);
    this.#late = undefined;
  }

  #readOnlyChanged(): void {
    const { isReadOnly } = this.#claim;
    if (isReadOnly) {
      this.#fellSilent();
      this.#told.forget();
    } else {
      // Whoever has read along takes over.
      this.resumed();
    }
    this.#host.readOnlyChanged(this.#chatId, isReadOnly);
  }

  #denial(): Error {
    return this.#isGone ? this.#host.abortError() : new Error("This chat is active in another tab");
  }
}
