import { alphabet, text } from "../../target/wasm-pack/wasm-text.js";

/** The WebAssembly, read from its text; see the type of `text` for how it is spelled. */
export function wasm(): Uint8Array<ArrayBuffer> {
  const base = alphabet.length;
  const places = new Uint8Array(128);
  for (let place = 0; place < base; place++) places[alphabet.charCodeAt(place)] = place;
  // Read from bytes, and written over those that were read: this runs once, before it is compiled.
  const bytes = new TextEncoder().encode(text);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const place = places[bytes[at] ?? 0] ?? 0;
    bytes[length++] =
      place < 2 ? base - 2 + place * base + (places[bytes[++at] ?? 0] ?? 0) : place - 2;
  }
  return bytes.subarray(0, length);
}
