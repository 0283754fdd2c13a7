import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { shownDifferences } from "./differences";

test("docs/differences.md says why for each difference that is shown here", () => {
  const text = readFileSync(new URL("../../../docs/differences.md", import.meta.url), "utf8");
  const listed = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, id]) => id);
  const shown = shownDifferences();
  expect(shown.length).toBeGreaterThan(0);
  expect(listed).toEqual(expect.arrayContaining(shown));
});
