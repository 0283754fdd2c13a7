/** How often each thing was there. */
export type Counts = Record<string, number>;

/** Counts a thing. */
export type Count = (what: string) => void;

export function counting(counts: Counts): Count {
  return (what) => add(counts, { [what]: 1 });
}

export function add(counts: Counts, more: Counts): void {
  for (const [what, count] of Object.entries(more)) counts[what] = (counts[what] ?? 0) + count;
}
