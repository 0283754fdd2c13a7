import type { UIMessageChunk } from "ai";
import { expect, test } from "vitest";
import { readingOf } from "./tally";

const delta = (id: string, delta: string) => ({ type: "text-delta", id, delta }) as const;
const chunks: UIMessageChunk[] = [
  { type: "start" },
  { type: "text-start", id: "a" },
  delta("a", "one "),
  delta("a", "two 🌊"),
  { type: "text-end", id: "a" },
  { type: "finish" },
];
const digestOf = (chunks: UIMessageChunk[]) => readingOf(chunks).digest;
const withDeltas = (...deltas: UIMessageChunk[]) => [
  ...chunks.slice(0, 2),
  ...deltas,
  ...chunks.slice(4),
];

test("the digest does not see where deltas were cut, and the number of chunks does", () => {
  const merged = withDeltas(delta("a", "one two 🌊"));
  expect(digestOf(merged)).toBe(digestOf(chunks));
  expect([readingOf(chunks).chunks, readingOf(merged).chunks]).toEqual([6, 5]);
});

test("the digest sees a chunk that is missing, wherever it was", () => {
  for (let at = 0; at < chunks.length; at++) {
    expect(digestOf(chunks.filter((_, index) => index !== at))).not.toBe(digestOf(chunks));
  }
});

test("the digest sees another order, another part, another kind and another text", () => {
  const reasoning = { type: "reasoning-delta", id: "a", delta: "one " } as const;
  for (const other of [
    withDeltas(delta("a", "two 🌊"), delta("a", "one ")),
    withDeltas(delta("a", "one "), delta("b", "two 🌊")),
    withDeltas(reasoning, delta("a", "two 🌊")),
    withDeltas(delta("a", "one "), delta("a", "two 🌋")),
  ]) {
    expect(digestOf(other)).not.toBe(digestOf(chunks));
  }
});
