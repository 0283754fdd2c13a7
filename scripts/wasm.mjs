// Builds what runs in the browser as WebAssembly, the core and the tabs' machine, into target/wasm-pack/: of
// each the glue, the optimised wasm that is shipped, the same with its function names (for twiggy), and the
// shipped one as text in a module. wasm-pack's own output lies beside them, in `built/`.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import binaryen from "binaryen";
import { at, buildIfChanged, core, fail, read, root, run, tabs } from "./project.mjs";
import { slimGlue } from "./wasm-glue.mjs";
import { wasmTextModule, wasmTextTypes } from "./wasm-text.mjs";

const locked = process.env.CI ? ["--locked"] : [];

/** A source file's path. */
const sourcePath = /[\w.-]*\/[\w/.-]+\.rs(?!\w)/;

/** The standard library's own sentences and wasm-bindgen's, and a table of decimal digits. */
const panicData = new RegExp(
  [
    sourcePath,
    /slice index starts at | but ends at |range (start|end) index | out of range for slice of length /,
    /(removal|insertion) index \(is |\) should be <=? len \(is |RefCell already (mutably )?borrowed/,
    /null pointer passed to rust|recursive use of an object detected [ \w-]+ in rust/,
    /attempted to take ownership of Rust value while it was borrowed|assertion failed: [\w.]+(\(\w*\))?/,
    /internal error: entered unreachable code|Tried to shrink to a larger capacity|capacity overflow/,
    /(0[0-9]){10}(1[0-9]){10}\d{160}/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

/** The glue makes room for a text but once, and nothing of JavaScript's crosses, nor is an abort looked for. */
const unusedExports = [
  ...["__wbindgen_realloc", "__wbindgen_start", "__wbindgen_externrefs"],
  ...["__abort_handler", "__instance_terminated"],
];

const flags = rustFlags();
for (const wasm of [core, tabs]) await build(wasm);

async function build(wasm) {
  const files = {
    built: join(wasm.dir, "built"),
    glue: join(wasm.dir, `${wasm.name}.js`),
    text: join(wasm.dir, "wasm-text.js"),
    textTypes: join(wasm.dir, "wasm-text.d.ts"),
  };
  compile(wasm, files);
  const scripts = ["wasm.mjs", "wasm-glue.mjs", "wasm-text.mjs", "wasm-text.wat"].map(
    (name) => `scripts/${name}`,
  );
  await buildIfChanged(
    wasm.name,
    [files.built, ...["package-lock.json", ...scripts].map((path) => at(path))],
    [wasm.optimised, wasm.named, files.glue, files.text, files.textTypes],
    () => optimise(wasm, files),
  );
}

function rustFlags() {
  const { packages } = JSON.parse(read("cargo", ["metadata", "--format-version=1", ...locked]));
  // Panic messages hold paths of source files: name them in the same way on every machine.
  const registries = packages
    .filter(({ source }) => source?.startsWith("registry+"))
    .map(({ manifest_path }) => dirname(dirname(manifest_path)));
  const sysroot = read("rustc", ["--print", "sysroot"]).trim();
  const remapped = [
    ...[...new Set(registries)].map((folder) => [folder, "/crates"]),
    [join(sysroot, "lib/rustlib/src/rust"), "/rust"],
  ];
  return [
    ...(process.env.CARGO_ENCODED_RUSTFLAGS?.split("\x1f") ?? []),
    ...(process.env.RUSTFLAGS?.split(" ").filter(Boolean) ?? []),
    ...remapped.map(([from, to]) => `--remap-path-prefix=${from}=${to}`),
  ];
}

function compile(wasm, { built }) {
  // `no-install` and `no-opt`: wasm-pack uses the tools on the PATH and downloads none.
  run(
    "wasm-pack",
    [
      ...["--log-level", "warn", "build", "--mode", "no-install", "--no-opt", "--no-pack"],
      ...["--target", "web", "--profile", "wasm", "--out-dir", built],
      // Without its name cargo would build all crates of the workspace that have a library.
      ...[wasm.folder, "--package", wasm.crate, ...locked],
    ],
    { CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f") },
  );
}

async function optimise(wasm, { built, glue, text, textTypes }) {
  const snipped = join(wasm.dir, "snipped.wasm");
  writeFileSync(snipped, withoutPanicTexts(readFileSync(join(built, wasm.file))));
  // Measured: of some hundred orders and settings the one that is smallest under brotli.
  // No address is below 1024 but the last of the stack, so an offset may be folded into a load.
  const smallest = ["--low-memory-unused", "--one-caller-inline-max-function-size=60"];
  const passes = ["-Oz", "--flatten", "--rereloop", "--rse", "-O1", "-Oz", "-Oz", "--rse"];
  run("wasm-opt", [snipped, ...smallest, ...passes, "-g", "-o", wasm.named]);
  // wasm-opt learns the module's features from its `target_features` section, and drops it last.
  const strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];
  const renamed = read("wasm-opt", [
    ...[wasm.named, "--minify-imports-and-exports-and-modules", ...strip, "-o", wasm.optimised],
  ]);
  const longGlue = readFileSync(join(built, `${wasm.name}.js`), "utf8");
  writeFileSync(glue, withShortNames(slimGlue(longGlue), JSON.parse(renamed)));
  copyFileSync(join(built, `${wasm.name}.d.ts`), join(wasm.dir, `${wasm.name}.d.ts`));
  writeFileSync(text, wasmTextModule(readFileSync(wasm.optimised)));
  writeFileSync(textTypes, wasmTextTypes);
  await check(wasm, glue);
}

/**
 * A panic ends in a trap, and its text goes nowhere: wasm32 has no standard error. What would write
 * the text becomes the trap at once, and takes the formatting code along; 2.3 kB compressed. So it is
 * with what wasm-bindgen would throw, of an object that was freed: our JavaScript frees none.
 */
function withoutPanicTexts(bytes) {
  const writesPanics =
    /panicking|panic_payload|PanicPayload|begin_panic|core\[\w+\]::fmt|do_count_chars|slice_index_fail|(assert|expect|unwrap|slice_error)_failed?\b|handle_alloc_error|capacity_overflow|wasm_bindgen::throw_str/;
  const module = binaryen.readBinary(bytes);
  for (let index = 0; index < module.getNumFunctions(); index++) {
    const reference = module.getFunctionByIndex(index);
    const { name, module: importedFrom } = binaryen.getFunctionInfo(reference);
    if (!importedFrom && writesPanics.test(name)) {
      binaryen.Function.setBody(reference, module.unreachable());
    }
  }
  for (const name of unusedExports) module.removeExport(name);
  // The names are stripped later, and tell twiggy what is what until then.
  binaryen.setDebugInfo(true);
  const emitted = Buffer.from(module.emitBinary());
  // What the texts were made of still lies in the data, and nobody reads it any more.
  const { offset, data } = module.getDataSegmentInfo(module.getDataSegmentByIndex(0));
  const toAddress = offset - emitted.indexOf(Buffer.from(data));
  for (const { index, 0: text } of emitted.toString("latin1").matchAll(panicData)) {
    emitted.fill(0, index, index + text.length);
    if (!sourcePath.test(text)) continue;
    // Places in the source: where its path lies, how long that is, the line and the column.
    const place = Buffer.alloc(8);
    place.writeUInt32LE(index + toAddress, 0);
    place.writeUInt32LE(text.length, 4);
    for (let at = emitted.indexOf(place); at >= 0; at = emitted.indexOf(place, at)) {
      emitted.fill(0, at, at + 16);
    }
  }
  return emitted;
}

/** wasm-opt has shortened the names of the exports: says so in the glue. */
function withShortNames(code, { imports, exports }) {
  if (imports.length > 0) fail(`The wasm has imports, and the glue none: ${imports.join("; ")}.`);
  return exports.reduce(
    (renamed, [name, short]) =>
      renamed.replaceAll(new RegExp(`\\bwasm\\.${name}\\b`, "g"), `wasm.${short}`),
    code,
  );
}

/** The module must start with the glue that belongs to it, and name no place on this machine. */
async function check(wasm, glue) {
  const bytes = readFileSync(wasm.optimised);
  for (const place of [root, process.env.HOME, process.env.CARGO_HOME]) {
    if (place && place !== "/" && bytes.includes(place)) fail(`The wasm holds the path ${place}.`);
  }
  const { initSync } = await import(pathToFileURL(glue).href);
  initSync(new WebAssembly.Module(bytes));
}
