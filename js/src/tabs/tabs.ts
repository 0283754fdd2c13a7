import { TabChannel, type TabMessage } from "./channel.js";
import { randomNumber } from "./claim.js";
import { compileClaims } from "./core.js";
import { SharedChat, type TabsHost } from "./shared-chat.js";

/** A page in the back/forward cache may hold no lock and no channel, nor one that is frozen. */
const AWAY_EVENTS = ["pagehide", "freeze"];
const BACK_EVENTS = ["pageshow", "resume"];

/** All other tabs of the app, as one transport sees them: the chats that it shares with them. */
export class Tabs {
  #host: TabsHost;
  #tab = randomNumber();
  #chats = new Map<string, SharedChat>();
  #channel: TabChannel | undefined;

  /**
   * Opens the channel, and looks after it until `dispose`.
   *
   * @throws Where the page's policy blocks WebAssembly.
   */
  constructor(host: TabsHost) {
    compileClaims();
    this.#host = host;
    this.#open();
    for (const name of AWAY_EVENTS) addEventListener(name, this.#away, true);
    for (const name of BACK_EVENTS) addEventListener(name, this.#open, true);
  }

  /** A chat of this tab; one that is new asks whose it is. */
  chat(chatId: string): SharedChat {
    const known = this.#chats.get(chatId);
    if (known) return known;
    const post = (message: TabMessage) => this.#channel?.post(chatId, message);
    const chat = new SharedChat(chatId, this.#tab, this.#host, post);
    this.#chats.set(chatId, chat);
    if (this.#channel) chat.open();
    return chat;
  }

  /** Lets go of every chat. */
  dispose(): void {
    for (const name of AWAY_EVENTS) removeEventListener(name, this.#away, true);
    for (const name of BACK_EVENTS) removeEventListener(name, this.#open, true);
    for (const chat of this.#chats.values()) chat.dispose();
    this.#channel?.close();
    this.#channel = undefined;
  }

  #open = (): void => {
    if (this.#channel) return;
    this.#channel = new TabChannel(String(this.#tab), (chatId, tabId, message) =>
      this.#chats.get(chatId)?.heard(tabNumber(tabId), message),
    );
    for (const chat of this.#chats.values()) chat.open();
  };

  #away = ({ target }: Event): void => {
    // An element's own event of such a name says nothing of the page.
    if ((target as Node).parentNode) return;
    for (const chat of this.#chats.values()) chat.close();
    this.#channel?.close();
    this.#channel = undefined;
  };
}

/** A tab's number, which is the id of ours. The published client's ids are UUIDs. */
function tabNumber(tabId: string): number {
  if (/^\d{1,10}$/.test(tabId)) return Number(tabId) >>> 0;
  let hash = 0;
  for (const unit of tabId) hash = (Math.imul(hash, 31) + unit.charCodeAt(0)) >>> 0;
  return hash;
}
