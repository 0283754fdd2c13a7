import type { ClientName } from "../clients";
import { median, range } from "../statistics";

/** One line of the table: what each client took. */
export interface Row {
  what: string;
  unit: string;
  /** The medians. */
  values: Partial<Record<ClientName, number>>;
  /** The least and the most of the rounds, where there were several. */
  ranges?: Partial<Record<ClientName, [number, number]>>;
}

/** A row of the medians of several rounds. */
export function rowOf(
  what: string,
  unit: string,
  rounds: Partial<Record<ClientName, number[]>>,
): Row {
  const entries = Object.entries(rounds) as [ClientName, number[]][];
  return {
    what,
    unit,
    values: Object.fromEntries(entries.map(([name, values]) => [name, median(values)])),
    ranges: Object.fromEntries(entries.map(([name, values]) => [name, range(values)])),
  };
}

/** The clients' order in a round: they take turns in being the first, the second and the last. */
export function orderOf<Name extends ClientName>(round: number, names: readonly Name[]): Name[] {
  return names.map((_, index) => names[(index + round) % names.length] as Name);
}
