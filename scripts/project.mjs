// What the other scripts share: where things lie, how a command runs, when work can be skipped.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** A path below the repository's root. */
export const at = (...parts) => join(root, ...parts);

/** What a page needs at once, and what one that looks after many tabs loads later. */
export const core = wasmOf("trigger-chat-transport", ".", at("target/wasm-pack"));
export const tabs = wasmOf("trigger-chat-tabs", "src/tabs", at("target/wasm-pack/tabs"));
export const packageDir = at("pkg");

/** A WebAssembly: its crate, the folder of that, and the one for what is made of it. */
function wasmOf(crate, folder, dir) {
  const name = crate.replaceAll("-", "_");
  const file = `${name}_bg.wasm`;
  return {
    ...{ crate, folder, dir, name, file },
    /** The wasm that is shipped, and its twin that still knows the functions' names. */
    optimised: join(dir, file),
    named: join(dir, "named.wasm"),
  };
}

/** Ends the script with a sentence for the reader, not a stack trace. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Runs a command to its end, its output shown, and ends the script if it fails. */
export function run(command, args, env = {}) {
  const options = { cwd: root, stdio: "inherit", env: { ...process.env, ...env } };
  const { status, error } = spawnSync(command, args, options);
  if (error) fail(`${command} cannot be started: ${error.message}`);
  if (status !== 0) fail(`${command} failed, see above.`);
}

/** Runs a command and returns what it printed. */
export function read(command, args) {
  const options = { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 };
  const { status, error, stdout, stderr } = spawnSync(command, args, options);
  if (error) fail(`${command} cannot be started: ${error.message}`);
  if (status !== 0) fail(`${command} ${args.join(" ")} failed:\n${stderr}`);
  return stdout;
}

/** The version of the package, which is its crate's. */
export function crateVersion() {
  const { packages } = JSON.parse(read("cargo", ["metadata", "--no-deps", "--format-version=1"]));
  return packages.find(({ name }) => name === "trigger-chat-transport").version;
}

/** Starts a session server that keeps nothing, for as long as this script lives; returns its URL. */
export async function startSessionServer(flags = []) {
  const cargo = ["--quiet", ...(process.env.CI ? ["--locked"] : []), "-p", "session-server"];
  run("cargo", ["build", ...cargo]);
  const args = ["run", ...cargo, "--", "--port", "0", "--db", ":memory:", ...flags];
  return (await startServer("The session server", "cargo", args)).url;
}

/** Starts S2 for as long as this script lives, in memory or on a folder; returns its process and its URL. */
export function startS2(folder) {
  const args = folder === undefined ? [] : ["--local-root", folder];
  return startServer("S2", process.env.S2_LITE_PROGRAM ?? "s2-lite-on-loopback", args);
}

/** Starts what says on its first line where it listens; returns its process and its URL. */
export async function startServer(name, command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => child.kill());
  child.once("error", (error) => fail(`${name} cannot be started: ${error.message}`));
  const failEarly = () => fail(`${name} ended before it was ready.`);
  child.once("exit", failEarly);
  const [line] = await once(createInterface(child.stdout), "line");
  child.off("exit", failEarly);
  return { child, url: line.match(/http:\S+/)?.[0] };
}

/** All files at or below a path, in a fixed order. */
export function filesBelow(path) {
  if (!existsSync(path)) return [];
  const entries = readdirSync(dirname(path), { withFileTypes: true });
  const self = entries.find((entry) => join(dirname(path), entry.name) === path);
  if (!self?.isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}

/**
 * Runs `build`, unless `inputs` and `outputs` (files or folders) hold what they held after the last
 * time. Contents decide, not times: a fresh clone, a touched file or an edited output cannot
 * mislead it. Returns whether it built.
 */
export async function buildIfChanged(name, inputs, outputs, build) {
  const stamp = at("target/stamps", name);
  const state = () => {
    const hash = createHash("sha256");
    for (const file of [...inputs, ...outputs].flatMap(filesBelow)) {
      const content = existsSync(file) ? readFileSync(file) : "missing";
      hash.update(`${relative(root, file)}\0${content.length}\0`).update(content);
    }
    return hash.digest("hex");
  };
  const built = outputs.every((path) => existsSync(path));
  if (built && existsSync(stamp) && readFileSync(stamp, "utf8") === state()) return false;
  rmSync(stamp, { force: true });
  await build();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, state());
  return true;
}
