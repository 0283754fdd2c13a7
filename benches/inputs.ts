// What is measured on: an answer of the service as its event stream, made from a seed. The same seed
// gives the same bytes.
import type { UIMessageChunk } from "ai";

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

const words =
  'the lamp of a keeper who, counting slowly, wrote "until morning" — naïve, 海の上 🌊 and\n\n- **bold** `code` C:\\path it was'.split(
    " ",
  );

/** The chunks of one long answer: reasoning, text in several parts, and what stands around them. */
export function answer(seed: number, length: number): UIMessageChunk[] {
  const random = randomFrom(seed);
  const chunks: UIMessageChunk[] = [{ type: "start", messageId: "msg_1" }, { type: "start-step" }];
  let part = 0;
  while (chunks.length < length - 2) {
    // Every part has a start, an end, and something between.
    const left = length - 2 - chunks.length;
    const deltas = Math.min(left - 2, 1 + Math.floor(random() * 2_000));
    if (deltas < 1) {
      for (let i = 0; i < left; i++) chunks.push({ type: "data-note", data: { i } });
      break;
    }
    const kind = part % 3 === 0 ? "reasoning" : "text";
    const id = `${kind}-${part++}`;
    chunks.push({ type: `${kind}-start`, id });
    for (let i = 0; i < deltas; i++) {
      const delta = `${words[Math.floor(random() * words.length)]} `;
      chunks.push({ type: `${kind}-delta`, id, delta });
    }
    chunks.push({ type: `${kind}-end`, id });
  }
  chunks.push({ type: "finish-step" }, { type: "finish" });
  return chunks;
}

/** The events of an answer as S2 frames them, `perBatch` records each, with the turn's end. */
export function eventsOf(chunks: UIMessageChunk[], perBatch: number): Uint8Array[] {
  const encoder = new TextEncoder();
  const time = 1_795_466_592_000;
  const records = chunks.map((data, seq_num) => ({
    seq_num,
    timestamp: time + seq_num,
    body: JSON.stringify({ data, id: `part-${seq_num}` }),
  }));
  const end = {
    seq_num: records.length,
    timestamp: time + records.length,
    headers: [
      ["trigger-control", "turn-complete"],
      ["session-in-event-id", "0"],
    ],
  };
  const batches: object[][] = [];
  for (let at = 0; at < records.length; at += perBatch) {
    batches.push(records.slice(at, at + perBatch));
  }
  batches.push([end]);
  let bytes = 0;
  return batches.map((batch) => {
    const data = JSON.stringify({ records: batch });
    bytes += data.length;
    const last = batch.at(-1) as { seq_num: number };
    const id = `${last.seq_num + 1},${batch.length},${bytes}`;
    return encoder.encode(`event: batch\nid: ${id}\ndata: ${data}\n\n`);
  });
}
