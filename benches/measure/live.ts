// An answer as it is written: how long the page's main thread is busy with each record.
import type { Browser } from "playwright-core";
import { type ClientName, clientNames } from "../clients";
import { orderOf, type Row, rowOf } from "./row";

export async function live(
  browser: Browser,
  url: string,
  path: string,
  records: number,
  rounds: number,
): Promise<Row> {
  const busy: Record<ClientName, number[]> = { floor: [], ours: [], published: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of orderOf(round, clientNames)) {
      busy[name].push(((await taskSeconds(browser, url, name, path)) * 1e6) / records);
    }
  }
  return rowOf(`live, ${records} records 5 ms apart, main thread`, "µs a record", busy);
}

/** In a page of its own: what another client has left to be done is not counted. */
async function taskSeconds(browser: Browser, url: string, name: ClientName, path: string) {
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction(() => "measure" in globalThis);
  // Once before: what is compiled and made at the first use is measured elsewhere.
  const run = () =>
    page.evaluate(([name, path]) => globalThis.measure(name, path), [name, path] as const);
  await run();
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const spent = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find((metric) => metric.name === "TaskDuration")?.value ?? Number.NaN;
  };
  const before = await spent();
  await run();
  const after = await spent();
  await page.close();
  return after - before;
}
