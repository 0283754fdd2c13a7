// Holds what came through a stream against what the agent wrote, chunk by chunk.
import type { UIMessageChunk } from "ai";

/** How far two lists of chunks agree. All but `compared` are zero where they are the same. */
export interface Comparison {
  compared: number;
  lost: number;
  doubled: number;
  /** Of another turn, or never written. */
  foreign: number;
  reordered: number;
}

export const nothingCompared: Comparison = {
  compared: 0,
  lost: 0,
  doubled: 0,
  foreign: 0,
  reordered: 0,
};

export function isExact({ lost, doubled, foreign, reordered }: Comparison): boolean {
  return lost + doubled + foreign + reordered === 0;
}

export function sum(a: Comparison, b: Comparison): Comparison {
  return {
    compared: a.compared + b.compared,
    lost: a.lost + b.lost,
    doubled: a.doubled + b.doubled,
    foreign: a.foreign + b.foreign,
    reordered: a.reordered + b.reordered,
  };
}

/** All of `came` against all of `written`. */
export function compare(written: string[], came: string[]): Comparison {
  const writtenKeys = keysOf(written);
  const cameKeys = keysOf(came);
  const wasWritten = new Set(writtenKeys);
  const hasCome = new Set(cameKeys);
  const known = new Set(written);
  const extra = cameKeys.filter((key) => !wasWritten.has(key));
  const foreign = came.filter((chunk) => !known.has(chunk)).length;
  const inBothAsWritten = writtenKeys.filter((key) => hasCome.has(key));
  const inBothAsCame = cameKeys.filter((key) => wasWritten.has(key));
  return {
    compared: written.length,
    lost: writtenKeys.length - inBothAsWritten.length,
    doubled: extra.length - foreign,
    foreign,
    reordered: inBothAsWritten.filter((key, index) => inBothAsCame[index] !== key).length,
  };
}

/** `came` against the beginning of `written` that it reaches into: what is missing at the end is not lost. */
export function compareBeginning(written: string[], came: string[]): Comparison {
  const hasCome = new Set(keysOf(came));
  const reached = keysOf(written).map((key) => hasCome.has(key));
  return compare(written.slice(0, reached.lastIndexOf(true) + 1), came);
}

/**
 * Chunks whose deltas may have been merged, in a form that does not show it: neighbouring deltas of one
 * part put together, and taken apart again word by word.
 */
export function unmerged(chunks: string[]): string[] {
  const merged: UIMessageChunk[] = [];
  for (const chunk of chunks.map((text) => JSON.parse(text) as UIMessageChunk)) {
    const last = merged.at(-1);
    if (
      last &&
      isDelta(last) &&
      isDelta(chunk) &&
      last.type === chunk.type &&
      last.id === chunk.id
    ) {
      last.delta += chunk.delta;
    } else {
      merged.push(chunk);
    }
  }
  return merged.flatMap((chunk) => {
    if (!isDelta(chunk)) return JSON.stringify(chunk);
    const words = chunk.delta.match(/\S*\s|\S+/gu) ?? [];
    return words.map((delta) => JSON.stringify({ ...chunk, delta }));
  });
}

type Delta = Extract<UIMessageChunk, { type: "text-delta" | "reasoning-delta" }>;

function isDelta(chunk: UIMessageChunk): chunk is Delta {
  return chunk.type === "text-delta" || chunk.type === "reasoning-delta";
}

/** Each chunk with how often it was there before, so that the same words twice are two. */
function keysOf(chunks: string[]): string[] {
  const counts = new Map<string, number>();
  return chunks.map((chunk) => {
    const count = (counts.get(chunk) ?? 0) + 1;
    counts.set(chunk, count);
    return `${count} ${chunk}`;
  });
}
