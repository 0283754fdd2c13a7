import { readdirSync, readFileSync } from "node:fs";
import type { UIMessageChunk } from "ai";
import { createParser } from "eventsource-parser";
import { describe, expect, test, vi } from "vitest";
import { answer, framed, recordsOf, type StreamRecord } from "./inputs";

// Only a fault takes this long.
vi.setConfig({ testTimeout: 120_000 });

/** The batches of an event stream, read by a parser that is not ours. */
function batchesOf(events: string): { id: string | undefined; records: StreamRecord[] }[] {
  const batches: { id: string | undefined; records: StreamRecord[] }[] = [];
  const parser = createParser({
    onEvent({ event, id, data }) {
      if (event === "batch") batches.push({ id, records: JSON.parse(data).records });
    },
  });
  parser.feed(events);
  return batches;
}

function textOf(events: Uint8Array[]): string {
  return Buffer.concat(events).toString();
}

describe("an answer", () => {
  test("is the same for the same seed, and another for another", () => {
    expect(answer(7, 3_000)).toEqual(answer(7, 3_000));
    expect(answer(7, 3_000)).not.toEqual(answer(8, 3_000));
  });

  test.each([5, 20, 400, 50_000])("of %i chunks has as many", (length) => {
    for (const seed of [1, 2, 3]) expect(answer(seed, length)).toHaveLength(length);
  });

  test("has parts that start, go on and end", () => {
    const open = new Set<string>();
    const misplaced: UIMessageChunk[] = [];
    for (const chunk of answer(1, 50_000)) {
      const id = "toolCallId" in chunk ? chunk.toolCallId : "id" in chunk ? chunk.id : undefined;
      if (id === undefined) continue;
      const isStart = chunk.type.endsWith("-start");
      if (open.has(id) === isStart) misplaced.push(chunk);
      if (isStart) open.add(id);
      if (/-end$|^tool-output-/.test(chunk.type)) open.delete(id);
    }
    expect(misplaced).toEqual([]);
    expect(open.size).toBe(0);
  });

  test("is for the most part deltas, of every kind and of many lengths", () => {
    const counts = new Map<string, number>();
    const lengths = new Set<number>();
    for (const chunk of answer(1, 50_000)) {
      counts.set(chunk.type, (counts.get(chunk.type) ?? 0) + 1);
      if (chunk.type === "text-delta") lengths.add(chunk.delta.length);
    }
    expect(counts.get("text-delta")).toBeGreaterThan(25_000);
    expect(counts.get("reasoning-delta")).toBeGreaterThan(5_000);
    expect(counts.get("tool-input-delta")).toBeGreaterThan(500);
    expect(lengths.size).toBeGreaterThan(30);
  });

  test("puts the pieces of a tool's input together to what it says it is", () => {
    const written = new Map<string, string>();
    let tools = 0;
    for (const chunk of answer(2, 10_000)) {
      if (chunk.type === "tool-input-delta") {
        const before = written.get(chunk.toolCallId) ?? "";
        written.set(chunk.toolCallId, before + chunk.inputTextDelta);
      }
      if (chunk.type !== "tool-input-available") continue;
      expect(JSON.parse(written.get(chunk.toolCallId) ?? "")).toEqual(chunk.input);
      tools++;
    }
    expect(tools).toBeGreaterThan(0);
  });
});

describe.each([1_000, 100, 1])("its events, %i records each", (size) => {
  const chunks = answer(3, 2_499);
  const events = framed(recordsOf(chunks), size);
  const batches = batchesOf(textOf(events));

  test("are the same bytes for the same seed, and others for another", () => {
    const again = (seed: number) => textOf(framed(recordsOf(answer(seed, 2_499)), size));
    expect(again(3)).toBe(textOf(events));
    expect(again(4)).not.toBe(textOf(events));
  });

  test("are batches of that size, one to an event", () => {
    const sizes = batches.map(({ records }) => records.length);
    expect(sizes).toEqual([
      ...Array(Math.floor(2_500 / size)).fill(size),
      ...(2_500 % size ? [2_500 % size] : []),
    ]);
    expect(batches).toHaveLength(events.length);
  });

  test("hold the chunks in their order, under numbers that grow by one, and the turn's end", () => {
    const records = batches.flatMap(({ records }) => records);
    expect(records.map(({ seq_num }) => seq_num)).toEqual(records.map((_, index) => index));
    expect(records.at(-1)?.headers?.[0]).toEqual(["trigger-control", "turn-complete"]);
    const read = records.slice(0, -1).map(({ body = "" }) => JSON.parse(body).data);
    expect(read).toEqual(chunks);
  });
});

test("the records of a later turn go on in number, time and part id", () => {
  const chunks = answer(3, 99);
  const records = [...recordsOf(chunks), ...recordsOf(chunks, 100)];
  expect(records.map(({ seq_num }) => seq_num)).toEqual(records.map((_, index) => index));
  const ids = records.flatMap(({ body }) => (body ? [JSON.parse(body).id] : []));
  expect(new Set(ids).size).toBe(2 * chunks.length);
  expect(records.map(({ timestamp }) => timestamp)).toEqual(
    records.map((_, index) => (records[0]?.timestamp ?? 0) + index),
  );
});

describe("the records of a capture, framed anew, are the capture", () => {
  const folder = new URL("../tests/fixtures/s2/", import.meta.url);
  const captures = readdirSync(folder)
    .map((name) => [name, readFileSync(new URL(name, folder), "utf8")] as const)
    .filter(([, capture]) => capture.includes("event: batch"));

  test("of which there are some", () => expect(captures.length).toBeGreaterThan(3));

  test.each(captures)("%s", (_, capture) => {
    const batches = capture.match(/event: batch\n[^\n]*\n[^\n]*\n\n/g)?.join("");
    const records = batchesOf(capture).flatMap(({ records }) => records);
    expect(textOf(framed(records, 1_000))).toBe(batches);
  });
});
