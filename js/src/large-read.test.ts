import { afterEach, describe, expect, test, vi } from "vitest";

const RECORDS = 40_000;
const TEXT = "word ".repeat(40);

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** The memory of the WebAssembly that is instantiated next. */
function nextMemory(): () => WebAssembly.Memory | undefined {
  let memory: WebAssembly.Memory | undefined;
  const { Instance } = WebAssembly;
  vi.spyOn(WebAssembly, "Instance").mockImplementation(function note(module, imports) {
    const instance = new Instance(module, imports);
    memory = Object.values(instance.exports).find((each) => each instanceof WebAssembly.Memory);
    return instance;
  });
  return () => memory;
}

/** An answer of so many deltas, one to an event. */
function answer(): Uint8Array {
  const delta = JSON.stringify({ data: { type: "text-delta", id: "text", delta: TEXT } });
  const end = [["trigger-control", "turn-complete"]];
  const records = Array.from({ length: RECORDS }, () => ({ body: delta }) as object);
  const events = [...records, { headers: end }].map((record, seq_num) => {
    const batch = { records: [{ seq_num, timestamp: 1, ...record }] };
    return `event: batch\ndata: ${JSON.stringify(batch)}\n\n`;
  });
  return new TextEncoder().encode(events.join(""));
}

/** Reads it through a stream that hands it on at once; gives how long its text is. */
async function readAtOnce(bytes: Uint8Array): Promise<number> {
  const { ChatTransport } = await import("./index.js");
  const transport = new ChatTransport({
    task: "agent",
    accessToken: () => "token",
    baseURL: "http://sessions.test",
    sessions: { chat: { publicAccessToken: "token", isStreaming: true } },
    fetch: async () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(bytes);
          controller.close();
        },
      });
      return new Response(body, { headers: { "X-Stream-Version": "v2" } });
    },
  });
  const stream = await transport.reconnectToStream({ chatId: "chat" });
  let length = 0;
  for await (const chunk of stream ?? []) {
    if (chunk.type === "text-delta") length += chunk.delta.length;
  }
  return length;
}

const large = answer();
/** The core is told of so many bytes at once. */
const PIECES = Math.ceil(large.length / (512 * 1024));

test("an answer that comes in one large read is whole, and the core's memory stays smaller than it", async () => {
  vi.resetModules();
  const memory = nextMemory();
  expect(await readAtOnce(large)).toBe(RECORDS * TEXT.length);
  expect(memory()?.buffer.byteLength).toBeLessThan(large.length / 2);
});

describe("between the pieces of a large read", () => {
  test("a page has its turn", async () => {
    const yieldToPage = vi.fn(async () => {});
    vi.stubGlobal("scheduler", { yield: yieldToPage });
    expect(await readAtOnce(large)).toBe(RECORDS * TEXT.length);
    expect(yieldToPage).toHaveBeenCalledTimes(PIECES - 1);
  });

  test("a page has its turn also in a task that was given up", async () => {
    const giveUp = vi.fn(async () => Promise.reject(new DOMException("", "AbortError")));
    vi.stubGlobal("scheduler", { yield: giveUp });
    expect(await readAtOnce(large)).toBe(RECORDS * TEXT.length);
    expect(giveUp).toHaveBeenCalledTimes(PIECES - 1);
  });

  test("a page that is hidden needs none", async () => {
    const yieldToPage = vi.fn(async () => {});
    vi.stubGlobal("scheduler", { yield: yieldToPage });
    vi.stubGlobal("document", { visibilityState: "hidden" });
    expect(await readAtOnce(large)).toBe(RECORDS * TEXT.length);
    expect(yieldToPage).not.toHaveBeenCalled();
  });
});
