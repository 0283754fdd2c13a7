import { wasm } from "#wasm";
import { ChatTransport as Core, initSync } from "../../target/wasm-pack/trigger_chat_transport.js";
import { compiledOnce } from "./compile.js";
import { checkStreamSource } from "./stream-source.js";
import type { ChatConnectionState, TriggerChatTransportOptions } from "./types.js";

export type { Core };

/**
 * Where the WebAssembly comes from is the entry's: its bytes lie in the JavaScript, or `init` of a slim entry
 * has compiled them already.
 */
const compile = compiledOnce(() => initSync(wasm()));

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
