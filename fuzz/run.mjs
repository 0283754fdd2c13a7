// Looks for inputs that break the core: `node fuzz/run.mjs SECONDS` runs each target for so long,
// `node fuzz/run.mjs replay FILE` runs one input again, as loudly as its target can.
//
// A target starts from its seeds and from what earlier runs have found worth keeping, in `corpus/`;
// what has broken it lies in `artifacts/`.
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { at, fail, filesBelow, read, root, run } from "../scripts/project.mjs";
import { seeds } from "./seeds.mjs";

/** No seed is larger, and what is larger runs slowly. */
const maxBytes = 4096;

/** An input that takes so long has broken its target as well. */
const timeoutSeconds = 10;

// Without a sanitizer: those need a nightly Rust, and the core has no `unsafe` that they could watch.
const options = ["--sanitizer", "none", "--target-dir", at("target/fuzz")];

const [command, file] = process.argv.slice(2);
if (command === "replay") {
  if (!file)
    fail("Which input? `make fuzz REPLAY=fuzz/artifacts/…` takes one that broke a target.");
  const target = basename(dirname(resolve(file)));
  run("cargo", ["fuzz", "run", ...options, target, resolve(file)], { FUZZ_TRACE: "1" });
} else {
  fuzz(Number(command));
}

function fuzz(seconds) {
  if (!(seconds > 0)) fail(`How many seconds for each target? "${command}" is no number of them.`);
  run("cargo", ["fuzz", "build", ...options]);
  const targets = read("cargo", ["fuzz", "list"]).trim().split("\n");
  const broken = targets.filter((target) => !holds(target, seconds));
  if (broken.length > 0) fail(`\nBroken: ${broken.join(", ")}; see above.`);
}

/** Whether a target holds against every input of its run. */
function holds(target, seconds) {
  const corpus = at("fuzz/corpus", target);
  mkdirSync(corpus, { recursive: true });
  for (const [name, seed] of seeds(target)) writeFileSync(join(corpus, `seed-${name}`), seed);
  const limits = { max_total_time: seconds, max_len: maxBytes, timeout: timeoutSeconds };
  const flags = { ...limits, dict: at("fuzz/wire.dict"), verbosity: 0, print_final_stats: 1 };
  const args = Object.entries(flags).map(([name, value]) => `-${name}=${value}`);
  const { status, error, stderr } = spawnSync(
    "cargo",
    ["fuzz", "run", ...options, target, "--", ...args],
    { cwd: root, encoding: "utf8", maxBuffer: 256 << 20 },
  );
  if (error) fail(`cargo cannot be started: ${error.message}`);
  if (status === 0) {
    const [, inputs] = /number_of_executed_units: (\d+)/.exec(stderr) ?? [];
    console.log(`${target}: holds against ${inputs} inputs, in ${seconds} s`);
    return true;
  }
  console.error(stderr);
  const [artifact] = newestFirst(filesBelow(at("fuzz/artifacts", target)));
  if (!artifact) fail(`${target} could not be run, see above.`);
  console.error(`${target}: broken. To see it again: make fuzz REPLAY=${relative(root, artifact)}`);
  return false;
}

function newestFirst(paths) {
  return paths.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
}
