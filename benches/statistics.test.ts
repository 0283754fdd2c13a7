import { expect, test } from "vitest";
import { median, range } from "./statistics";

test("the median is the one in the middle, or between the two there", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([10, 1, 9, 2])).toBe(5.5);
});

test("the range is the least and the most", () => {
  expect(range([3, 1, 2])).toEqual([1, 3]);
});
