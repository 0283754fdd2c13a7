// A long answer that is read again: how long it takes, from the send to the last chunk.
import type { Page } from "playwright-core";
import { type ClientName, clientNames, type Tally } from "../clients";
import { orderOf, type Row, rowOf } from "./row";

export async function replay(page: Page, path: string, what: string, rounds: number): Promise<Row> {
  const times: Record<ClientName, number[]> = { floor: [], ours: [], published: [] };
  let expected: string | undefined;
  // The first round warms up: the browser compiles what runs often.
  for (let round = -1; round < rounds; round++) {
    for (const name of orderOf(round + 1, clientNames)) {
      const { totalMs, ...tally } = await page.evaluate(
        ([name, path]) => globalThis.measure(name, path),
        [name, path] as const,
      );
      expected ??= readBy(tally);
      if (readBy(tally) !== expected) {
        throw new Error(`${name} has read ${readBy(tally)}, and not ${expected}.`);
      }
      if (round >= 0) times[name].push(totalMs);
    }
  }
  return rowOf(what, "ms", times);
}

function readBy({ characters, others }: Tally): string {
  return `${characters} characters and ${others} other chunks`;
}
