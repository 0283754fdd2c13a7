import { describe, expect, test } from "vitest";
import { applied, type Delta, deltaOf } from "./delta.js";

/** A value by chance, and one that is made of it by a few changes. */
function valuesBy(seed: number): [unknown, unknown] {
  let state = seed;
  const below = (end: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
  const value = (depth: number): unknown => {
    switch (below(depth > 0 ? 7 : 5)) {
      case 0:
        return below(100);
      case 1:
        return below(2) === 0;
      case 2:
        return null;
      case 3:
      case 4:
        return "text".repeat(below(4));
      case 5:
        return Array.from({ length: below(4) }, () => value(depth - 1));
      default:
        return Object.fromEntries(
          Array.from({ length: below(4) }, () => [`m${below(5)}`, value(depth - 1)]),
        );
    }
  };
  const change = (before: unknown, depth: number): unknown => {
    if (below(4) === 0) return value(depth);
    if (typeof before === "string") return below(2) === 0 ? `${before} more` : before;
    if (Array.isArray(before)) {
      const after = before.map((item) => (below(3) === 0 ? change(item, depth - 1) : item));
      if (below(3) === 0) after.push(value(depth - 1));
      if (below(4) === 0) after.pop();
      return after;
    }
    if (typeof before !== "object" || before === null) return before;
    const kept = Object.entries(before).filter(() => below(5) > 0);
    const after = Object.fromEntries(kept.map(([key, item]) => [key, change(item, depth - 1)]));
    return below(3) === 0 ? { ...after, added: value(depth - 1) } : after;
  };
  const before = value(4);
  return [before, structuredClone(change(before, 4))];
}

describe("what has changed in a value", () => {
  test("makes the one of the other, whatever they are", () => {
    let unequal = 0;
    for (let seed = 1; seed <= 5_000; seed++) {
      const [before, after] = valuesBy(seed);
      const delta = deltaOf(before, after);
      if (delta) unequal += 1;
      // As it comes out of the channel.
      const told = structuredClone(delta);
      expect(told ? applied(before, told) : before, `seed ${seed}`).toEqual(after);
    }
    expect(unequal).toBeGreaterThan(1_000);
  });

  test("is what was added, in a text that grew", () => {
    const said = [{ id: "1" }];
    const answer = (text: string) => ({ id: "2", parts: [{ type: "text", text }] });
    const delta = deltaOf([...said, answer("Hello")], [...said, answer("Hello, you")]);
    expect(JSON.stringify(delta)).toBe(
      '[3,2,{"1":[2,{"parts":[3,1,{"0":[2,{"text":[1,", you"]}]}]}]}]',
    );
  });

  test("is nothing where nothing has", () => {
    const message = () => ({ id: "1", parts: [{ type: "text", text: "a" }] });
    expect(deltaOf([message()], [message()])).toBeUndefined();
  });

  test("keeps what is the same the same object", () => {
    const [first, second] = [{ id: "1" }, { id: "2", text: "a" }];
    const before = [first, second];
    const delta = deltaOf(before, [first, { ...second, text: "ab" }]) as Delta;
    const after = applied(before, delta) as object[];
    expect(after[0]).toBe(first);
    expect(second.text).toBe("a");
  });

  test("takes `__proto__` for data", () => {
    const before = [{}];
    const after = [JSON.parse('{"__proto__":{"polluted":true}}')];
    const result = applied(before, deltaOf(before, after) as Delta) as object[];
    expect(Object.keys(result[0] ?? {})).toEqual(["__proto__"]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test.each([[1, "text"], [2, {}], [3, 1, {}], [9, 1], []])(
    "throws where it is none of the value: %j",
    (...delta) => {
      expect(() => applied(7, delta as unknown as Delta)).toThrow(TypeError);
    },
  );
});
