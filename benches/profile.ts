// Where the time of one client goes: the functions that a reading is in for longest.
import { readFileSync } from "node:fs";
import binaryen from "binaryen";
import type { Page } from "puppeteer-core";
import type { ClientName } from "./clients";
import { collectGarbage, readBy, type Scene } from "./measure/reading";

/** Rare enough not to be what is measured, often enough for a replay of a tenth of a second. */
const SAMPLE_EVERY_US = 100;

/** The longest first, each with its share of all that was sampled. */
export async function profile(
  page: Page,
  client: ClientName,
  scene: Scene,
  rounds: number,
): Promise<string[]> {
  const session = await page.createCDPSession();
  await session.send("Profiler.enable");
  await session.send("Profiler.setSamplingInterval", { interval: SAMPLE_EVERY_US });
  const spent = new Map<string, number>();
  // The first round warms up: the browser compiles what runs often.
  for (let round = -1; round < rounds; round++) {
    await collectGarbage(page);
    await session.send("Profiler.start");
    await readBy(page, client, scene);
    const { profile } = await session.send("Profiler.stop");
    if (round < 0) continue;
    const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
    for (const [index, node] of (profile.samples ?? []).entries()) {
      const name = names.get(node) ?? "";
      spent.set(name, (spent.get(name) ?? 0) + (profile.timeDeltas?.[index] ?? 0) / 1_000);
    }
  }
  await session.detach();
  // Waiting for the server is nobody's work.
  spent.delete("(idle)");
  const all = [...spent.values()].reduce((sum, ms) => sum + ms, 0);
  return [...spent]
    .sort(([, a], [, b]) => b - a)
    .map(([name, ms]) => {
      const share = `${((100 * ms) / all).toFixed(1)} %`;
      return `${(ms / rounds).toFixed(1).padStart(8)} ms  ${share.padStart(6)}  ${name}`;
    });
}

function nameOf({ functionName, url }: { functionName: string; url: string }): string {
  const index = /^wasm-function\[(\d+)\]$/.exec(functionName)?.[1];
  if (index) return `wasm: ${wasmNames()[Number(index)] ?? functionName}`;
  if (functionName.startsWith("(")) return functionName;
  return `${url ? "js" : "native"}: ${functionName || "(anonymous)"}`;
}

let names: string[] | undefined;

/** The functions' names by their index, from the twin of the shipped wasm that still knows them. */
function wasmNames(): string[] {
  names ??= namesIn(readFileSync("../target/wasm-pack/named.wasm"));
  return names;
}

function namesIn(wasm: Uint8Array): string[] {
  const module = binaryen.readBinary(wasm);
  return Array.from({ length: module.getNumFunctions() }, (_, index) => {
    const { name } = binaryen.getFunctionInfo(module.getFunctionByIndex(index));
    return name.replace(/::h[0-9a-f]{16}$/, "");
  });
}
