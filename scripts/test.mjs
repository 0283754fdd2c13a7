// Runs the make targets it is given, one after the other, and adds up the tests that their runners
// report. It stops at the first target that fails.
import { spawn } from "node:child_process";
import { root } from "./project.mjs";

// The closing lines of cargo test and wasm-bindgen's runner, and of vitest.
const rust = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/;
const vitest = /^\s*Tests\s+(.*\d+ (?:passed|failed|skipped|todo).*?)(?: \(\d+\))?$/;

// Runners that write into a pipe cannot tell what stands at its end.
const colours = process.stdout.isTTY
  ? { FORCE_COLOR: "1", CARGO_TERM_COLOR: "always" }
  : { NO_COLOR: "1" };

const total = { passed: 0, failed: 0, skipped: 0 };
let failure;
for (const target of process.argv.slice(2)) {
  console.log(`\n== ${target} ==`);
  const started = Date.now();
  const status = await make(target);
  console.log(`-- ${target}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
  if (status !== 0) {
    failure = target;
    break;
  }
}

if (failure === undefined) {
  console.log("\n== skips ==");
  if ((await make("skips")) !== 0) failure = "skips";
}
console.log();
if (failure !== undefined) console.log(`Stopped: \`make ${failure}\` failed, see above.`);
if (failure === undefined && total.failed + total.passed === 0) {
  console.log("Stopped: the runners reported no test at all.");
  failure = "test";
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`tests: ${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = failure === undefined && total.failed === 0 ? 0 : 1;

/** Runs one target, its output passed on as it comes, and resolves with its exit status. */
function make(target) {
  return new Promise((resolve, reject) => {
    // One pipe for both outputs keeps their order.
    const command = ["-c", 'exec "$0" "$1" 2>&1', process.env.MAKE || "make", target];
    const child = spawn("bash", command, {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...colours },
    });
    let unfinished = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text) => {
      process.stdout.write(text);
      const lines = (unfinished + text).split("\n");
      unfinished = lines.pop() ?? "";
      lines.forEach(count);
    });
    child.on("error", reject);
    child.on("close", (status) => {
      count(unfinished);
      resolve(status);
    });
  });
}

function count(line) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal
  const plain = line.replace(/\x1b\[[\d;]*m/g, "").trimEnd();
  const [, passed, failed, ignored] = rust.exec(plain) ?? [];
  if (passed !== undefined) {
    total.passed += Number(passed);
    total.failed += Number(failed);
    total.skipped += Number(ignored);
  }
  const [, summary] = vitest.exec(plain) ?? [];
  for (const [, number, kind] of summary?.matchAll(/(\d+) (passed|failed|skipped|todo)/g) ?? []) {
    total[kind === "todo" ? "skipped" : kind] += Number(number);
  }
}
