// What a run has come to, as a table and as data.
import type { Comparison } from "./comparison";
import type { Counts } from "./count";
import type { EngineName } from "./engines";
import type { Source } from "./page/contract";

/** A round that did not come out exact. */
export interface Failure {
  lane: string;
  round: number;
  disturbances: string[];
  flaws: string[];
  requests: string[];
}

/** What a run is told beforehand. */
export interface Choice {
  engine: EngineName;
  source: Source;
  seed: string;
}

export interface Report extends Choice {
  turns: number;
  rounds: number;
  comparison: Comparison;
  /** How many rounds had each disturbance. */
  disturbances: Counts;
  /** What the servers counted. */
  injected: Counts;
  /** What was done from outside. */
  done: Counts;
  failures: Failure[];
}

export function tableOf(report: Report): string {
  const { engine, source, seed, turns, rounds, comparison, failures } = report;
  return [
    rows({ engine, source, seed, turns, rounds, "rounds that failed": failures.length }),
    rows({ ...comparison }, "chunks: "),
    rows(sorted(report.disturbances), "rounds with: "),
    rows(sorted(report.injected), "the server: "),
    rows(sorted(report.done), "from outside: "),
    ...failures.map(tellFailure),
  ].join("\n\n");
}

function tellFailure({ lane, round, disturbances, flaws, requests }: Failure): string {
  const head = `Round ${round} of ${lane} (${disturbances.join(" + ")}) failed:`;
  return [head, ...flaws, "Its requests:", ...requests].join("\n  ");
}

function rows(values: Record<string, string | number>, prefix = ""): string {
  const width = Math.max(0, ...Object.keys(values).map((name) => name.length));
  return Object.entries(values)
    .map(([name, value]) => `${prefix}${name.padEnd(width)}  ${value}`)
    .join("\n");
}

function sorted(values: Counts): Counts {
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}
