import { alphabet, text } from "../../target/wasm-pack/wasm-text.js";

/** The WebAssembly, read from its text; see the type of `text` for how it is spelled. */
export function wasm(): Uint8Array<ArrayBuffer> {
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
