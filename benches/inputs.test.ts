import { TriggerChatTransport as PublishedTransport } from "@trigger.dev/sdk/chat";
import type { UIMessageChunk } from "ai";
import { createParser } from "eventsource-parser";
import { TriggerChatTransport as OurTransport } from "trigger-chat-transport";
import { describe, expect, test } from "vitest";
import { answer, eventsOf } from "./inputs";

interface StreamRecord {
  seq_num: number;
  headers?: [string, string][];
  body?: string;
}

/** The records of an event stream, read by a parser that is not ours. */
function recordsOf(events: Uint8Array[]): { sizes: number[]; records: StreamRecord[] } {
  const sizes: number[] = [];
  const records: StreamRecord[] = [];
  const parser = createParser({
    onEvent({ event, data }) {
      expect(event).toBe("batch");
      const batch = JSON.parse(data).records;
      sizes.push(batch.length);
      records.push(...batch);
    },
  });
  parser.feed(new TextDecoder().decode(Buffer.concat(events)));
  return { sizes, records };
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
    let deltas = 0;
    for (const chunk of answer(1, 50_000)) {
      if (!("id" in chunk) || chunk.id === undefined) continue;
      if (chunk.type.endsWith("-start")) expect(open.has(chunk.id)).toBe(false);
      else expect(open.has(chunk.id)).toBe(true);
      if (chunk.type.endsWith("-start")) open.add(chunk.id);
      if (chunk.type.endsWith("-end")) open.delete(chunk.id);
      if (chunk.type.endsWith("-delta")) deltas++;
    }
    expect(open.size).toBe(0);
    expect(deltas).toBeGreaterThan(45_000);
  });
});

describe.each([1_000, 100, 1])("its events, %i records each", (size) => {
  const chunks = answer(3, 2_500);
  const events = eventsOf(chunks, size);

  test("hold the chunks in their order, and the turn's end", () => {
    const { sizes, records } = recordsOf(events);
    const full = Math.floor(chunks.length / size);
    const rest = chunks.length % size;
    expect(sizes).toEqual([...Array(full).fill(size), ...(rest ? [rest] : []), 1]);
    expect(records.map(({ seq_num }) => seq_num)).toEqual(records.map((_, index) => index));
    expect(records.at(-1)?.headers?.[0]).toEqual(["trigger-control", "turn-complete"]);
    const read = records.slice(0, -1).map(({ body = "" }) => JSON.parse(body).data);
    expect(read).toEqual(chunks);
  });

  test.each([
    ["ours", OurTransport],
    ["the published client", PublishedTransport],
  ])("are read whole by %s", async (_, Transport) => {
    const transport = new Transport({
      task: "bench",
      baseURL: "http://bench.test",
      accessToken: () => "token",
      sessions: { chat: { publicAccessToken: "token", isStreaming: false } },
      ...{ coalesce: false },
      fetch: async (_url, _init, { endpoint }) =>
        endpoint === "in"
          ? new Response('{"ok":true,"seq":0}')
          : new Response(new Blob(events as Uint8Array<ArrayBuffer>[]), {
              headers: { "Content-Type": "text/event-stream", "X-Stream-Version": "v2" },
            }),
    });
    const stream = await transport.sendMessages({
      trigger: "submit-message",
      chatId: "chat",
      messageId: undefined,
      messages: [{ id: "message", role: "user", parts: [{ type: "text", text: "Hello" }] }],
      abortSignal: undefined,
    });
    const read: UIMessageChunk[] = [];
    for await (const chunk of stream) read.push(chunk);
    expect(read).toEqual(chunks);
  });
});
