// Turns with faults on order, against the real WASM build in browsers: `npm test` meets every fault once,
// and in Chromium by `fetch` as well as by the browser's own `EventSource`. `make chaos TURNS=… SEED=…`
// meets as many as it is told, by chance; with `SOURCE=eventsource` by `EventSource`, with
// `ENGINE=firefox` or `ENGINE=webkit` in another browser.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { BUILD_TIMEOUT_MS } from "../support/server";
import type { Counts } from "./count";
import { type EngineName, engineNames, engines } from "./engines";
import { sources } from "./page/contract";
import { type Report, tableOf } from "./report";
import { byChance, eachByEitherSource, eachOnce } from "./run";

const { TURNS, SEED, SOURCE, ENGINE } = process.env;
const seed = SEED ?? (TURNS ? String(Date.now()) : "1");

/** What must have struck when each fault was there once: by the server's count, and by the driver's. */
const onOrder = [
  ...["cutAfterBytes", "delayMs", "endAfterBytes", "errorAfterBytes", "refuse"],
  ...["repeat", "rewind", "stallAfterBytes", "status"],
];
const fromOutside = [
  ...["`online` event", "`retryNow`", "crash", "expired tokens", "freeze", "offline", "reload"],
  ...["restart", "stop", "token renewed"],
];

const HOURS_MS = 3_600_000;
vi.setConfig({ testTimeout: TURNS ? 12 * HOURS_MS : BUILD_TIMEOUT_MS });

if (TURNS) {
  const source = oneOf("SOURCE", sources, SOURCE ?? "fetch");
  const engine = oneOf("ENGINE", engineNames, ENGINE ?? "chromium");
  test(`${TURNS} turns in ${engine} by ${source}, disturbed by chance, are exact`, async () => {
    const report = await byChance({ engine, source, seed }, Number(TURNS));
    writeFileSync(
      fileURLToPath(new URL("../../../target/chaos.json", import.meta.url)),
      `${JSON.stringify(report, null, 2)}\n`,
    );
    check(report);
    console.log(tableOf(report));
  });
} else {
  test.each(sources)(
    "a turn in chromium by %s is exact whatever fault it meets",
    async (source) => {
      const report = await eachOnce({ engine: "chromium", source, seed });
      check(report);
      expectAllMet("chromium", source === "fetch" ? [...onOrder, "loseAnswer"] : onOrder, [report]);
    },
  );

  test.each(["firefox", "webkit"] as const)(
    "a turn in %s is exact whatever fault it meets",
    async (engine) => {
      const reports = await eachByEitherSource({ engine, seed });
      reports.forEach(check);
      expectAllMet(engine, [...onOrder, "loseAnswer"], reports);
    },
  );
}

/** Gives the one of these that has the name. */
function oneOf<Name extends string>(variable: string, names: readonly Name[], name: string): Name {
  const found = names.find((one) => one === name);
  if (!found) throw new Error(`${variable} has to be one of ${names.join(", ")}.`);
  return found;
}

/** Holds the runs to have had every fault that the server can be asked for and the engine can suffer. */
function expectAllMet(engine: EngineName, injected: string[], reports: Report[]): void {
  const names = (counts: Counts[]) => [...new Set(counts.flatMap(Object.keys))].sort();
  expect(names(reports.map((report) => report.injected))).toEqual([...injected].sort());
  const { canGoOffline } = engines[engine];
  const done = fromOutside.filter((what) => what !== "offline" || canGoOffline);
  expect(names(reports.map((report) => report.done))).toEqual(done);
}

function check(report: Report): void {
  const { engine, source, failures, comparison, turns } = report;
  const again = TURNS
    ? `make chaos TURNS=${TURNS} SEED=${seed} ENGINE=${engine} SOURCE=${source}`
    : `SEED=${seed} npm test -w tests/e2e -- chaos`;
  if (failures.length > 0) {
    throw new Error(`Not exact. The same again: ${again}\n\n${tableOf(report)}`);
  }
  expect(comparison.compared).toBeGreaterThan(turns);
}
