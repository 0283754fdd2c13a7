// Measures, and prints one table; target/bench.json has the same, with the spread of the rounds.
import { readFileSync, writeFileSync } from "node:fs";
import { launchBrowser } from "../tests/e2e/support/browser";
import { bundled } from "./bundle";
import { answer, eventsOf } from "./inputs";
import { firstChunk } from "./measure/first-chunk";
import { live } from "./measure/live";
import { replay } from "./measure/replay";
import type { Row } from "./measure/row";
import { sizes } from "./measure/size";
import { type Route, serve } from "./server";
import { tableOf } from "./table";

const SEED = Number(process.env.SEED ?? 1);
const ROUNDS = Number(process.env.ROUNDS ?? 7);
const RECORDS = 50_000;
const LIVE_RECORDS = 400;
const LATENCY_MS = 100;

const long = answer(SEED, RECORDS);
const batches = [1_000, 100, 1];
const routes: Record<string, Route> = {
  live: { events: eventsOf(answer(SEED, LIVE_RECORDS), 1), paceMs: 5 },
  slow: { events: eventsOf(answer(SEED, 20), 10), latencyMs: LATENCY_MS },
};
for (const size of batches) routes[`replay-${size}`] = { events: eventsOf(long, size) };

const script = new TextDecoder().decode(await bundled('import "./page";'));
const server = await serve(script, routes);
const browser = await launchBrowser(["--js-flags=--expose-gc"]);
const page = await browser.newPage();
await page.goto(server.url);
await page.waitForFunction(() => "measure" in globalThis);

const rows: Row[] = [];
for (const size of batches) {
  const what = `replay of ${RECORDS} records, ${size} in a batch`;
  rows.push(await replay(page, `/replay-${size}`, what, ROUNDS));
}
rows.push(await firstChunk(page, "/slow", LATENCY_MS, ROUNDS));
rows.push(await live(browser, server.url, "/live", LIVE_RECORDS, Math.min(ROUNDS, 5)));
rows.push(...(await sizes()));

const version = (name: string) =>
  JSON.parse(readFileSync(`../node_modules/${name}/package.json`, "utf8")).version;
const about = {
  date: new Date().toISOString(),
  seed: SEED,
  rounds: ROUNDS,
  browser: browser.version(),
  published: version("@trigger.dev/sdk"),
  ai: version("ai"),
};
await browser.close();
server.close();
console.log(tableOf(rows));
writeFileSync("../target/bench.json", `${JSON.stringify({ about, rows }, null, 2)}\n`);
console.log(
  `Medians of ${ROUNDS} rounds, Chromium ${about.browser}; target/bench.json has the spread.`,
);
