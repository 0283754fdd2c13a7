// Assembles pkg/, the npm package: js/src bundled with the wasm core, its types, the wasm as a file,
// and pkg-template/. The entries are those of pkg-template/package.json: `./react.js` there is
// js/src/react.ts.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { buildSync } from "esbuild";
import {
  at,
  buildIfChanged,
  core,
  crateVersion,
  fail,
  filesBelow,
  packageDir,
  root,
  run,
} from "./project.mjs";

const staging = at("target/package");
const template = JSON.parse(readFileSync(at("pkg-template/package.json"), "utf8"));
const entries = Object.values(template.exports)
  .map((target) => target.default)
  .filter(Boolean)
  .map((file) => file.replace(/^\.\/|\.js$/g, ""));
const isSlim = (name) => name.startsWith("slim/");
const slimEntries = entries.filter(isSlim);
const wholeEntries = entries.filter((entry) => !isSlim(entry));

const built = await buildIfChanged(
  "package",
  [
    ...[
      "js/src",
      "src/browser",
      "js/package.json",
      "js/tsconfig.json",
      "js/tsconfig.types.json",
      "tsconfig.base.json",
    ],
    ...["pkg-template", "LICENSE", "CHANGELOG.md", "Cargo.toml", "package-lock.json", "scripts"],
    "target/wasm-pack",
  ].map((path) => at(path)),
  [packageDir],
  assemble,
);
link();
console.log(`pkg/ ${built ? "built" : "is up to date"}`);

function assemble() {
  rmSync(staging, { recursive: true, force: true });
  bundle(wholeEntries, staging);
  bundle(slimEntries, join(staging, "slim"), ["slim"]);
  declare();
  copyFileSync(core.optimised, join(staging, core.file));
  cpSync(at("pkg-template"), staging, { recursive: true });
  for (const name of ["LICENSE", "CHANGELOG.md"]) copyFileSync(at(name), join(staging, name));
  const manifest = JSON.stringify({ ...template, version: crateVersion() }, null, 2);
  writeFileSync(join(staging, "package.json"), `${manifest}\n`);
  // Only a package that is whole takes the old one's place.
  rmSync(packageDir, { recursive: true, force: true });
  renameSync(staging, packageDir);
}

/** The conditions choose among the `imports` of js/package.json. */
function bundle(names, outdir, conditions = []) {
  const { outputFiles } = buildSync({
    // The reducer in a chunk of its own, as webpack follows its `import("ai")` wherever it lies.
    entryPoints: [...names, "reducer"].map((name) => ({
      in: at("js/src", `${name}.ts`),
      out: basename(name),
    })),
    outdir,
    conditions,
    // The names of the chunks come of it.
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    external: ["react", "react/*", "ai", "@ai-sdk/*"],
    // Names stay readable: the app's own bundler shortens them.
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: true,
    write: false,
    logLevel: "warning",
  });
  mkdirSync(outdir, { recursive: true });
  for (const { path, text } of outputFiles) {
    if (path.endsWith(".js")) checkBundle(path, text);
    writeFileSync(
      path,
      path.endsWith(".map") ? publishedMap(path, text) : withoutBareImports(text),
    );
  }
}

/** What breaks in some bundler or framework must not reach the package. */
function checkBundle(path, code) {
  const name = relative(staging, path);
  const besides = /\bimport\.meta\b/.exec(code) ?? /["'`/][\w/.-]*\.wasm["'`]/.exec(code);
  if (besides && !isSlim(name)) {
    fail(`${name} refers to a file beside it (${besides[0]}): bundlers would have to be set up.`);
  }
  if (basename(name) === "react.js" && !/^["']use client["'];/.test(code)) {
    fail(`js/src/${name.replace(/js$/, "ts")} must begin with "use client".`);
  }
}

/**
 * esbuild has an entry import its chunks for their side effects as well. They have none, and an app's own
 * esbuild would warn of it, where it reaches the package by a link. The places in the source map stay right.
 */
function withoutBareImports(code) {
  return code.replaceAll(/\bimport"\.\/chunk-\w+\.js";/g, (bare) => " ".repeat(bare.length));
}

/** Names the sources as the repository does; the wasm in code and map would double the package. */
function publishedMap(path, json) {
  const map = JSON.parse(json);
  const sources = map.sources.map((source) => relative(root, resolve(dirname(path), source)));
  map.sources = sources.map((source) => `${template.name}:///${source}`);
  map.sourcesContent = map.sourcesContent.map((content, index) =>
    sources[index].endsWith("/wasm-text.js") ? "// The wasm's bytes, left out here.\n" : content,
  );
  return `${JSON.stringify(map)}\n`;
}

/** Emits the declarations, and keeps those that the entries lead to. */
function declare() {
  run("tsc", ["-p", at("js/tsconfig.types.json"), "--outDir", staging]);
  const wanted = new Set();
  const queue = entries.map((entry) => join(staging, `${entry}.d.ts`));
  for (const file of queue) {
    if (wanted.has(file)) continue;
    wanted.add(file);
    if (!existsSync(file)) fail(`js/src has no ${basename(file, ".d.ts")}.ts, an entry.`);
    for (const [, path] of readFileSync(file, "utf8").matchAll(/["'](\.\.?\/[^"'\n]+)\.js["']/g)) {
      const target = resolve(dirname(file), `${path}.d.ts`);
      // The glue is generated, and not a part of the package.
      if (relative(staging, target).startsWith("..")) {
        fail(`The public types of ${relative(staging, file)} lead to ${path}.js, outside js/src.`);
      }
      queue.push(target);
    }
  }
  for (const file of filesBelow(staging)) {
    if (file.endsWith(".d.ts") && !wanted.has(file)) rmSync(file);
  }
}

/** The page and the tests import the package by its name, so through its real `exports`. */
function link() {
  const path = at("node_modules", template.name);
  rmSync(path, { force: true });
  symlinkSync(relative(dirname(path), packageDir), path, "dir");
}
