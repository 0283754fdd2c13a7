// wasm-bindgen's glue as a page downloads it: its classes and imports without what nothing here can come to,
// and in place of its helpers these, which have the same names.
import { fail } from "./project.mjs";

/**
 * wasm-bindgen's own keep views of the memory and what reads and writes texts, look at them before each use,
 * and tell much apart for speed. A text crosses a few times for a read, beside which that is nothing.
 */
const helpers = `
let wasm;
let WASM_VECTOR_LEN;
const encoder = new TextEncoder();
let decoder;
let bytesLeft = 0;

function takeStringFromWasm0([ptr, len]) {
    // Safari's decoders fail after 2 GB. Shorter orders than that come in one text.
    if ((bytesLeft -= len) < 0) {
        decoder = new TextDecoder("utf-8", { ignoreBOM: true });
        bytesLeft = 1e9;
    }
    const text = decoder.decode(new Uint8Array(wasm.memory.buffer, ptr >>> 0, len));
    wasm.__wbindgen_free(ptr, len, 1);
    return text;
}

function getArrayF64FromWasm0(ptr, len) {
    return new Float64Array(wasm.memory.buffer, ptr >>> 0, len);
}

function passArray8ToWasm0(arg) {
    WASM_VECTOR_LEN = arg.length;
    const ptr = wasm.__wbindgen_malloc(WASM_VECTOR_LEN, 1) >>> 0;
    new Uint8Array(wasm.memory.buffer).set(arg, ptr);
    return ptr;
}

function passStringToWasm0(arg) {
    return passArray8ToWasm0(arg ? encoder.encode(arg) : []);
}

/** To be called once. */
export function initSync(module) {
    wasm = new WebAssembly.Instance(module).exports;
}
`;

/** What is taken out of the rest, or put in fewer words. */
const changes = [
  // Disposal by `using` or by a call: only our own JavaScript holds these objects, and lets go of them.
  [/^if \(Symbol\.dispose\).*\n/gm, ""],
  [/^ {4}(__destroy_into_raw|free)\(\) \{\n[\s\S]*?^ {4}\}\n/gm, ""],
  [/(?<=Finalization)\.register\((\w+, \w+\.__wbg_ptr), \w+/g, "?.register($1"],
  // Some workers have no finalization.
  [
    /\(typeof FinalizationRegistry === 'undefined'\)\n {4}\? .*\n {4}: /g,
    "globalThis.FinalizationRegistry && ",
  ],
  // There are no imports.
  [/^function __wbg_get_imports\(\) \{\n[\s\S]*?^\}\n/gm, ""],
  // Nobody else looks at these objects.
  [/\b__wbg_ptr\b/g, "ptr"],
];

/** What only a wasm with texts and objects of ours has. */
const changesOfMost = [
  // The size of a text is known before it is written.
  [/, wasm\.__wbindgen_malloc(, wasm\.__wbindgen_realloc)?/g, ""],
  // A text is freed as it is read.
  [
    / {8}let deferred\d_0;\n.*\n {8}try \{\n([\s\S]*?) +deferred[\s\S]*?\n {8}\} finally \{[\s\S]*?\n {8}\}\n/g,
    "$1            return takeStringFromWasm0(ret);\n",
  ],
];

/** @param {string} code The glue. */
export function slimGlue(code) {
  const ownHelpers = code.search(/^(let cached|function \w+Wasm0\()/m);
  if (ownHelpers < 0) fail("The glue has changed: its helpers are not found.");
  const interface_ = changes.reduce(
    (kept, [part, shorter]) => {
      if (kept.search(part) < 0) fail(`The glue has changed: ${part} is not in it.`);
      return kept.replace(part, shorter);
    },
    code.slice(0, ownHelpers),
  );
  const slim = changesOfMost.reduce(
    (kept, [part, shorter]) => kept.replace(part, shorter),
    interface_,
  );
  for (const [name] of slim.matchAll(/\b\w+(Wasm0|Memory0)(?=\()/g)) {
    if (!helpers.includes(`function ${name}(`)) fail(`The glue has changed: it needs ${name}.`);
  }
  return slim + helpers;
}
