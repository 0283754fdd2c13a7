// Turns with faults on order, against the real WASM build in a browser: `npm test` meets every fault
// once, `make chaos TURNS=… SEED=…` as many as it is told, by chance.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { BUILD_TIMEOUT_MS } from "../support/server";
import { type Report, tableOf } from "./report";
import { byChance, eachOnce } from "./run";

const { TURNS, SEED } = process.env;
const seed = SEED ?? (TURNS ? String(Date.now()) : "1");

/** What must have struck when each fault was there once: by the server's count, and by the driver's. */
const onOrder = [
  ...["cutAfterBytes", "delayMs", "endAfterBytes", "errorAfterBytes", "loseAnswer", "refuse"],
  ...["repeat", "rewind", "stallAfterBytes", "status"],
];
const fromOutside = [
  ...["`online` event", "`retryNow`", "crash", "expired tokens", "freeze", "offline", "reload"],
  ...["restart", "stop", "token renewed"],
];

const HOURS_MS = 3_600_000;
vi.setConfig({ testTimeout: TURNS ? 12 * HOURS_MS : BUILD_TIMEOUT_MS });

if (TURNS) {
  test(`${TURNS} turns, disturbed by chance, are exact`, async () => {
    const report = await byChance(seed, Number(TURNS));
    writeFileSync(
      fileURLToPath(new URL("../../../target/chaos.json", import.meta.url)),
      `${JSON.stringify(report, null, 2)}\n`,
    );
    check(report);
    console.log(tableOf(report));
  });
} else {
  test("a turn is exact whatever fault it meets", async () => {
    const report = await eachOnce(seed);
    check(report);
    expect(Object.keys(report.injected).sort()).toEqual(onOrder);
    expect(Object.keys(report.done).sort()).toEqual(fromOutside);
  });
}

function check(report: Report): void {
  const { failures, comparison, turns } = report;
  const again = `SEED=${seed} ${TURNS ? `make chaos TURNS=${TURNS}` : "npm test -w tests/e2e -- chaos"}`;
  if (failures.length > 0) {
    throw new Error(`Not exact. The same again: ${again}\n\n${tableOf(report)}`);
  }
  expect(comparison.compared).toBeGreaterThan(turns);
}
