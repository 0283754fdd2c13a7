// The AI SDKs that the page is built with. Each folder beside this file names some of them by npm
// aliases, so that all of its versions lie in one `node_modules`, and has a lock file.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { dependencies } from "../fixtures/install";

/** An AI SDK: a version of `ai` and the version of `@ai-sdk/react` that brings it. */
export interface Sdk {
  ai: string;
  hook: string;
  /** The manifest's name for it. */
  alias: string;
  /** The folder beside this file whose manifest has it. */
  folder: string;
}

/** What a manifest has, such as `"with-ai-5.0.277": "npm:@ai-sdk/react@2.0.280"`. */
function sdksOf(name: string): Sdk[] {
  const folder = fileURLToPath(new URL(name, import.meta.url));
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.entries<string>(manifest.dependencies).map(([alias, target]) => ({
    ai: alias.replace("with-ai-", ""),
    hook: target.replace("npm:@ai-sdk/react@", ""),
    alias,
    folder,
  }));
}

/** The latest of each major. */
export const latest = sdksOf("ai-latest");

/** Both sides of each change in what the hook expects of a transport. */
export const boundaries = sdksOf("ai-boundaries");

/** Where the packages of an AI SDK are, by name; they are installed where they are not yet. */
export async function packagesOf({ alias, folder }: Sdk): Promise<Record<string, string>> {
  const hook = join(await dependencies(folder), "node_modules", alias);
  const ai = createRequire(join(hook, "package.json")).resolve("ai/package.json");
  return { "@ai-sdk/react": hook, ai: dirname(ai) };
}

/** Whether a version is this one or a later one of its major. */
export function isFrom(version: string, first: Record<string, number>): boolean {
  const [major = "", , patch] = version.split(".");
  return Number(patch) >= (first[major] ?? 0);
}
