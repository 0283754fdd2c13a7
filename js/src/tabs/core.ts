import { initSync, TabClaim } from "../../../target/wasm-pack/tabs/trigger_chat_tabs.js";
import { length, text, textAddress, unpacker } from "../../../target/wasm-pack/tabs/wasm-text.js";
import { unpacked } from "../unpacked.js";

export { TabClaim };

let isCompiled = false;

/**
 * Compiles what decides which tab speaks for a chat. Its bytes lie in the JavaScript in the slim entries as
 * well, as only pages that need them load them.
 */
export function compileClaims(): void {
  if (isCompiled) return;
  initSync(new WebAssembly.Module(unpacked(text, textAddress, length, unpacker)));
  isCompiled = true;
}
