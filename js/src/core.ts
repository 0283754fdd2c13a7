import { wasm } from "#wasm";
import { ChatHost } from "../../src/browser/host.js";
import { ChatMachine, initSync } from "../../target/wasm-pack/trigger_chat_transport.js";
import { compiling } from "./compile.js";
import type { CoreOptions } from "./options.js";
import type { ChatSessionPersistedState } from "./types.js";

let isCompiled = false;

/**
 * Where the WebAssembly comes from is the entry's: its bytes lie in the JavaScript, or `init` of a slim entry
 * has compiled them already. It is compiled synchronously, and for the first transport: nothing happens at
 * import.
 */
function compile(): void {
  if (isCompiled) return;
  compiling(() => initSync(wasm()));
  isCompiled = true;
}

/** What a persisted state is made of. */
const STATE = "publicAccessToken lastEventId activeInputSeq isStreaming closed closedReason".split(
  " ",
) as (keyof ChatSessionPersistedState)[];

/** What concerns one chat. */
type OfChat = { chatId: string; [member: string]: unknown };

/** The chats of a transport. Each has a machine in the WebAssembly. */
export class Core {
  #options: CoreOptions;
  #chats = new Map<string, ChatHost>();

  /** Nothing happens before the first call: no request, no timer, no listener. */
  constructor(options: CoreOptions) {
    compile();
    this.#options = options;
  }

  /** A call that is answered by a promise: see `ChatHost` for which there are, and what they resolve with. */
  call(type: string, options: OfChat): ReturnType<ChatHost["call"]> {
    return this.#chat(options.chatId).call(type, options);
  }

  /** Tells a chat something that the app knows: see `ChatHost` for which facts there are. */
  tell(fact: OfChat & { type: string }): void {
    this.#chat(fact.chatId).tell(fact);
  }

  /** Tells a chat how its session stands. What an app or another tab has stored beside it does not cross. */
  restore(
    type: "restored" | "session" | "adopt",
    chatId: string,
    session: Partial<ChatSessionPersistedState>,
  ): void {
    const state = STATE.map((name) => [name, session[name]]);
    this.tell({ ...Object.fromEntries(state), type, chatId });
  }

  /** The persisted state of a chat's session. */
  getSession(chatId: string): ChatSessionPersistedState | undefined {
    return this.#chats.get(chatId)?.session();
  }

  /** One of the options that are live has been replaced. */
  optionsChanged(): void {
    for (const chat of this.#chats.values()) this.#tellOptions(chat);
  }

  /** Lets go of every stream, request and timer. Turns go on at the server; a later call works. */
  dispose(): void {
    for (const chat of this.#chats.values()) chat.tell({ type: "disposed" });
  }

  #chat(chatId: string): ChatHost {
    let chat = this.#chats.get(chatId);
    if (!chat) {
      chat = new ChatHost(this.#options, chatId, new ChatMachine(chatId, Math.random()));
      this.#chats.set(chatId, chat);
      this.#tellOptions(chat);
    }
    return chat;
  }

  #tellOptions(chat: ChatHost): void {
    const { startSession, coalesce, watch, sendTimeoutSeconds } = this.#options;
    chat.tell({
      type: "options",
      canStart: Boolean(startSession),
      coalesces: coalesce !== false,
      watches: watch === true,
      // A number that JSON writes out; none where it is none.
      sendTimeoutMs: Math.round(Math.min((sendTimeoutSeconds ?? Number.NaN) * 1e3, 1e15)),
    });
  }
}
