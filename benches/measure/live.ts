// An answer as it is written: how long the page's main thread is busy with each record. All that it
// does counts, since `ScriptDuration`, the browser's other counter, does not see what follows an
// `await`, which is nearly all of it.
import type { Browser, CDPSession } from "puppeteer-core";
import { type ClientName, clientNames } from "../clients";
import { collectGarbage, open, readBy, type Scene } from "./reading";
import { orderOf, type Row, rowOf } from "./row";

export async function live(
  browser: Browser,
  url: string,
  scene: Scene,
  rounds: number,
): Promise<Row> {
  const busy: Record<ClientName, number[]> = { floor: [], ours: [], published: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of orderOf(round, clientNames)) {
      const seconds = await busySeconds(browser, url, name, scene);
      busy[name].push((seconds * 1e6) / scene.expected.chunks);
    }
  }
  return rowOf(`${scene.what}, main thread`, "µs a record", busy);
}

/** In a page of its own: what another client has left to be done is not counted. */
async function busySeconds(browser: Browser, url: string, name: ClientName, scene: Scene) {
  const page = await browser.newPage();
  await open(page, url);
  // Once before: what is compiled and made at the first use is measured elsewhere.
  await readBy(page, name, scene);
  await collectGarbage(page);
  const session = await page.createCDPSession();
  await session.send("Performance.enable");
  const before = await taskSeconds(session);
  await readBy(page, name, scene);
  const after = await taskSeconds(session);
  await page.close();
  return after - before;
}

async function taskSeconds(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN;
}
