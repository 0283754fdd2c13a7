// What `make release` does around the tests, in a small repository with a history of its own.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "./fixtures/install";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const manifest = { name: "trigger-chat-transport", version: "1.2.3" };

let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "release-"));
  cpSync(join(repository, "scripts"), join(folder, "scripts"), { recursive: true });
  write(".gitignore", "/target\n");
  write(
    "Cargo.toml",
    `[package]\nname = "${manifest.name}"\nversion = "${manifest.version}"\nedition = "2024"\n`,
  );
  write("src/lib.rs", "");
  write("CHANGELOG.md", "# Changelog\n\n## 1.2.3 - 2026-12-01\n\n## 1.2.2 - 2026-11-01\n");
  write("pkg/package.json", JSON.stringify(manifest));
  await git("init", "--quiet");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

async function git(...args: string[]): Promise<void> {
  const settings = ["user.name=test", "user.email=test@localhost", "commit.gpgSign=false"];
  await run("git", [...settings.flatMap((setting) => ["-c", setting]), ...args], folder);
}

async function commit(): Promise<void> {
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "All");
}

async function release(...args: string[]): Promise<string> {
  return (await run(process.execPath, ["scripts/release.mjs", ...args], folder)).stdout;
}

test("what is committed, in one version and with its date, can be released", async () => {
  await commit();
  expect(await release("check")).toBe("1.2.3 can be released.\n");
  expect(await release("check", "1.2.3")).toBe("1.2.3 can be released.\n");
});

test("what is not committed cannot", async () => {
  await commit();
  write("src/lib.rs", "// changed\n");
  await expect(release("check")).rejects.toThrow("src/lib.rs");
});

test("another version than the one that is meant cannot", async () => {
  await commit();
  await expect(release("check", "1.3.0")).rejects.toThrow("the version 1.2.3, and not 1.3.0");
});

test.each([
  ["no entry for the version", "## 1.2.2 - 2026-11-01\n", "is at 1.2.2"],
  ["no date for it", "## 1.2.3 - unreleased\n", "Give it the date"],
])("a changelog with %s keeps it from being released", async (_, changelog, words) => {
  write("CHANGELOG.md", changelog);
  await commit();
  await expect(release("check")).rejects.toThrow(words);
});

test("the package is packed, and how to publish it is said", async () => {
  const told = await release("pack");
  const path = "target/release/trigger-chat-transport-1.2.3.tgz";
  const tarball = readFileSync(join(folder, path));
  expect(told).toContain(createHash("sha256").update(tarball).digest("hex"));
  expect(told).toContain(`${tarball.length} bytes`);
  expect(told).toContain(`npm publish ./${path}\n`);
});
