// Measures what a browser downloads, shows where the bytes go, and fails when size-budget.json is
// exceeded.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { buildSync } from "esbuild";
import { brotlied, gzipped } from "./compressed.mjs";
import { at, core, read, root } from "./project.mjs";

const package_ = "trigger-chat-transport";
const app = bundled(`export { useTriggerChatTransport } from "${package_}/react";`);
const slim = bundled(`export { init, useTriggerChatTransport } from "${package_}/slim/react";`);
const everything = bundled(`export * from "${package_}"; export * from "${package_}/react";`);
const measured = {
  wasm: [readFileSync(core.optimised)],
  app: app.atFirst,
  slim: slim.atFirst,
  tabs: app.later("tabs"),
  everything: everything.all,
};
const budget = JSON.parse(readFileSync(at("size-budget.json"), "utf8"));

const sizes = Object.entries(measured).map(([name, files]) => ({
  name,
  raw: sum(files.map((bytes) => bytes.length)),
  gzip: sum(files.map(gzipped)),
  brotli: sum(files.map(brotlied)),
}));

console.log("The largest parts of the wasm, uncompressed:");
for (const { name, size } of largestParts(20)) {
  console.log(`${grouped(size).padStart(8)}  ${percent(size, sizes[0].raw).padStart(6)}  ${name}`);
}
console.log();

const row = (cells) => cells.map((cell, i) => cell[i ? "padStart" : "padEnd"](12)).join("");
console.log(row(["bytes", "raw", "gzip", "brotli", "budget", "of budget"]));
for (const { name, raw, gzip, brotli } of sizes) {
  const limit = budget[name].brotli;
  console.log(row([name, ...[raw, gzip, brotli, limit].map(grouped), percent(brotli, limit)]));
}

const over = sizes.filter(({ name, brotli }) => brotli > budget[name].brotli);
for (const { name, brotli } of over) {
  const { brotli: limit, reason } = budget[name];
  console.error(`${name} is ${grouped(brotli - limit)} bytes over its budget. ${reason}`);
}
const { brotli } = sizes[0];
console.log(
  `size: wasm ${kilobytes(brotli)} of ${kilobytes(budget.wasm.brotli)} kB brotli, ${percent(brotli, budget.wasm.brotli)}`,
);
if (over.length > 0) process.exitCode = 1;

/** The functions and data segments that weigh most, by their readable names. */
function largestParts(count) {
  // Two more than asked for: the sections that hold names and are not shipped.
  const csv = read("twiggy", ["top", "-n", String(count + 2), "-f", "csv", core.named]);
  const rows = [...csv.matchAll(/^(?:"((?:[^"]|"")*)"|([^,]*)),(\d+),/gm)];
  return rows
    .map(([, quoted, plain, size]) => ({
      name: (quoted?.replaceAll('""', '"') ?? plain).replace(
        /\[[0-9a-f]{16}\]|::h[0-9a-f]{16}$/g,
        "",
      ),
      size: Number(size),
    }))
    .filter(({ name }) => !/subsection$|^custom section/.test(name))
    .slice(0, count);
}

/**
 * What an app's bundler makes of these lines: minified, without the peers that the app has anyway. The
 * files that are loaded at first are told from those that a page loads when it comes to need them.
 */
function bundled(contents) {
  const { outputFiles, metafile } = buildSync({
    stdin: { contents, resolveDir: root },
    absWorkingDir: root,
    outdir: "bundle",
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    format: "esm",
    target: "es2022",
    external: ["react", "react/*", "ai", "@ai-sdk/*"],
    write: false,
    // React's directive means nothing in one bundle of a page; and esbuild says so, where it reaches the
    // package by a link.
    logOverride: { "ignored-directive": "silent" },
  });
  const bytesOf = new Map(
    outputFiles.map(({ path, contents }) => [relative(root, path), contents]),
  );
  const loadedBy = (entry, loaded = new Set()) => {
    if (!bytesOf.has(entry) || loaded.has(entry)) return loaded;
    loaded.add(entry);
    for (const { path, kind } of metafile.outputs[entry].imports) {
      if (kind === "import-statement") loadedBy(path, loaded);
    }
    return loaded;
  };
  const names = [...bytesOf.keys()];
  const atFirst = loadedBy("bundle/stdin.js");
  return {
    all: names.map((name) => bytesOf.get(name)),
    atFirst: [...atFirst].map((name) => bytesOf.get(name)),
    /** What the part of that name takes beside. */
    later: (part) =>
      [...loadedBy(names.find((name) => name.startsWith(`bundle/${part}-`)))]
        .filter((name) => !atFirst.has(name))
        .map((name) => bytesOf.get(name)),
  };
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

function grouped(number) {
  return number.toLocaleString("en-US");
}

function kilobytes(bytes) {
  return (bytes / 1000).toFixed(1);
}

function percent(part, whole) {
  return `${((part / whole) * 100).toFixed(1)} %`;
}
