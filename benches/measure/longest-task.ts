// A long answer that is read again: for how long the page cannot answer a click meanwhile. Chromium alone
// tells of its tasks; each is traced with the microtasks behind it, where nearly all of a reading is done.
import type { Browser, Page } from "puppeteer-core";
import { type ClientName, clientNames } from "../clients";
import { collectGarbage, open, readBy, type Scene } from "./reading";
import { orderOf, type Row, rowOf } from "./row";
import { longestTaskMs, type TraceEvent } from "./trace";

const CATEGORIES = ["disabled-by-default-devtools.timeline", "blink.user_timing"];

/** In the page that the replays are measured in. */
export async function longestTask(page: Page, scene: Scene, rounds: number): Promise<Row> {
  const tasks: Record<ClientName, number[]> = { floor: [], ours: [], published: [] };
  // The first round warms up: the browser compiles what runs often.
  for (let round = -1; round < rounds; round++) {
    for (const name of orderOf(round + 1, clientNames)) {
      const longest = await longestWhileReading(page, name, scene);
      if (round >= 0) tasks[name].push(longest);
    }
  }
  return rowOf(`longest task, ${scene.what}`, "ms", tasks);
}

/** In pages of their own, in which nothing has run yet: the client's own start is in it. */
export async function longestFirstTask(
  browser: Browser,
  url: string,
  scene: Scene,
  rounds: number,
): Promise<Row> {
  const tasks: Record<ClientName, number[]> = { floor: [], ours: [], published: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of orderOf(round, clientNames)) {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await open(page, url);
      tasks[name].push(await longestWhileReading(page, name, scene));
      await context.close();
    }
  }
  return rowOf(`longest task, first ${scene.what}`, "ms", tasks);
}

async function longestWhileReading(page: Page, name: ClientName, scene: Scene): Promise<number> {
  await collectGarbage(page);
  await page.tracing.start({ categories: CATEGORIES });
  await readBy(page, name, scene);
  const trace = new TextDecoder().decode(await page.tracing.stop());
  const { traceEvents }: { traceEvents: TraceEvent[] } = JSON.parse(trace);
  return longestTaskMs(traceEvents);
}
