// Lists the tests that are skipped or known to fail, with the reason that stands beside them. It
// reads the sources, so that a test which no runner reaches is listed too. Where it is told by which names,
// it lists what is not run over S2 as well: `node scripts/skips.mjs [NAME…]`.
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

const notOverS2 = process.argv.slice(2);
if (notOverS2.length > 0) {
  const command = ["test", "--quiet", "-p", "session-server", "--test", "server", "--", "--list"];
  const tests = read("cargo", [...command, ...notOverS2]).match(/^\S+(?=: test$)/gm) ?? [];
  console.log(`Not run over S2, for they ask for a database file: ${tests.length}`);
  for (const test of tests) console.log(`  ${test}`);
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
