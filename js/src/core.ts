import { ChatTransport as Core, initSync } from "../../target/wasm-pack/trigger_chat_transport.js";
import wasmHex from "../../target/wasm-pack/wasm-hex.js";
import type { ChatConnectionState, TriggerChatTransportOptions } from "./types.js";

export type { Core };

let isCompiled = false;

/**
 * Makes the transport's core. The first call compiles the WebAssembly, synchronously, from bytes
 * that lie in this file: nothing happens at import, and no bundler has to know. `onConnection` is
 * told every change of a chat's connection, and must not throw.
 */
export function createCore(
  options: TriggerChatTransportOptions,
  onConnection: (chatId: string, state: ChatConnectionState) => void,
): Core {
  if (!isCompiled) {
    compile();
    isCompiled = true;
  }
  return new Core({ ...options, onConnection });
}

function compile() {
  try {
    initSync({ module: bytesOf(wasmHex) });
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

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}
