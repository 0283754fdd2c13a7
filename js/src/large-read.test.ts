import { afterEach, expect, test, vi } from "vitest";

const RECORDS = 40_000;
const TEXT = "word ".repeat(40);

afterEach(() => vi.restoreAllMocks());

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

test("an answer that comes in one large read is whole, and the core's memory stays smaller than it", async () => {
  vi.resetModules();
  const memory = nextMemory();
  const { ChatTransport } = await import("./index.js");
  const bytes = answer();
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
  expect(length).toBe(RECORDS * TEXT.length);
  expect(memory()?.buffer.byteLength).toBeLessThan(bytes.length / 2);
});
