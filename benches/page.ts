// The page that measurements run in: it puts the clients where the driver finds them.
import { type ClientName, clients, type ReadOptions } from "./clients";
import { READING } from "./measure/trace";
import { type Reading, Tally } from "./tally";
import { type ReadTurn, type WatcherName, watch } from "./watch";

/** What one client read, and in what time, counted from the call. */
export interface Measured {
  reading: Reading;
  firstChunkMs: number;
  totalMs: number;
}

declare global {
  var startWatching: (name: WatcherName, path: string) => Promise<void>;
  var readTurn: ReadTurn;
  /** The memory of a client's WebAssembly, where somebody has asked for it to be noted. */
  var wasmMemory: WebAssembly.Memory | undefined;
  var measure: (name: ClientName, path: string, options?: ReadOptions) => Promise<Measured>;
}

globalThis.startWatching = async (name, path) => {
  globalThis.readTurn = await watch(name, location.origin + path);
};

globalThis.measure = async (name, path, options) => {
  const tally = new Tally();
  let firstChunkMs = 0;
  const started = performance.now();
  const passed = () => performance.now() - started;
  await clients[name](
    location.origin + path,
    (chunk) => {
      firstChunkMs ||= passed();
      tally.add(chunk);
    },
    options,
  );
  const totalMs = passed();
  // For a trace, where there is one.
  performance.measure(READING, { start: started, duration: totalMs });
  return { reading: tally.reading, firstChunkMs, totalMs };
};
