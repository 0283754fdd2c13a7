// Measures, and prints one table; target/bench.json has the same. With PROFILE set it prints where the
// time of our client goes instead. With CHECK set it measures less, and fails where ours is far from where it was.
import { readFileSync, writeFileSync } from "node:fs";
import type { UIMessageChunk } from "ai";
import { type BrowserName, launchTabBrowser } from "../tests/e2e/support/browser";
import { bundled } from "./bundle";
import { answer, framed, recordsOf } from "./inputs";
import { breaches } from "./limits";
import { firstChunk } from "./measure/first-chunk";
import { live } from "./measure/live";
import { longestFirstTask, longestTask } from "./measure/longest-task";
import { memory, type WatchedRoute } from "./measure/memory";
import { open, type Scene } from "./measure/reading";
import { replay } from "./measure/replay";
import type { Row } from "./measure/row";
import { sizes } from "./measure/size";
import { startup, startupScripts } from "./measure/startup";
import { profile } from "./profile";
import { type Route, serve } from "./server";
import { tableOf } from "./table";
import { readingOf } from "./tally";
import type { WatcherName } from "./watch";

const SEED = Number(process.env.SEED ?? 1);
const PROFILE = Boolean(process.env.PROFILE);
const CHECK = Boolean(process.env.CHECK);
/** The name of one of the files in measure/; by default, all. */
const ONLY = process.env.ONLY;
const ROUNDS = Number(process.env.ROUNDS ?? (CHECK ? 3 : 7));
/** Other values than this one may be there for other programs. */
const BROWSER: BrowserName = process.env.BROWSER === "firefox" ? "Firefox" : "Chromium";
/** What Firefox measures; the others ask what Chromium alone tells, and sizes are the same in both. */
const IN_FIREFOX = ["replay", "first-chunk", "startup"];
if (PROFILE && BROWSER !== "Chromium") throw new Error("Chromium alone is profiled.");
const RECORDS = CHECK ? 10_000 : 50_000;
const WATCHED_TURNS = 20;
const LIVE_RECORDS = CHECK ? 100 : 400;
const LIVE_PACE_MS = 5;
const LATENCY_MS = 100;
const PROFILE_LINES = 15;
const UNMERGED = { coalesce: false } as const;

const routes: Record<string, Route> = {};
/** Serves an answer below a path of its own. */
function scene(what: string, chunks: UIMessageChunk[], perBatch: number, how = {}): Scene {
  const name = `answer-${Object.keys(routes).length}`;
  routes[name] = { turns: [framed(recordsOf(chunks), perBatch)], ...how };
  return { what, path: `/${name}`, expected: readingOf(chunks) };
}

// The last record is the turn's end.
const long = answer(SEED, RECORDS - 1);
const [inThousands, inHundreds, oneByOne] = [
  scene(`replay of ${RECORDS} records, 1000 in a batch`, long, 1_000),
  scene(`replay of ${RECORDS} records, 100 in a batch`, long, 100),
  scene(`replay of ${RECORDS} records, 1 in a batch`, long, 1),
] as const;
// Without what ours gains by handing on fewer chunks.
const unmerged = { ...inHundreds, what: `${inHundreds.what}, unmerged`, options: UNMERGED };
const replays: Scene[] = [inThousands, inHundreds, unmerged, oneByOne];
const lived = scene(
  `live, ${LIVE_RECORDS} records ${LIVE_PACE_MS} ms apart`,
  answer(SEED, LIVE_RECORDS - 1),
  1,
  { paceMs: LIVE_PACE_MS },
);
const far = scene(`first chunk, ${LATENCY_MS} ms on each request`, answer(SEED, 19), 10, {
  latencyMs: LATENCY_MS,
});

const watched = { turns: WATCHED_TURNS, records: RECORDS, seed: SEED };
/** Serves an answer that goes on for as long as turns are written to it. */
function watchedRoute(name: WatcherName): WatchedRoute {
  const { readable, writable } = new TransformStream<Uint8Array[], Uint8Array[]>();
  routes[`watched-${name}`] = { turns: readable };
  return { path: `/watched-${name}`, turns: writable };
}

const script = await bundled('import "./page";', { minify: !PROFILE });
const server = await serve({ "/page.js": script, ...(await startupScripts()) }, routes);
const browser = await launchTabBrowser(BROWSER, ["--js-flags=--expose-gc"]);
const page = await browser.newPage();
await open(page, server.url);
if (PROFILE) await printProfiles();
else if (CHECK) check(await measured());
else await printTable();
await browser.close();
server.close();

async function measured(): Promise<Row[]> {
  const rows: Row[] = [];
  const wants = (name: string) =>
    (!ONLY || ONLY === name) && (BROWSER === "Chromium" || IN_FIREFOX.includes(name));
  if (wants("replay")) for (const each of replays) rows.push(await replay(page, each, ROUNDS));
  if (wants("longest-task")) rows.push(...(await longestTasks()));
  if (wants("first-chunk")) rows.push(await firstChunk(page, far, LATENCY_MS, ROUNDS));
  if (wants("live")) rows.push(await live(browser, server.url, lived, ROUNDS));
  if (wants("memory")) rows.push(...(await memory(browser, server.url, watchedRoute, watched)));
  if (wants("startup")) rows.push(...(await startup(browser, server.url, ROUNDS)));
  if (wants("size")) rows.push(...(await sizes()));
  if (rows.length === 0)
    throw new Error(`There is no measurement by the name of ${ONLY} in ${BROWSER}.`);
  return rows;
}

async function longestTasks(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const each of [inThousands, inHundreds, oneByOne]) {
    rows.push(await longestTask(page, each, ROUNDS));
  }
  return [...rows, await longestFirstTask(browser, server.url, inHundreds, ROUNDS)];
}

function check(rows: Row[]) {
  console.log(tableOf(rows));
  const sentences = breaches(rows);
  for (const sentence of sentences) console.error(sentence);
  const count = `${rows.length} rows, ${sentences.length} over their limit`;
  console.log(`Medians of ${ROUNDS} rounds: ${count} (benches/limits.ts).`);
  if (sentences.length > 0) process.exitCode = 1;
}

async function printTable() {
  const rows = await measured();
  const about = {
    date: new Date().toISOString(),
    seed: SEED,
    rounds: ROUNDS,
    browser: await browser.version(),
    node: process.versions.node,
    ours: version("trigger-chat-transport"),
    published: version("@trigger.dev/sdk"),
    ai: version("ai"),
    esbuild: version("esbuild"),
  };
  writeFileSync("../target/bench.json", `${JSON.stringify({ about, rows }, null, 2)}\n`);
  console.log(tableOf(rows));
  console.log(`Medians of ${ROUNDS} rounds (the least–the most), seed ${SEED}, ${about.browser}.`);
}

async function printProfiles() {
  for (const scene of [...replays, lived]) {
    const lines = await profile(page, "ours", scene, ROUNDS);
    console.log(`${scene.what}: ours, by the time in each function`);
    console.log(lines.slice(0, PROFILE_LINES).join("\n"), "\n");
  }
}

function version(name: string): string {
  return JSON.parse(readFileSync(`../node_modules/${name}/package.json`, "utf8")).version;
}
