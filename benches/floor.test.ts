import type { UIMessageChunk } from "ai";
import { expect, test } from "vitest";
import { readEvents } from "./floor";
import { answer, framed, recordsOf } from "./inputs";

const chunks = answer(5, 100);
const bytes = Buffer.concat(framed(recordsOf(chunks), 7));

test.each([1, 2, 1_000, bytes.length])(
  "the floor reads an answer in pieces of %i",
  async (size) => {
    const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) {
          controller.enqueue(Uint8Array.from(bytes.subarray(at, at + size)));
        }
        controller.close();
      },
    });
    const read: UIMessageChunk[] = [];
    await readEvents(pieces, (chunk) => read.push(chunk));
    expect(read).toEqual(chunks);
  },
);
