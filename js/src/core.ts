import {
  ChatTransport as Core,
  initSync,
  TabClaim,
} from "../../target/wasm-pack/trigger_chat_transport.js";
import { alphabet, text } from "../../target/wasm-pack/wasm-text.js";
import type {
  ChatConnectionState,
  ChatSessionPersistedState,
  TriggerChatTransportOptions,
} from "./types.js";

export type { Core, TabClaim };

let isCompiled = false;

/** What a core tells its transport, beside what it tells the app. None of it may throw. */
export type CoreObserver = {
  /** How the connection of a chat is, when it changes. */
  onConnection(chatId: string, state: ChatConnectionState): void;
  /** The persisted state of a chat, when it changes; `null` where the session is gone. */
  onSession?(chatId: string, session: ChatSessionPersistedState | null): void;
};

/** Makes the transport's core. */
export function createCore(options: TriggerChatTransportOptions, observer: CoreObserver): Core {
  compile();
  return new Core({ ...options, ...observer });
}

/** Makes the claim of a tab to a chat. */
export function createClaim(tab: number, hasLocks: boolean): TabClaim {
  compile();
  return new TabClaim(tab, hasLocks);
}

/**
 * The first call compiles the WebAssembly, synchronously, from bytes that lie in this file: nothing
 * happens at import, and no bundler has to know.
 */
function compile() {
  if (isCompiled) return;
  try {
    initSync({ module: wasmBytes() });
    isCompiled = true;
  } catch (cause) {
    const isBlocked =
      cause instanceof Error && /unsafe-eval|Content.Security|CSP/i.test(cause.message);
    if (!isBlocked) throw cause;
    throw new Error(
      "The page's Content-Security-Policy blocks WebAssembly: add 'wasm-unsafe-eval' to its script-src.",
      { cause },
    );
  }
}

/** The WebAssembly, read from its text; see the type of `text` for how it is spelled. */
function wasmBytes(): Uint8Array<ArrayBuffer> {
  const base = alphabet.length;
  const places = new Uint8Array(128);
  for (let place = 0; place < base; place++) places[alphabet.charCodeAt(place)] = place;
  const placeAt = (at: number) => places[text.charCodeAt(at)] ?? 0;
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const place = placeAt(at);
    bytes[length++] = place < 2 ? base - 2 + place * base + placeAt(++at) : place - 2;
  }
  return bytes.subarray(0, length);
}
