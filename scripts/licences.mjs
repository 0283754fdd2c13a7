// Holds the licences of the crates to `allow` in deny.toml, as `make deny` does, which needs minutes for its tool.
// Like it, this leaves out dev-dependencies; a licence that only a file tells is none here.
import { readFileSync } from "node:fs";
import { parse as parseToml } from "smol-toml";
import parseLicence from "spdx-expression-parse";
import { at, fail, read } from "./project.mjs";

const { allow, exceptions = [] } = parseToml(readFileSync(at("deny.toml"), "utf8")).licenses;
const metadata = ["metadata", "--format-version=1", "--locked", "--all-features"];
const { packages, resolve, workspace_members } = JSON.parse(read("cargo", metadata));

const counted = reached(workspace_members);
const refusals = packages.filter(({ id }) => counted.has(id)).flatMap(refusal);
if (refusals.length > 0) fail(refusals.join("\n"));
console.log(`deny.toml allows the licences of all ${counted.size} crates.`);

/** The crates with these ids, and all that they need to be built and to run. */
function reached(ids) {
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const found = new Set(ids);
  // A set goes on with what is added on the way.
  for (const id of found) {
    for (const { pkg, dep_kinds } of nodes.get(id).deps) {
      if (dep_kinds.some(({ kind }) => kind !== "dev")) found.add(pkg);
    }
  }
  return found;
}

/** Why a crate may not be there, and what to do, if it may not. */
function refusal({ name, version, license }) {
  const crate = `The crate ${name} ${version}`;
  if (!license) return [`${crate} names no licence: use another one.`];
  let expression;
  try {
    // Before SPDX expressions, crates gave a choice with a slash.
    expression = parseLicence(license.replaceAll("/", " OR "));
  } catch {
    return [`${crate} has the licence "${license}", which is no SPDX expression: use another one.`];
  }
  if (satisfies(expression, allowedFor(name))) return [];
  return [
    `${crate} has the licence "${license}", which deny.toml does not allow: use another one, or add the ` +
      "licence to `allow` there, if what is made here may go by it.",
  ];
}

/** The licences that a crate may have: those of all, and those of its exceptions. */
function allowedFor(name) {
  const its = exceptions.filter(({ crate }) => crate.split("@")[0] === name);
  return [...allow, ...its.flatMap((exception) => exception.allow)];
}

/** Whether a parsed SPDX expression can be gone by with these licences alone. */
function satisfies({ conjunction, left, right, license, exception }, allowed) {
  if (conjunction === "or") return satisfies(left, allowed) || satisfies(right, allowed);
  if (conjunction === "and") return satisfies(left, allowed) && satisfies(right, allowed);
  return allowed.includes(exception ? `${license} WITH ${exception}` : license);
}
