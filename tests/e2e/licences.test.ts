// What `make lint-licences` says of a crate and of what it needs, in a small repository.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "./fixtures/install";

const repository = fileURLToPath(new URL("../..", import.meta.url));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "licences-"));
  cpSync(join(repository, "scripts"), join(folder, "scripts"), { recursive: true });
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  write("deny.toml", '[licenses]\nallow = ["MIT", "ISC"]\n');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

/** Writes a crate under MIT that needs others, whose manifests have these lines. */
function crateThatNeeds(manifests: Record<string, string>, kind = "dependencies"): void {
  const names = Object.keys(manifests);
  const needed = names.map((name) => `${name} = { path = "${name}" }`).join("\n");
  crate(".", "top", `license = "MIT"\n\n[${kind}]\n${needed}`);
  for (const name of names) crate(name, name, manifests[name] ?? "");
}

function crate(path: string, name: string, rest: string): void {
  const head = `[package]\nname = "${name}"\nversion = "1.2.3"\nedition = "2024"`;
  write(join(path, "Cargo.toml"), `${head}\n${rest}\n`);
  write(join(path, "src/lib.rs"), "");
}

async function licences(): Promise<string> {
  await run("cargo", ["generate-lockfile", "--offline"], folder);
  return (await run(process.execPath, ["scripts/licences.mjs"], folder)).stdout;
}

/** What is said of crates that may not be there, a line of each. */
async function refusals(): Promise<string[]> {
  const { message } = await licences().then(
    () => expect.unreachable("All licences are allowed."),
    (error: Error) => error,
  );
  return [...new Set(message.match(/^The crate .*/gm))];
}

test("a crate may be there whose licences, or one of those it lets choose from, are on the list", async () => {
  crateThatNeeds({
    one: 'license = "ISC"',
    choice: 'license = "GPL-3.0-only OR MIT"',
    slash: 'license = "GPL-3.0-only/MIT"',
    both: 'license = "MIT AND (GPL-3.0-only OR ISC)"',
    exception: 'license = "Apache-2.0 WITH LLVM-exception OR MIT"',
  });
  expect(await licences()).toBe("deny.toml allows the licences of all 6 crates.\n");
});

test("another may not, nor one without a licence: it is said which, why, and what to do", async () => {
  crateThatNeeds({
    both: 'license = "MIT AND GPL-3.0-only"',
    exception: 'license = "MIT WITH LLVM-exception"',
    file: 'license-file = "LICENCE"',
    nonsense: 'license = "Mine, all mine"',
    nothing: "",
    one: 'license = "GPL-3.0-only"',
  });
  const notAllowed =
    "which deny.toml does not allow: use another one, or add the licence to `allow` there, if what is made here " +
    "may go by it.";
  expect(await refusals()).toEqual([
    `The crate both 1.2.3 has the licence "MIT AND GPL-3.0-only", ${notAllowed}`,
    `The crate exception 1.2.3 has the licence "MIT WITH LLVM-exception", ${notAllowed}`,
    "The crate file 1.2.3 names no licence: use another one.",
    'The crate nonsense 1.2.3 has the licence "Mine, all mine", which is no SPDX expression: use another one.',
    "The crate nothing 1.2.3 names no licence: use another one.",
    `The crate one 1.2.3 has the licence "GPL-3.0-only", ${notAllowed}`,
  ]);
});

test("what builds a crate counts, and so does the crate itself; what tests it does not", async () => {
  crateThatNeeds({ builds: 'license = "GPL-3.0-only"' }, "build-dependencies");
  write("build.rs", "fn main() {}");
  expect(await refusals()).toEqual([expect.stringContaining("crate builds 1.2.3")]);

  crate(".", "top", 'license = "GPL-3.0-only"');
  expect(await refusals()).toEqual([expect.stringContaining("crate top 1.2.3")]);

  crateThatNeeds({ tests: 'license = "GPL-3.0-only"' }, "dev-dependencies");
  expect(await licences()).toContain("all 1 crates");
});

test("a licence that deny.toml allows one crate is allowed no other", async () => {
  const licence = 'license = "GPL-3.0-only"';
  crateThatNeeds({ one: licence, other: licence });
  const exceptions = '[{ crate = "one@1", allow = ["GPL-3.0-only"] }]';
  write("deny.toml", `[licenses]\nallow = ["MIT"]\nexceptions = ${exceptions}\n`);
  expect(await refusals()).toEqual([expect.stringContaining("crate other 1.2.3")]);
});
