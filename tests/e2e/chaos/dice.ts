/** Random choices that come again with the same seed. */
export class Dice {
  #state: number;

  constructor(seed: string) {
    // FNV-1a: seeds that look alike give states that do not.
    this.#state = [...seed].reduce(
      (hash, letter) => Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193),
      0x811c9dc5,
    );
  }

  /** A whole number from `least` to `most`, both of them included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.#next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  one<T>(list: readonly T[]): T {
    const item = list[this.between(0, list.length - 1)];
    if (item === undefined) throw new Error("there is nothing to choose from");
    return item;
  }

  /** So many of the list, each once, in the list's order. */
  some<T>(list: readonly T[], count: number): T[] {
    const rest = [...list];
    const chosen = new Set<T>();
    while (chosen.size < count && rest.length > 0) {
      for (const item of rest.splice(this.between(0, rest.length - 1), 1)) chosen.add(item);
    }
    return list.filter((item) => chosen.has(item));
  }

  /** `make` called `least` to `most` times. */
  times<T>(least: number, most: number, make: () => T): T[] {
    return Array.from({ length: this.between(least, most) }, make);
  }

  /** mulberry32: from 0 up to, but not, 1. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
