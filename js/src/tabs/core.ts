import { initSync, TabClaim } from "../../../target/wasm-pack/tabs/trigger_chat_tabs.js";
import { length, text, textAddress, unpacker } from "../../../target/wasm-pack/tabs/wasm-text.js";
import { compiledOnce } from "../compile.js";
import { unpacked } from "../unpacked.js";

export type { TabClaim };

/** Its bytes lie in the JavaScript in the slim entries as well, as only pages that need them load them. */
const compile = compiledOnce(() => initSync(unpacked(text, textAddress, length, unpacker)));

/** Makes the claim of a tab to a chat. */
export function createClaim(tab: number, hasLocks: boolean): TabClaim {
  compile();
  return new TabClaim(tab, hasLocks);
}
