// What is measured on: an answer of the service as its event stream, made from a seed. The same seed
// gives the same bytes.
import type { UIMessageChunk } from "ai";

/** A record of an S2 read session; what is empty is left out. */
export interface StreamRecord {
  seq_num: number;
  timestamp: number;
  headers?: [name: string, value: string][];
  body?: string;
}

/** A number below one, and the next, and the next. */
type Random = () => number;

/** mulberry32, by Tommy Ettinger: public domain, 32 bits of state, more than enough for words. */
function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Plain ones, and some of each kind that JSON or UTF-8 makes longer. */
const words = [
  ..."the lamp of a keeper who, counting slowly, wrote until morning and it was".split(" "),
  ...'naïve Grüße — שלום 海の上 日本語 🌊 👩‍👩‍👧 - **bold** `code` C:\\path "quoted" </b>'.split(
    " ",
  ),
  ...["and\n\n", "tab\tbed", "line\u2028end", "bell\u0007"],
];

/** Mostly one word, at times a dozen, as models write. */
function someText(random: Random): string {
  const count = 1 + Math.floor(12 * random() ** 6);
  const chosen = Array.from({ length: count }, () => words[Math.floor(random() * words.length)]);
  return `${chosen.join(" ")} `;
}

/** The chunks of one answer: reasoning, tools, text in several parts, and what stands around them. */
export function answer(seed: number, length: number): UIMessageChunk[] {
  const random = randomFrom(seed);
  const chunks: UIMessageChunk[] = [{ type: "start", messageId: "msg_1" }, { type: "start-step" }];
  const end: UIMessageChunk[] = [{ type: "finish-step" }, { type: "finish" }];
  for (let number = 0; chunks.length < length - end.length; number++) {
    chunks.push(...part(number, length - end.length - chunks.length, random));
  }
  return [...chunks, ...end];
}

/** The chunks of one part, at most as many as there is room for. */
function part(number: number, room: number, random: Random): UIMessageChunk[] {
  // A start, an end, and something between.
  if (room < 3) return [{ type: "data-note", data: { number } }];
  const kind = ["reasoning", "tool", "text", "text"][number % 4];
  const called = kind === "tool" ? toolCall(`call-${number}`, random) : undefined;
  if (called && called.length <= room) return called;
  const type = kind === "reasoning" ? kind : "text";
  const id = `${type}-${number}`;
  const deltas = Math.min(room - 2, 1 + Math.floor(2_000 * random()));
  return [
    { type: `${type}-start`, id },
    ...Array.from(
      { length: deltas },
      () => ({ type: `${type}-delta`, id, delta: someText(random) }) as const,
    ),
    { type: `${type}-end`, id },
  ];
}

function toolCall(toolCallId: string, random: Random): UIMessageChunk[] {
  const input = { query: Array.from({ length: 40 }, () => someText(random)).join("") };
  // By code points: no half of a character.
  const pieces = JSON.stringify(input).match(/.{1,8}/gsu) ?? [];
  return [
    { type: "tool-input-start", toolCallId, toolName: "search" },
    ...pieces.map(
      (inputTextDelta) => ({ type: "tool-input-delta", toolCallId, inputTextDelta }) as const,
    ),
    { type: "tool-input-available", toolCallId, toolName: "search", input },
    { type: "tool-output-available", toolCallId, output: { found: someText(random) } },
  ];
}

/** The records of an answer, the turn's end as the last; `first` is the number of the first. */
export function recordsOf(chunks: UIMessageChunk[], first = 0): StreamRecord[] {
  const time = 1_795_466_592_000;
  const records: StreamRecord[] = chunks.map((data, index) => ({
    seq_num: first + index,
    timestamp: time + first + index,
    body: JSON.stringify({ data, id: `part-${first + index}` }),
  }));
  const last = first + chunks.length;
  records.push({
    seq_num: last,
    timestamp: time + last,
    headers: [
      ["trigger-control", "turn-complete"],
      // The server of `server.ts` acknowledges every message as the first of its channel.
      ["session-in-event-id", "0"],
    ],
  });
  return records;
}

/**
 * The records as S2 frames them, `perBatch` in an event. An event's id is S2's own: the last record,
 * and how many records and bytes, as S2 counts them, the connection has brought.
 */
export function framed(records: StreamRecord[], perBatch: number): Uint8Array<ArrayBuffer>[] {
  const encoder = new TextEncoder();
  const events: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (let at = 0; at < records.length; at += perBatch) {
    const batch = records.slice(at, at + perBatch);
    bytes += batch.reduce((sum, record) => sum + meteredBytes(record), 0);
    const id = `${batch.at(-1)?.seq_num},${at + batch.length},${bytes}`;
    const data = JSON.stringify({ records: batch });
    events.push(encoder.encode(`event: batch\nid: ${id}\ndata: ${data}\n\n`));
  }
  return events;
}

function meteredBytes({ headers = [], body = "" }: StreamRecord): number {
  const texts = [...headers.flat(), body];
  return 8 + 2 * headers.length + Buffer.byteLength(texts.join(""));
}
