// Lists the tests that are skipped or known to fail, with the reason that stands beside them. It
// reads the sources, so that a test which no runner reaches is listed too. Told of a file that names tests with
// their reasons, it lists what is not run over S2 as well: `node scripts/skips.mjs [FILE]`.
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { at, read, root } from "./project.mjs";

const notOurs = new Set(["node_modules", "target", "pkg", "dist", "data", "fixtures"]);
const javaScript =
  /\b(it|test|describe|suite)(\.\w+)*\.(skip|skipIf|runIf|todo|fails)\b|\bx(it|describe|test)\(|\bctx\.skip\(/;
const marks = {
  ".rs": /#\[(cfg_attr\(.*\b)?ignore\b/,
  ".ts": javaScript,
  ".tsx": javaScript,
};

const found = sources(at()).flatMap(skipsIn);
if (found.length === 0) {
  console.log("Skipped or known-failing tests: none");
} else {
  console.log(`Skipped or known-failing tests: ${found.length}`);
  for (const { place, text } of found) console.log(`  ${place}: ${text}`);
}

const [notOverS2] = process.argv.slice(2);
if (notOverS2 !== undefined) listLeftOut(readFileSync(at(notOverS2), "utf8"));

/** Lists the tests whose names hold the first word of a line, with the rest of the line. */
function listLeftOut(text) {
  const lines = text.trimEnd().split("\n");
  const reasons = lines.map((line) => /^(\S+) (.*)$/.exec(line)?.slice(1) ?? [line, ""]);
  const list = ["test", "--quiet", "-p", "session-server", "--test", "server", "--", "--list"];
  const told = read("cargo", [...list, ...reasons.map(([name]) => name)]);
  const tests = told.match(/^\S+(?=: test$)/gm) ?? [];
  console.log(`Not run over S2: ${tests.length}`);
  for (const test of tests) {
    console.log(`  ${test}: ${reasons.find(([name]) => test.includes(name))?.[1]}`);
  }
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith(".") || notOurs.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return extname(path) in marks ? [path] : [];
  });
}

/** The marked lines of a file, each with the comment above it or, in Rust, its own reason. */
function skipsIn(path) {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.flatMap((line, index) => {
    const code = line.replace(/^\s*\/\/.*/, "");
    if (!marks[extname(path)].test(code)) return [];
    const above = /^\s*\/\/+\s*(.*)/.exec(lines[index - 1] ?? "")?.[1];
    const text = above ? `${line.trim()} (${above})` : line.trim();
    return [{ place: `${relative(root, path)}:${index + 1}`, text }];
  });
}
