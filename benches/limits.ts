// What `make bench-check` holds a table to. The limits are wide, for times are noisy: they are for what has
// become another order of cost, not for what has become a little slower.
import type { Row } from "./measure/row";

/**
 * Ours by the published client's, at most, by how the name of a row begins; the first that fits counts. In
 * brackets, what docs/performance.md has.
 */
const LIMITS: readonly [beginning: string, limit: number][] = [
  ["replay of", 0.6], // (0.11 to 0.22)
  ["longest task, first", 0.8], // (0.13)
  ["longest task", 0.3], // (0.05 to 0.12)
  ["first chunk", 0.8], // (0.51)
  ["live", 1], // (0.68)
  ["import to first request, beside useChat", 4], // (1.04)
  ["import to first request", 1.5], // (0.56)
  ["bundle", 0.75], // (0.46)
  ["added beside useChat", 1], // (0.52 to 0.69)
];

/** What grows has no need to, whatever others do: at most so much, in the row's unit. */
const GROWTH_LIMITS: typeof LIMITS = [
  ["growth of the JS heap", 200], // kB; one byte a record of the 200,000 (22)
  ["growth of the WASM memory", 1_500], // kB; some pieces of a read (0 to 600)
];

/** The rows that are over their limit, each in a sentence. */
export function breaches(rows: Row[]): string[] {
  return rows.flatMap(({ what, unit, values: { ours = Number.NaN, published = Number.NaN } }) => {
    const growthLimit = limitOf(what, GROWTH_LIMITS);
    // Not `>`: what is no number is not within its limit.
    if (growthLimit !== undefined) {
      if (ours <= growthLimit) return [];
      return [`${what}: ${ours.toFixed(0)} ${unit}, and the limit is ${growthLimit}.`];
    }
    const limit = limitOf(what, LIMITS);
    if (limit === undefined) throw new Error(`There is no limit for: ${what}.`);
    const ratio = ours / published;
    if (ratio <= limit) return [];
    return [`${what}: ${ratio.toFixed(2)} of the published client's, and the limit is ${limit}.`];
  });
}

function limitOf(what: string, limits: typeof LIMITS): number | undefined {
  return limits.find(([beginning]) => what.startsWith(beginning))?.[1];
}
