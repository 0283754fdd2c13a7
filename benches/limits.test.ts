import { expect, test } from "vitest";
import { breaches } from "./limits";
import type { Row } from "./measure/row";

const row = (what: string, values: Row["values"]): Row => ({ what, unit: "ms", values });

test("what is within its limit is passed over", () => {
  expect(breaches([row("replay of 5 records", { ours: 6, published: 10 })])).toEqual([]);
});

test("what is over its limit is told, with both figures", () => {
  const rows = [
    row("bundle, gzip", { ours: 1, published: 10 }),
    row("bundle, brotli", { ours: 9, published: 10 }),
    row("replay of 5 records", { ours: 20, published: 10 }),
  ];
  expect(breaches(rows)).toEqual([
    "bundle, brotli: 0.90 of the published client's, and the limit is 0.75.",
    "replay of 5 records: 2.00 of the published client's, and the limit is 0.6.",
  ]);
});

test("what grows is held to a limit of its own, whatever the published client does", () => {
  const growth = "growth of the JS heap, 5 records watched";
  expect(breaches([row(growth, { ours: 9, published: 1 })])).toEqual([]);
  expect(breaches([row(growth, { ours: -9, published: 1 })])).toEqual([]);
  expect(breaches([row(growth, { ours: 900, published: 900 })])).toEqual([
    `${growth}: 900 ms, and the limit is 200.`,
  ]);
  expect(breaches([row(growth, { published: 1 })])).toHaveLength(1);
});

test("what was not measured is not within its limit", () => {
  expect(breaches([row("live", { ours: 1 })])).toHaveLength(1);
});

test("a row that nobody has set a limit for is a mistake", () => {
  expect(() => breaches([row("something new", { ours: 1, published: 1 })])).toThrow(
    "something new",
  );
});
