import { wasm } from "#wasm";
import { ChatTransport as Core, initSync } from "../../target/wasm-pack/trigger_chat_transport.js";
import { compiledOnce } from "./compile.js";
import type { CoreOptions } from "./options.js";

export type { Core };

/**
 * Where the WebAssembly comes from is the entry's: its bytes lie in the JavaScript, or `init` of a slim entry
 * has compiled them already.
 */
const compile = compiledOnce(() => initSync(wasm()));

/** Makes the transport's core. */
export function createCore(options: CoreOptions): Core {
  compile();
  return new Core(options);
}
