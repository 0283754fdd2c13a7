// Our client beside the published one: each is put through the same scenario, against a server of its
// own, and has to do the same to the network and to the app, request by request, chunk by chunk,
// callback by callback. Where it does not, docs/differences.md says so, and why.
import { readFileSync } from "node:fs";
import { TriggerChatTransport as PublishedTransport } from "@trigger.dev/sdk/chat";
import { TriggerChatTransport as OurTransport } from "trigger-chat-transport";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { shownDifferences } from "./contract/differences";
import { type Difference, differenceIds, differencesIn } from "./parity-differences";
import { type Scenario, scenarios } from "./parity-scenarios";
import { type Journal, type MakeClient, Recorder } from "./support/recorder";
import { BUILD_TIMEOUT_MS, startServer } from "./support/server";

// Only a fault takes this long.
vi.setConfig({ testTimeout: 120_000 });

const published: MakeClient = (options) => new PublishedTransport(options);
const ours: MakeClient = (options) => new OurTransport(options);

beforeAll(async () => {
  // Compiles it, where that is due.
  await (await startServer()).stop();
}, BUILD_TIMEOUT_MS);

async function journalOf(make: MakeClient, scenario: Scenario): Promise<Journal> {
  const server = await startServer();
  const recorder = new Recorder(server, make);
  try {
    await scenario(recorder);
  } finally {
    recorder.close();
    await server.stop();
  }
  return recorder.journal;
}

function rewritten(journal: Journal, by: "published" | "ours", differences: Difference[]): Journal {
  const copy = structuredClone(journal);
  for (const difference of differences) difference[by]?.(copy);
  return copy;
}

describe("our client does as the published one", () => {
  test.each(Object.entries(scenarios))("with %s", async (name, scenario) => {
    const theirs = await journalOf(published, scenario);
    const mine = await journalOf(ours, scenario);
    const differences = differencesIn(name);
    expect(rewritten(mine, "ours", differences)).toEqual(
      rewritten(theirs, "published", differences),
    );
    // Each listed difference is there: without it, the two are not the same.
    for (const difference of differences) {
      const others = differences.filter((other) => other !== difference);
      expect(rewritten(mine, "ours", others), difference.id).not.toEqual(
        rewritten(theirs, "published", others),
      );
    }
  });
});

test("docs/differences.md lists the differences that there are, and no other", () => {
  const text = readFileSync(new URL("../../docs/differences.md", import.meta.url), "utf8");
  const listed = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, id]) => id);
  expect(listed.sort()).toEqual([...new Set([...differenceIds, ...shownDifferences()])].sort());
});
