// Turns with faults on order, against the real WASM build in a browser: `npm test` meets every fault
// once, `make chaos TURNS=… SEED=…` as many as it is told, by chance; with `SOURCE=eventsource` by the
// browser's own `EventSource`.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { BUILD_TIMEOUT_MS } from "../support/server";
import type { Source } from "./page/contract";
import { type Report, tableOf } from "./report";
import { byChance, eachOnce } from "./run";

const { TURNS, SEED, SOURCE } = process.env;
const sources = (["fetch", "eventsource"] satisfies Source[]).filter(
  (source) => source === (SOURCE ?? (TURNS ? "fetch" : source)),
);
if (sources.length === 0) throw new Error("SOURCE has to be `fetch` or `eventsource`.");
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
  test.each(sources)(`${TURNS} turns by %s, disturbed by chance, are exact`, async (source) => {
    const report = await byChance(seed, source, Number(TURNS));
    writeFileSync(
      fileURLToPath(new URL("../../../target/chaos.json", import.meta.url)),
      `${JSON.stringify(report, null, 2)}\n`,
    );
    check(report);
    console.log(tableOf(report));
  });
} else {
  test.each(sources)("a turn by %s is exact whatever fault it meets", async (source) => {
    const report = await eachOnce(seed, source);
    check(report);
    const expected = source === "fetch" ? [...onOrder, "loseAnswer"].sort() : onOrder;
    expect(Object.keys(report.injected).sort()).toEqual(expected);
    expect(Object.keys(report.done).sort()).toEqual(fromOutside);
  });
}

function check(report: Report): void {
  const { source, failures, comparison, turns } = report;
  const again = `SOURCE=${source} SEED=${seed} ${TURNS ? `make chaos TURNS=${TURNS}` : "npm test -w tests/e2e -- chaos"}`;
  if (failures.length > 0) {
    throw new Error(`Not exact. The same again: ${again}\n\n${tableOf(report)}`);
  }
  expect(comparison.compared).toBeGreaterThan(turns);
}
