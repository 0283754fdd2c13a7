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

function isLikeNone(x) {
    return x == null;
}

function getDataViewMemory0() {
    return new DataView(wasm.memory.buffer);
}

function getStringFromWasm0(ptr, len) {
    // A decoder for each text: Safari's fail after 2 GB.
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return decoder.decode(new Uint8Array(wasm.memory.buffer, ptr >>> 0, len));
}

function getArrayF64FromWasm0(ptr, len) {
    return new Float64Array(wasm.memory.buffer, ptr >>> 0, len);
}

function passArray8ToWasm0(arg, malloc) {
    WASM_VECTOR_LEN = arg.length;
    const ptr = malloc(WASM_VECTOR_LEN, 1) >>> 0;
    new Uint8Array(wasm.memory.buffer).set(arg, ptr);
    return ptr;
}

function passStringToWasm0(arg, malloc) {
    return passArray8ToWasm0(new TextEncoder().encode(arg), malloc);
}

/** To be called once. */
export function initSync(module) {
    wasm = new WebAssembly.Instance(module, __wbg_get_imports()).exports;
    wasm.__wbindgen_start();
}
`;

/** What is taken out of the rest, or put in fewer words. */
const changes = [
  // Disposal by `using` or by a call: only our own JavaScript holds these objects, and lets go of them.
  [/^if \(Symbol\.dispose\).*\n/gm, ""],
  [/^ {4}(__destroy_into_raw|free)\(\) \{\n[\s\S]*?^ {4}\}\n/gm, ""],
  [/(?<=Finalization\.register\(\w+, \w+\.__wbg_ptr), \w+/g, ""],
  // Engines without finalization: those that run this wasm have it.
  [/\(typeof FinalizationRegistry === 'undefined'\)\n {4}\? .*\n {4}: /g, ""],
  // The imports are looked up by their names alone.
  [/^ {8}__proto__: null,\n/gm, ""],
  // Nobody else looks at these objects.
  [/\b__wbg_ptr\b/g, "ptr"],
];

/** What only a wasm with texts and objects of ours has. */
const changesOfMost = [
  // The size of a text is known before it is written.
  [/, wasm\.__wbindgen_realloc/g, ""],
  // An object that only the wasm makes: that may be its constructor.
  [
    /static __wrap\(ptr\) \{\n.* = Object\.create\(.*\);\n.*\n +(\w+)\.register\(.*\);\n +return obj;/g,
    "constructor(ptr) {\n        this.ptr = ptr;\n        $1.register(this, ptr);",
  ],
  [/(\w+)\.__wrap\(/g, "new $1("],
  // An id: nothing counts to where its sign would change.
  [/(?<=[(, ]arg\d) >>> 0/g, ""],
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
