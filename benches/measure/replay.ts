// A long answer that is read again: how long it takes, from the send to the last chunk.
import type { Page } from "puppeteer-core";
import { type ClientName, clientNames } from "../clients";
import { collectGarbage, readBy, type Scene } from "./reading";
import { orderOf, type Row, rowOf } from "./row";

export async function replay(page: Page, scene: Scene, rounds: number): Promise<Row> {
  const times: Record<ClientName, number[]> = { floor: [], ours: [], published: [] };
  // The first round warms up: the browser compiles what runs often.
  for (let round = -1; round < rounds; round++) {
    for (const name of orderOf(round + 1, clientNames)) {
      await collectGarbage(page);
      const { totalMs } = await readBy(page, name, scene);
      if (round >= 0) times[name].push(totalMs);
    }
  }
  return rowOf(scene.what, "ms", times);
}
