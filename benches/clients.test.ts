// Each client, in Node, on the server that it is measured with.
import type { UIMessageChunk } from "ai";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { clientNames, clients } from "./clients";
import { answer, framed, recordsOf } from "./inputs";
import { type BenchServer, type Route, serve } from "./server";
import { readingOf, Tally } from "./tally";
import { watch } from "./watch";

// Only a fault takes this long.
vi.setConfig({ testTimeout: 120_000 });

const chunks = answer(3, 2_499);
const records = recordsOf(chunks);
const routes: Record<string, Route> = {
  "in batches of 1000": { turns: [framed(records, 1_000)] },
  "in batches of 100": { turns: [framed(records, 100)] },
  "one by one": { turns: [framed(records, 1)] },
  "as it is written": { turns: [framed(records, 500)], paceMs: 1 },
  "from far away": { turns: [framed(records, 500)], latencyMs: 1 },
};
const later = answer(4, 999);
const watched: Route = {
  turns: [framed(records, 500), framed(recordsOf(later, records.length), 500)],
};

let server: BenchServer;
beforeAll(async () => {
  server = await serve({}, { ...routes, watched });
});
afterAll(() => server?.close());

describe.each(Object.keys(routes))("an answer, %s,", (name) => {
  test.each(clientNames)("is read whole and in order by: %s", async (client) => {
    const read: UIMessageChunk[] = [];
    const url = `${server.url}/${encodeURIComponent(name)}`;
    await clients[client](url, (chunk) => read.push(chunk), { coalesce: false });
    expect(read).toEqual(chunks);
  });

  test("has the same digest when deltas were merged", async () => {
    const tally = new Tally();
    const url = `${server.url}/${encodeURIComponent(name)}`;
    await clients.ours(url, (chunk) => tally.add(chunk));
    expect(tally.reading.digest).toBe(readingOf(chunks).digest);
    expect(tally.reading.chunks).toBeLessThanOrEqual(chunks.length);
  });
});

test.each(["ours", "published"] as const)(
  "a chat is watched turn by turn by: %s",
  async (client) => {
    const readTurn = await watch(client, `${server.url}/watched`);
    for (const turn of [chunks, later]) {
      expect((await readTurn()).digest).toBe(readingOf(turn).digest);
    }
  },
);
