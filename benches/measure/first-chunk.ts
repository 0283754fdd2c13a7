// From the send to the first chunk, where each request takes its time: in round trips.
import type { Page } from "puppeteer-core";
import { type ClientName, clientNames } from "../clients";
import { collectGarbage, readBy, type Scene } from "./reading";
import { orderOf, type Row, rowOf } from "./row";

export async function firstChunk(
  page: Page,
  scene: Scene,
  latencyMs: number,
  rounds: number,
): Promise<Row> {
  const trips: Record<ClientName, number[]> = { floor: [], ours: [], published: [] };
  // The first round warms up: what is compiled and made at the first use is no round trip.
  for (let round = -1; round < rounds; round++) {
    for (const name of orderOf(round + 1, clientNames)) {
      await collectGarbage(page);
      const { firstChunkMs } = await readBy(page, name, scene);
      if (round >= 0) trips[name].push(firstChunkMs / latencyMs);
    }
  }
  return rowOf(scene.what, "round trips", trips);
}
