import { describe, expect, test } from "vitest";
import { compare, compareBeginning, isExact, unmerged } from "./comparison";

const written = ["start", "a", "b", "a", "end"];
const exact = { compared: 5, lost: 0, doubled: 0, foreign: 0, reordered: 0 };

describe("a comparison", () => {
  test("finds nothing where all has come", () => {
    expect(compare(written, written)).toEqual(exact);
    expect(isExact(compare(written, written))).toBe(true);
  });

  test("counts what is lost, also where the same words come twice", () => {
    expect(compare(written, ["start", "a", "b", "end"])).toEqual({ ...exact, lost: 1 });
    expect(compare(written, [])).toEqual({ ...exact, lost: 5 });
  });

  test("counts what is doubled", () => {
    const came = ["start", "a", "b", "b", "a", "end", "end"];
    expect(compare(written, came)).toEqual({ ...exact, doubled: 2 });
  });

  test("counts what has changed places", () => {
    const came = ["start", "b", "a", "a", "end"];
    expect(compare(written, came)).toEqual({ ...exact, reordered: 2 });
  });

  test("tells what belongs to another turn", () => {
    expect(compare(written, ["old", ...written])).toEqual({ ...exact, foreign: 1 });
  });

  test("of a beginning misses nothing at the end, and everything before it", () => {
    expect(compareBeginning(written, ["start", "a"])).toEqual({ ...exact, compared: 2 });
    expect(compareBeginning(written, ["start", "b"])).toEqual({ ...exact, compared: 3, lost: 1 });
    expect(compareBeginning(written, [])).toEqual({ ...exact, compared: 0 });
  });
});

describe("merged deltas", () => {
  const delta = (text: string, id = "1") => JSON.stringify({ type: "text-delta", id, delta: text });
  const end = JSON.stringify({ type: "text-end", id: "1" });

  test("are the same as those they were made of", () => {
    const apart = [delta("one "), delta("two\n"), delta("three"), end];
    expect(unmerged([delta("one two\nthree"), end])).toEqual(apart);
    expect(unmerged(apart)).toEqual(apart);
  });

  test("of different parts stay apart", () => {
    const chunks = [delta("one "), delta("two ", "2"), delta("three ")];
    expect(unmerged(chunks)).toEqual(chunks);
  });

  test("show a word that is lost", () => {
    const came = unmerged([delta("one three"), end]);
    expect(compare([delta("one "), delta("two "), delta("three"), end], came).lost).toBe(1);
  });
});
