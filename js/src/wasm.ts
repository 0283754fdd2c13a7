import { length, text, textAddress, unpacker } from "../../target/wasm-pack/wasm-text.js";
import { unpacked } from "./unpacked.js";

/** The core's WebAssembly. */
export function wasm(): WebAssembly.Module {
  return new WebAssembly.Module(unpacked(text, textAddress, length, unpacker));
}
