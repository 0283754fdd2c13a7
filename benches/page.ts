// The page that measurements run in: it puts the clients where the driver finds them.
import { type ClientName, clients, type Tally } from "./clients";

declare global {
  var measure: (client: ClientName, path: string) => Promise<Tally & { totalMs: number }>;
}

globalThis.measure = async (client, path) => {
  // There with `--expose-gc`.
  globalThis.gc?.();
  const started = performance.now();
  const tally = await clients[client](location.origin + path);
  return { ...tally, totalMs: performance.now() - started };
};
