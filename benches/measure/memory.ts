// What a page that watches keeps of the turns that have gone by: nothing, as it should be. Chromium alone
// tells how large its heap is.
import type { Browser, CDPSession, Page } from "puppeteer-core";
import { answer, framed, recordsOf } from "../inputs";
import { readingOf } from "../tally";
import type { WatcherName } from "../watch";
import { open } from "./reading";
import type { Row } from "./row";

const PER_BATCH = 1_000;
/** The turns before the first look: by then the browser has compiled what runs often. */
const WARM_UP_TURNS = 2;
const watchers: readonly WatcherName[] = ["ours", "published"];

/** One watched answer, which the server has, and to which the turns are written as they are due. */
export interface WatchedRoute {
  path: string;
  turns: WritableStream<Uint8Array[]>;
}

/** How many turns are watched, of how many records each. */
export interface Watched {
  turns: number;
  records: number;
  seed: number;
}

/** What is held once all is cleared up, in bytes. */
interface Held {
  heap: number;
  /** Of the WebAssembly memory; none, where a client has none. */
  wasm: number | undefined;
}

/** The growth between the second turn and the last; `routeOf` gives each client an answer of its own. */
export async function memory(
  browser: Browser,
  url: string,
  routeOf: (name: WatcherName) => WatchedRoute,
  watched: Watched,
): Promise<Row[]> {
  const heap: Row["values"] = {};
  const wasm: Row["values"] = {};
  for (const name of watchers) {
    const page = await browser.newPage();
    await open(page, url);
    const [before, after] = await heldWhileWatching(page, name, routeOf(name), watched);
    await page.close();
    heap[name] = (after.heap - before.heap) / 1_000;
    if (before.wasm !== undefined && after.wasm !== undefined) {
      wasm[name] = (after.wasm - before.wasm) / 1_000;
    }
  }
  if (wasm.ours === undefined) throw new Error("Our WebAssembly memory was not found.");
  const records = watched.turns * watched.records;
  return [
    { what: `growth of the JS heap, ${records} records watched`, unit: "kB", values: heap },
    { what: `growth of the WASM memory, ${records} records watched`, unit: "kB", values: wasm },
  ];
}

async function heldWhileWatching(
  page: Page,
  name: WatcherName,
  route: WatchedRoute,
  { turns, records, seed }: Watched,
): Promise<[before: Held, after: Held]> {
  const session = await page.createCDPSession();
  const writer = route.turns.getWriter();
  await page.evaluate(noteWasmMemory);
  await page.evaluate((name, path) => globalThis.startWatching(name, path), name, route.path);
  let before: Held | undefined;
  for (let turn = 0; turn < turns; turn++) {
    const chunks = answer(seed + turn, records - 1);
    await writer.write(framed(recordsOf(chunks, turn * records), PER_BATCH));
    const { digest } = await page.evaluate(() => globalThis.readTurn());
    if (digest !== readingOf(chunks).digest) {
      throw new Error(`${name} has not read what was served: turn ${turn}.`);
    }
    if (turn + 1 === WARM_UP_TURNS) before = await held(page, session);
  }
  const after = await held(page, session);
  await writer.close();
  if (!before) throw new Error(`There have to be more than ${WARM_UP_TURNS} turns.`);
  return [before, after];
}

/** Before a client has made its instance. */
function noteWasmMemory(): void {
  WebAssembly.Instance = class extends WebAssembly.Instance {
    constructor(...args: ConstructorParameters<typeof WebAssembly.Instance>) {
      super(...args);
      globalThis.wasmMemory = Object.values(this.exports).find(
        (each) => each instanceof WebAssembly.Memory,
      );
    }
  };
}

async function held(page: Page, session: CDPSession): Promise<Held> {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const wasm = await page.evaluate(() => globalThis.wasmMemory?.buffer.byteLength);
  return { heap: usedSize, wasm };
}
