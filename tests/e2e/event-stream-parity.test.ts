// Our event-stream decoder beside the npm package `eventsource-parser`: the same bytes, in the same
// reads, have to give the same events.
//
// Named differences, and what is done about each:
// - The package takes strings. A streaming `TextDecoder` stands before it, which has to leave the
//   byte order mark in place (`ignoreBOM`): dropping it is the parser's work here, as it is ours.
// - A missing name is `undefined` there and empty in ours: compared as empty.
// - A missing id is `undefined` there and `null` in our JSON: compared as null.
// - The package also drops a byte order mark that was decoded as Latin-1 ("ï»¿"), which the
//   standard does not know. No generated stream begins with that text.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createParser } from "eventsource-parser";
import { describe, expect, test } from "vitest";

interface StreamEvent {
  event: string;
  id: string | null;
  data: string;
}

interface Case {
  chunks: number[][];
  events: StreamEvent[];
}

const repository = fileURLToPath(new URL("../..", import.meta.url));
const seeds = (process.env.PARITY_SEEDS ?? "1 2 3").split(" ");
const casesPerSeed = 1000;

function casesOf(seed: string): Case[] {
  const args = ["run", "-q", "--example", "event_stream_cases", "--", seed, String(casesPerSeed)];
  const lines = execFileSync("cargo", args, {
    cwd: repository,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    // What the compiler says belongs on the screen, not in the lines.
    stdio: ["ignore", "pipe", "inherit"],
  });
  return lines
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function parsedByThePackage(chunks: number[][]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, id, data }) => events.push({ event: event ?? "", id: id ?? null, data }),
  });
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (const chunk of chunks) {
    parser.feed(decoder.decode(Uint8Array.from(chunk), { stream: true }));
  }
  return events;
}

describe("our decoder and eventsource-parser read the same events", () => {
  // The first one compiles the example, hence the long limit; nothing here is timed.
  test.each(seeds)("in the streams of seed %s", { timeout: 600_000 }, (seed) => {
    const cases = casesOf(seed);
    expect(cases).toHaveLength(casesPerSeed);
    // A generator that has gone dull would agree with anything.
    const events = cases.flatMap((each) => each.events);
    expect(events.length).toBeGreaterThan(casesPerSeed / 2);
    expect(events.some((event) => event.id !== null && event.event !== "")).toBe(true);
    for (const { chunks, events } of cases) {
      const text = JSON.stringify(chunks.map((chunk) => Buffer.from(chunk).toString("latin1")));
      expect(parsedByThePackage(chunks), text).toEqual(events);
    }
  });
});
