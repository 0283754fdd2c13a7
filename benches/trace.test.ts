import { expect, test } from "vitest";
import { longestTaskMs, READING, type TraceEvent } from "./measure/trace";

const at = { pid: 1, tid: 1 };
const reading: TraceEvent[] = [
  { ...at, name: READING, ph: "b", ts: 10_000 },
  { ...at, name: READING, ph: "e", ts: 50_000 },
];
const task = (ts: number, dur: number, where = at): TraceEvent => ({
  ...{ ...where, name: "RunTask", ph: "X", ts, dur },
});

test("the longest task is one of those that ran while the page read, at either end too", () => {
  const within = task(20_000, 5_000);
  expect(longestTaskMs([...reading, within, task(0, 9_000), task(60_000, 9_000)])).toBe(5);
  expect(longestTaskMs([...reading, within, task(4_000, 7_000)])).toBe(7);
  expect(longestTaskMs([...reading, within, task(49_000, 8_000)])).toBe(8);
});

test("it is one of the page's own thread", () => {
  const others = [
    task(20_000, 9_000, { pid: 1, tid: 2 }),
    task(20_000, 9_000, { pid: 2, tid: 1 }),
    { ...task(20_000, 9_000), name: "FunctionCall" },
  ];
  expect(longestTaskMs([...reading, ...others, task(30_000, 3_000)])).toBe(3);
});

test("a trace without a reading, or without a task, is a mistake", () => {
  expect(() => longestTaskMs([task(20_000, 1)])).toThrow("no reading");
  expect(() => longestTaskMs(reading)).toThrow("no task");
});
