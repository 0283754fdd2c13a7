type Unpacker = { memory: WebAssembly.Memory; unpack(): number };

/** A WebAssembly, put together from its text; scripts/wasm-text.mjs says how that is made. */
export function unpacked(
  text: string,
  textAddress: number,
  length: number,
  unpacker: string,
): Uint8Array<ArrayBuffer> {
  const code = Uint8Array.from(atob(unpacker), (character) => character.charCodeAt(0));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code));
  const { memory, unpack } = exports as Unpacker;
  new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, textAddress));
  return new Uint8Array(memory.buffer, unpack(), length);
}
