import { readdirSync, readFileSync } from "node:fs";

/** The ids of the differences that the tests of this folder show. */
export function shownDifferences(): string[] {
  const folder = new URL(".", import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
  const texts = files.map((name) => readFileSync(new URL(name, folder), "utf8"));
  return texts.flatMap((text) =>
    [...text.matchAll(/\bdiffer\("([a-z-]+)"/g)].flatMap(([, id]) => id ?? []),
  );
}
