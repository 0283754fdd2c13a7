import { wasm } from "#wasm";
import {
  ChatTransport as Core,
  initSync,
  TabClaim,
} from "../../target/wasm-pack/trigger_chat_transport.js";
import { compileError } from "./csp.js";
import { checkStreamSource } from "./stream-source.js";
import type { ChatConnectionState, TriggerChatTransportOptions } from "./types.js";

export type { Core, TabClaim };

let isCompiled = false;

/** What a core tells its transport, beside what it tells the app. None of it may throw. */
export type CoreObserver = {
  /** How the connection of a chat is, when it changes. */
  onConnection(chatId: string, state: ChatConnectionState): void;
  /** The session of a chat has changed. */
  onSession?(chatId: string): void;
};

/** Makes the transport's core. */
export function createCore(options: TriggerChatTransportOptions, observer: CoreObserver): Core {
  const { EventSource } = globalThis as Record<string, unknown>;
  checkStreamSource(options, Boolean(EventSource));
  compile();
  return new Core({ ...options, ...observer });
}

/** Makes the claim of a tab to a chat. */
export function createClaim(tab: number, hasLocks: boolean): TabClaim {
  compile();
  return new TabClaim(tab, hasLocks);
}

/**
 * The first call compiles the WebAssembly, synchronously: nothing happens at import. Where it comes from
 * is the entry's: its bytes lie in the JavaScript, or `init` of a slim entry has compiled them already.
 */
function compile() {
  if (isCompiled) return;
  try {
    initSync(wasm());
    isCompiled = true;
  } catch (cause) {
    throw compileError(cause);
  }
}
