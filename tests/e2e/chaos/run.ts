// A run: rounds in several lanes at once, and one report of all.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServer } from "../support/server";
import { nothingCompared, sum } from "./comparison";
import { add } from "./count";
import { Dice } from "./dice";
import { engines } from "./engines";
import { type Disturbance, disturbances, sent } from "./faults";
import { Lane } from "./lane";
import type { Choice, Report } from "./report";
import { play } from "./round";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** After so many rounds a lane goes on with new chats: long histories only cost time. */
const ROUNDS_PER_PAGE = 12;

/** How long a state may take to come about; only a fault of ours takes this long. */
const PATIENCE_MS = 120_000;

/** The same where a silence of 60 s is part of it. */
const LONG_PATIENCE_MS = 300_000;

/** The rounds of a lane. */
interface Rounds {
  /** The disturbances of the next one; none: that was the last. */
  next(round: number, dice: Dice): Disturbance[] | undefined;
  patienceMs: number;
}

/**
 * Every disturbance once, but for the long ones. What becomes of a message on its way is the same
 * whatever reads the answer.
 */
export function eachOnce(choice: Choice): Promise<Report> {
  const known = choice.source === "eventsource" ? sent : [];
  return oneAfterTheOther(
    choice,
    short(choice).filter((one) => !known.includes(one)),
  );
}

/** The same in half the time: every other disturbance meets answers by one source, the rest by the other. */
export async function eachByEitherSource(choice: Omit<Choice, "source">): Promise<Report[]> {
  const [byFetch, byEventSource] = halves(short(choice));
  return [
    await oneAfterTheOther({ ...choice, source: "fetch" }, byFetch),
    await oneAfterTheOther({ ...choice, source: "eventsource" }, byEventSource),
  ];
}

/** At least so many turns, disturbed by chance; and each of the long disturbances once. */
export function byChance(choice: Choice, turns: number): Promise<Report> {
  const report = emptyReport(choice);
  const all = short(choice);
  const long = disturbances.filter(({ isLong }) => isLong);
  const next: Rounds["next"] = (_, dice) => {
    if (report.turns >= turns) return undefined;
    const first = dice.one(all);
    // What the server was asked to do for the one must not meet the requests of the other.
    const second = dice.one(all.filter((other) => other !== first && !other.order));
    return dice.chance(0.3) ? [first, second] : [first];
  };
  const chosen = { next, patienceMs: PATIENCE_MS };
  return run(report, [chosen, chosen, oneByOne(LONG_PATIENCE_MS, long)]);
}

/** What can be done to the engine in a moment. */
function short({ engine }: Pick<Choice, "engine">): Disturbance[] {
  const { canGoOffline } = engines[engine];
  return disturbances.filter(({ isLong, isOffline }) => !isLong && (canGoOffline || !isOffline));
}

function oneAfterTheOther(choice: Choice, list: Disturbance[]): Promise<Report> {
  const lanes = halves(list).map((half) => oneByOne(PATIENCE_MS, half));
  return run(emptyReport(choice), lanes);
}

function halves<Item>(list: Item[]): [Item[], Item[]] {
  return [list.filter((_, index) => index % 2 === 0), list.filter((_, index) => index % 2 === 1)];
}

function oneByOne(patienceMs: number, list: Disturbance[]): Rounds {
  return { next: (round) => list[round] && [list[round]], patienceMs };
}

function emptyReport(choice: Choice): Report {
  const counts = { turns: 0, rounds: 0, comparison: nothingCompared };
  return { ...choice, ...counts, disturbances: {}, injected: {}, done: {}, failures: [] };
}

async function run(report: Report, lanes: Rounds[]): Promise<Report> {
  const { engine, source } = report;
  const folder = mkdtempSync(join(tmpdir(), "chaos-"));
  const browser = await engines[engine].launch(source);
  try {
    const played = lanes.map(async ({ next, patienceMs }, index) => {
      // In development React's StrictMode runs every effect twice.
      const mode = index % 2 === 0 ? "development" : "production";
      const page = join(folder, mode);
      if (index < 2) buildPage(mode, page);
      const host = await startServer({ page });
      const name = `${mode}-${index}`;
      const lane = await Lane.open({ browser, folder, name, source, url: host.url, patienceMs });
      try {
        await playLane(lane, next, report);
      } finally {
        await lane.close();
        await host.stop();
      }
    });
    await Promise.all(played);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return report;
}

async function playLane(lane: Lane, next: Rounds["next"], report: Report): Promise<void> {
  let isFresh = false;
  for (let round = 0; ; round += 1) {
    // A round's dice are its own: how the rounds before went does not change it.
    const dice = new Dice(`${report.seed}/${lane.name}/${round}`);
    const chosen = next(round, dice);
    if (!chosen) break;
    if (!isFresh || round % ROUNDS_PER_PAGE === 0) await lane.turnPage();
    const flaws = await playRound(lane, dice, chosen, report);
    // After a failure nobody knows what the page should show.
    isFresh = flaws.length === 0;
    if (!isFresh) {
      const names = chosen.map(({ name }) => name);
      const requests = [...lane.page.requests];
      report.failures.push({ lane: lane.name, round, disturbances: names, flaws, requests });
    }
  }
  add(report.injected, lane.service.injected);
  add(report.done, lane.done);
}

async function playRound(
  lane: Lane,
  dice: Dice,
  chosen: Disturbance[],
  report: Report,
): Promise<string[]> {
  report.rounds += 1;
  add(report.disturbances, Object.fromEntries(chosen.map(({ name }) => [name, 1])));
  try {
    const { turns, comparison, flaws } = await play(lane, dice, chosen);
    report.turns += turns;
    report.comparison = sum(report.comparison, comparison);
    return flaws;
  } catch (error) {
    return [String(error), ...(await lane.page.state())];
  }
}

function buildPage(mode: "production" | "development", outDir: string): void {
  const page = fileURLToPath(new URL("page", import.meta.url));
  const bin = join(repository, "node_modules/.bin");
  execFileSync("vite", ["build", page, "--mode", mode, "--outDir", outDir, "--logLevel", "error"], {
    // The test runner's own would make each of them a development build.
    env: { ...process.env, NODE_ENV: mode, PATH: `${bin}:${process.env.PATH}` },
    stdio: ["ignore", "ignore", "inherit"],
  });
}
