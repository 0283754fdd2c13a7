// The package itself, as npm would publish it: what is in it, what linters of packages say to it, and that
// it is the same wherever it is built.
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { SourceMap } from "node:module";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import { install, pack, run } from "./fixtures/install";
import { BUILD_TIMEOUT_MS } from "./support/server";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const name = "trigger-chat-transport";

/** How long a process may take. */
const PATIENCE_MS = 300_000;

const folder = mkdtempSync(join(tmpdir(), "package-"));
let tarball: string;
/** An app that has the tarball installed. */
let app: string;
/** The package as it lies in that app. */
let installed: string;

beforeAll(async () => {
  tarball = await pack(folder);
  app = await install("node", tarball, folder);
  installed = join(app, "node_modules", name);
}, BUILD_TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The paths of all files in a folder. */
function filesOf(path: string): string[] {
  const all = readdirSync(path, { recursive: true, encoding: "utf8" });
  return all.filter((file) => statSync(join(path, file)).isFile()).sort();
}

const textOf = (file: string) => readFileSync(join(installed, file), "utf8");
const manifest = () => JSON.parse(textOf("package.json"));

/** The JavaScript of each entry, by the name that apps import. */
function entries(): [string, string][] {
  const targets = Object.entries<string | { default: string }>(manifest().exports);
  return targets.flatMap(([entry, target]) =>
    typeof target === "object" ? [[entry, target.default.replace("./", "")]] : [],
  );
}

test("publint has nothing to say", async () => {
  const { messages, pkg } = await publint({ strict: true, pack: { tarball: bytesOf(tarball) } });
  expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
});

test("the types of each entry are right for whoever imports it", async () => {
  const analysis = await checkPackage(
    createPackageFromTarballData(new Uint8Array(bytesOf(tarball))),
  );
  if (!analysis.types) throw new Error("The package has no types.");
  const code = entries().map(([entry]) => entry);
  expect(Object.keys(analysis.entrypoints)).toEqual(expect.arrayContaining(code));
  const problems = analysis.problems.filter((problem) => {
    // As the profile `esm-only` has it: what TypeScript resolves for CommonJS is left out.
    const kind = "resolutionKind" in problem ? problem.resolutionKind : undefined;
    if (kind === "node10" || kind === "node16-cjs") return false;
    // The wasm is a file to be fetched, without types.
    return !("entrypoint" in problem && problem.entrypoint.endsWith(".wasm"));
  });
  expect(problems).toEqual([]);
});

test("CommonJS can require each entry", async () => {
  const { stdout } = await run(process.execPath, ["require.cjs"], app, PATIENCE_MS);
  expect(stdout).toBe("required");
});

test("it needs no other package, and its peers only where they are used", () => {
  const { dependencies, optionalDependencies, bundleDependencies, ...rest } = manifest();
  expect({ dependencies, optionalDependencies, bundleDependencies }).toEqual({});
  expect(Object.keys(rest.peerDependencies)).toEqual(["ai", "react"]);
  expect(rest.peerDependenciesMeta).toEqual({ ai: { optional: true }, react: { optional: true } });
  expect(rest.scripts).toBeUndefined();
});

test("each entry lies where its name leads, for tools that ignore `exports`", () => {
  for (const [entry, file] of entries()) {
    const path = entry === "." ? manifest().main : entry;
    expect([path, `${path}.js`, `${path}/index.js`]).toContain(`./${file}`);
  }
});

test("it holds its code, types, maps and documents, and nothing else", () => {
  const documents = ["CHANGELOG.md", "LICENSE", "README.md", "package.json"];
  const code = entries().map(([, file]) => file);
  const required = [
    ...documents,
    ...code.flatMap((file) => [file, `${file}.map`, file.replace(/\.js$/, ".d.ts")]),
    "trigger_chat_transport_bg.wasm",
  ];
  const files = filesOf(installed);
  expect(files).toEqual(expect.arrayContaining(required));

  const isChunk = (file: string) =>
    /^(reducer|(chunk|event-source|tabs)-[A-Z0-9]{8})\.js(\.map)?$/.test(basename(file));
  const isType = (file: string) => {
    const source = join(repository, "js/src", file.replace(/\.d\.ts$/, ".ts"));
    return /(?<!\.test)\.d\.ts$/.test(file) && (existsSync(source) || existsSync(`${source}x`));
  };
  expect(
    files.filter((file) => !required.includes(file) && !isChunk(file) && !isType(file)),
  ).toEqual([]);
});

test.each([".", "slim"])(
  "the tabs' machine is in what `multiTab` loads alone, in %s",
  (entries) => {
    const scripts = filesOf(installed).filter(
      (file) => /\.js$/.test(file) && dirname(file) === entries,
    );
    const withMachine = scripts.filter((file) => textOf(file).includes("TabClaim"));
    expect(withMachine).toEqual([expect.stringMatching(/^(slim\/)?tabs-[A-Z0-9]{8}\.js$/)]);
  },
);

test("its changelog has its version", () => {
  expect(textOf("CHANGELOG.md")).toContain(`## ${manifest().version}`);
});

test("its source maps lead to the sources, named as in the repository", () => {
  const scripts = filesOf(installed).filter((file) => file.endsWith(".js"));
  const seen = new Set<string>();
  for (const file of scripts) {
    expect(textOf(file)).toMatch(new RegExp(`\n//# sourceMappingURL=${basename(file)}\\.map\n$`));
    const { sources, sourcesContent } = JSON.parse(textOf(`${file}.map`));
    for (const [index, source] of sources.entries()) {
      const path = source.replace(`${name}:///`, "");
      seen.add(path);
      // The glue and the bytes of the wasm are made by the build.
      if (path.startsWith("target/wasm-pack/")) continue;
      expect(path).toMatch(/^(js\/src|src\/browser)\//);
      expect(sourcesContent[index], path).toBe(readFileSync(join(repository, path), "utf8"));
    }
  }
  expect([...seen]).toEqual(
    expect.arrayContaining(["js/src/transport.ts", "js/src/react.ts", "src/browser/host.js"]),
  );
});

test("a place in its code is found in the TypeScript", () => {
  const sentence = "The page's Content-Security-Policy blocks WebAssembly";
  const scripts = filesOf(installed).filter((file) => file.endsWith(".js"));
  const file = scripts.find((script) => textOf(script).includes(sentence)) ?? "";
  const before = textOf(file).split(sentence)[0]?.split("\n") ?? [];
  const map = new SourceMap(JSON.parse(textOf(`${file}.map`)));
  const entry = map.findEntry(before.length - 1, (before.at(-1)?.length ?? 0) - 1);
  if (!("originalLine" in entry)) throw new Error(`${file} is not mapped there.`);
  expect(entry.originalSource).toBe(`${name}:///js/src/csp.ts`);
  const lines = readFileSync(join(repository, "js/src/csp.ts"), "utf8").split("\n");
  expect(lines[entry.originalLine]).toContain(sentence);
});

test("esbuild bundles each entry without a word", async () => {
  // It keeps silent about what lies in a folder named `node_modules`, and not about what is linked there.
  const linked = join(folder, "linked");
  cpSync(installed, linked, { recursive: true });
  const { warnings } = await build({
    entryPoints: entries().map(([, file]) => join(linked, file)),
    outdir: join(folder, "bundled"),
    bundle: true,
    format: "esm",
    external: ["ai", "react"],
    // React's directive means nothing in one bundle of a page.
    logOverride: { "ignored-directive": "silent" },
    logLevel: "silent",
  });
  expect(warnings).toEqual([]);
});

test("its React entries are client components", () => {
  const react = entries().filter(([entry]) => entry.endsWith("/react"));
  expect(react.length).toBeGreaterThan(0);
  for (const [, file] of react) expect(textOf(file)).toMatch(/^["']use client["'];/);
});

test(
  "built at another place, from another one, it is the same to the byte",
  async () => {
    const copy = join(folder, "at/another/place");
    const isLeftOut = /(^|\/)(\.git|data|dist|node_modules|pkg|target)$/;
    cpSync(repository, copy, {
      recursive: true,
      filter: (path) => !isLeftOut.test(relative(repository, path)),
    });
    // What is installed, and the core: its own sources are compiled once.
    for (const modules of ["node_modules", "js/node_modules"]) linkEach(modules, copy);
    cpSync(join(repository, "target/wasm-pack"), join(copy, "target/wasm-pack"), {
      recursive: true,
    });
    await run(process.execPath, [join(copy, "scripts/package.mjs")], folder, PATIENCE_MS);

    const other = join(copy, "pkg");
    const hashes = (path: string) =>
      Object.fromEntries(filesOf(path).map((file) => [file, hash(join(path, file))]));
    expect(hashes(other)).toEqual(hashes(installed));
    mkdirSync(join(copy, "packed"));
    expect(hash(await pack(join(copy, "packed"), other))).toBe(hash(tarball));
  },
  BUILD_TIMEOUT_MS,
);

test("it names no place of the machine that it was built on", () => {
  const { CARGO_HOME, RUSTUP_HOME } = process.env;
  const places = [repository, homedir(), CARGO_HOME, RUSTUP_HOME, "/home/", "/Users/", "/tmp/"];
  const named = filesOf(installed).flatMap((file) => {
    const content = readFileSync(join(installed, file), "latin1");
    return places
      .filter((place) => place && place !== "/" && content.includes(place))
      .map((place) => `${file}: ${place}`);
  });
  expect(named).toEqual([]);
});

/** Links each package of a folder of the repository into the same one of a copy. */
function linkEach(modules: string, copy: string): void {
  const from = join(repository, modules);
  if (!existsSync(from)) return;
  mkdirSync(join(copy, modules), { recursive: true });
  for (const entry of readdirSync(from)) {
    // The build links this one itself.
    if (entry !== name) symlinkSync(join(from, entry), join(copy, modules, entry));
  }
}

function bytesOf(file: string): ArrayBuffer {
  return Uint8Array.from(readFileSync(file)).buffer;
}

function hash(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
