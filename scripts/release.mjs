// What `make release` does before and after the tests. `check [VERSION]` says whether what is committed can be
// released; `pack` packs it, and says how to publish it. Nothing is published here.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { at, crateVersion, fail, packageDir, read, root } from "./project.mjs";

const destination = at("target/release");

const [step, wanted] = process.argv.slice(2);
if (step === "check") check();
else if (step === "pack") pack();
else fail("Say `check` or `pack`.");

function check() {
  const changed = read("git", ["status", "--porcelain"]);
  if (changed) fail(`A release is of what is committed, and this is not:\n${changed}`);

  const version = crateVersion();
  if (wanted && wanted !== version) {
    fail(`Cargo.toml has the version ${version}, and not ${wanted}.`);
  }
  const changelog = readFileSync(at("CHANGELOG.md"), "utf8");
  const [, newest, date] = /^## (\S+) - (.+)$/m.exec(changelog) ?? [];
  if (newest !== version) {
    fail(`Cargo.toml has the version ${version}, and CHANGELOG.md is at ${newest}.`);
  }
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) {
    fail(`CHANGELOG.md says of ${version}: ${date}. Give it the date of its release.`);
  }
  console.log(`${version} can be released.`);
}

function pack() {
  rmSync(destination, { recursive: true, force: true });
  mkdirSync(destination, { recursive: true });
  const told = read("npm", ["pack", packageDir, "--pack-destination", destination, "--json"]);
  const [{ name, version, filename, size, entryCount, integrity }] = JSON.parse(told);
  const tarball = join(destination, filename);
  const sha256 = createHash("sha256").update(readFileSync(tarball)).digest("hex");
  const path = `./${relative(root, tarball)}`;
  console.log(`
${name} ${version}
  file       ${path}
  size       ${size} bytes, ${entryCount} files
  sha256     ${sha256}
  integrity  ${integrity}

Nothing is published yet. To publish it:
  git tag v${version}
  npm publish ${path}
  cargo publish --workspace`);
}
