// What a client has read, so that nobody is fast by leaving something out.
import type { UIMessageChunk } from "ai";

/** The digests of two readings agree when their chunks do, except for where deltas were cut. */
export interface Reading {
  digest: number;
  chunks: number;
}

/**
 * Reads along. It runs within what is measured: a few operations a character, nothing kept, the same
 * for every client.
 */
export class Tally {
  #digest = 0x811c9dc5;
  #chunks = 0;
  /** The type and the part of the delta before, which this one may go on. */
  #type = "";
  #part = "";

  add(chunk: UIMessageChunk): void {
    this.#chunks++;
    if (chunk.type === "text-delta" || chunk.type === "reasoning-delta") {
      this.#addDelta(chunk.type, chunk.id, chunk.delta);
    } else if (chunk.type === "tool-input-delta") {
      this.#addDelta(chunk.type, chunk.toolCallId, chunk.inputTextDelta);
    } else {
      this.#type = "";
      this.#addText(`\n${JSON.stringify(chunk)}`);
    }
  }

  get reading(): Reading {
    return { digest: this.#digest >>> 0, chunks: this.#chunks };
  }

  #addDelta(type: string, part: string, text: string): void {
    if (type !== this.#type || part !== this.#part) {
      this.#type = type;
      this.#part = part;
      this.#addText(`\n${type} ${part}: `);
    }
    this.#addText(text);
  }

  /** FNV-1a, by UTF-16 code units. */
  #addText(text: string): void {
    let digest = this.#digest;
    for (let at = 0; at < text.length; at++) {
      digest = Math.imul(digest ^ text.charCodeAt(at), 0x01000193);
    }
    this.#digest = digest;
  }
}

/** What a client reads that hands on each chunk as it was written. */
export function readingOf(chunks: UIMessageChunk[]): Reading {
  const tally = new Tally();
  for (const chunk of chunks) tally.add(chunk);
  return tally.reading;
}
