// From the send to the first chunk, where each request takes its time: in round trips.
import type { Page } from "playwright-core";
import { type ClientName, clientNames } from "../clients";
import { orderOf, type Row, rowOf } from "./row";

export async function firstChunk(
  page: Page,
  path: string,
  latencyMs: number,
  rounds: number,
): Promise<Row> {
  const trips: Record<ClientName, number[]> = { floor: [], ours: [], published: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of orderOf(round, clientNames)) {
      const { firstAfterMs } = await page.evaluate(
        ([name, path]) => globalThis.measure(name, path),
        [name, path] as const,
      );
      trips[name].push(firstAfterMs / latencyMs);
    }
  }
  return rowOf(`first chunk, ${latencyMs} ms on each request`, "round trips", trips);
}
