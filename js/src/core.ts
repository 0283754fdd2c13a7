import { ChatTransport as Core, initSync } from "../../target/wasm-pack/trigger_chat_transport.js";
import { alphabet, text } from "../../target/wasm-pack/wasm-text.js";
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
    initSync({ module: wasmBytes() });
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
