import { createSubAgentMessages as publishedCreate } from "@trigger.dev/sdk/chat";
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createSubAgentMessages, SUB_AGENT_DATA_TYPE } from "./index.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const batch = (toolCallId: string, seq: number, ...chunks: UIMessageChunk[]) => ({
  type: SUB_AGENT_DATA_TYPE,
  data: { toolCallId, seq, chunks },
});

/** A sub-agent's answer with all that is reduced in a way of its own. */
const answer: UIMessageChunk[] = [
  { type: "start", messageId: "m", messageMetadata: { model: "small" } },
  { type: "start-step" },
  { type: "reasoning-start", id: "r" },
  { type: "reasoning-delta", id: "r", delta: "First " },
  { type: "reasoning-delta", id: "r", delta: "look.", providerMetadata: { p: { a: 1 } } },
  { type: "reasoning-end", id: "r" },
  { type: "tool-input-start", toolCallId: "c", toolName: "search" },
  { type: "tool-input-delta", toolCallId: "c", inputTextDelta: '{"query":' },
  { type: "tool-input-delta", toolCallId: "c", inputTextDelta: '"tides"}' },
  { type: "tool-input-start", toolCallId: "d", toolName: "search" },
  { type: "tool-input-delta", toolCallId: "c", inputTextDelta: " " },
  { type: "tool-input-delta", toolCallId: "d", inputTextDelta: "{}" },
  { type: "tool-input-available", toolCallId: "c", toolName: "search", input: { query: "tides" } },
  { type: "tool-output-available", toolCallId: "c", output: { found: ["🌊"] } },
  { type: "finish-step" },
  { type: "start-step" },
  { type: "text-start", id: "t" },
  { type: "text-start", id: "u" },
  { type: "text-delta", id: "t", delta: "The " },
  { type: "text-delta", id: "t", delta: "moon" },
  { type: "text-delta", id: "u", delta: "(aside)" },
  { type: "text-delta", id: "t", delta: " pulls" },
  { type: "text-end", id: "u" },
  { type: "text-end", id: "t" },
  { type: "data-note", data: { kept: true } },
  { type: "finish-step" },
  { type: "finish", messageMetadata: { tokens: 12 } },
];

/** What the AI SDK makes of the chunks, each given to it alone. */
async function reduced(chunks: UIMessageChunk[]): Promise<UIMessage | undefined> {
  let last: UIMessage | undefined;
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of structuredClone(chunks)) controller.enqueue(chunk);
      controller.close();
    },
  });
  for await (const message of readUIMessageStream({ stream })) last = message;
  return last;
}

/** Lets the fake time pass, once the reducer is loaded: promises settle between the timers. */
async function pass(ms: number) {
  await vi.dynamicImportSettled();
  await vi.advanceTimersByTimeAsync(ms);
}
const shown = () => pass(1000);

describe.each([
  { who: "here", create: createSubAgentMessages },
  { who: "published", create: publishedCreate as typeof createSubAgentMessages },
])("$who", ({ create }) => {
  test.each([1, 2, 3, 5, answer.length])(
    "a message is what the AI SDK makes of its chunks, in batches of %i",
    async (size) => {
      const messages = create();
      for (let at = 0, seq = 0; at < answer.length; at += size, seq++) {
        messages.onData(batch("call", seq, ...answer.slice(at, at + size)));
      }
      await shown();
      expect(messages.get("call")).toEqual(await reduced(answer));
      expect(messages.get("other")).toBeUndefined();
      messages.dispose();
    },
  );

  test("a message is shown while it grows, and each one by its tool call", async () => {
    const messages = create();
    const told = (text: string) => ({ parts: [{ type: "text", text, state: "streaming" }] });
    for (const call of ["a", "b"]) {
      messages.onData(
        batch(
          call,
          0,
          { type: "text-start", id: "t" },
          { type: "text-delta", id: "t", delta: call },
        ),
      );
    }
    await shown();
    expect(messages.get("a")).toMatchObject(told("a"));
    expect(messages.get("b")).toMatchObject(told("b"));
    const before = messages.get("a");
    messages.onData(batch("a", 1, { type: "text-delta", id: "t", delta: " grows" }));
    await shown();
    expect(messages.get("a")).toMatchObject(told("a grows"));
    expect(before).toMatchObject(told("a"));
    expect(messages.get("b")).toMatchObject(told("b"));
    messages.dispose();
  });

  test("a batch that comes again or out of its order is left out", async () => {
    const messages = create();
    const text = (seq: number, delta: string) =>
      messages.onData(batch("call", seq, { type: "text-delta", id: "t", delta }));
    text(1, "before the first");
    messages.onData(batch("call", 0, { type: "text-start", id: "t" }));
    text(1, "one");
    text(1, "one again");
    text(3, "behind a gap");
    text(2, " two");
    messages.onData(batch("call", 0, { type: "text-start", id: "t" }));
    await shown();
    expect(messages.get("call")).toMatchObject({ parts: [{ text: "one two" }] });
    messages.dispose();
  });

  test("changes are told at most once in 100 ms", async () => {
    const onChange = vi.fn();
    const messages = create({ onChange });
    messages.onData(batch("a", 0, { type: "text-start", id: "t" }));
    messages.onData(batch("b", 0, { type: "text-start", id: "t" }));
    messages.onData(batch("a", 1, { type: "text-delta", id: "t", delta: "x" }));
    await pass(99);
    expect(onChange).not.toHaveBeenCalled();
    await pass(1);
    expect(onChange).toHaveBeenCalledOnce();
    await shown();
    expect(onChange).toHaveBeenCalledOnce();
    messages.onData(batch("a", 2, { type: "text-delta", id: "t", delta: "y" }));
    await shown();
    expect(onChange).toHaveBeenCalledTimes(2);
    messages.dispose();
  });

  test("the throttle can be chosen", async () => {
    const onChange = vi.fn();
    const messages = create({ onChange, throttleMs: 10 });
    messages.onData(batch("a", 0, { type: "text-start", id: "t" }));
    await pass(10);
    expect(onChange).toHaveBeenCalledOnce();
    messages.dispose();
  });

  test("after dispose there is no timer and no message, and none comes", async () => {
    const onChange = vi.fn();
    const messages = create({ onChange });
    messages.onData(batch("call", 0, { type: "text-start", id: "t" }));
    await shown();
    messages.onData(batch("call", 1, { type: "text-delta", id: "t", delta: "x" }));
    await pass(0);
    expect(vi.getTimerCount()).toBe(1);
    messages.dispose();
    expect(vi.getTimerCount()).toBe(0);
    messages.onData(batch("call", 2, { type: "text-delta", id: "t", delta: "y" }));
    messages.onData(batch("new", 0, { type: "text-start", id: "t" }));
    await shown();
    expect(messages.get("call")).toBeUndefined();
    expect(messages.get("new")).toBeUndefined();
    expect(onChange).toHaveBeenCalledOnce();
  });

  test("other parts, and parts that are damaged, are left alone", async () => {
    const onChange = vi.fn();
    const messages = create({ onChange });
    const { data } = batch("call", 0, { type: "text-start", id: "t" });
    const damaged = [
      { ...data, toolCallId: 1 },
      { ...data, chunks: 7 },
      { ...data, seq: "0" },
    ];
    for (const other of [undefined, null, "text", {}, ...damaged]) {
      messages.onData({ type: SUB_AGENT_DATA_TYPE, data: other });
    }
    messages.onData({ type: "data-other", data });
    await shown();
    expect(messages.get("call")).toBeUndefined();
    expect(onChange).not.toHaveBeenCalled();
    messages.dispose();
  });

  test("a chunk that makes no sense ends the message where it was", async () => {
    const messages = create();
    messages.onData(
      batch(
        "call",
        0,
        { type: "text-start", id: "t" },
        { type: "text-delta", id: "t", delta: "so far" },
        { type: "text-delta", id: "unknown", delta: "?" },
        { type: "text-delta", id: "t", delta: ", and no further" },
      ),
    );
    await shown();
    messages.onData(batch("call", 1, { type: "text-delta", id: "t", delta: ", nor this" }));
    await shown();
    expect(messages.get("call")).toMatchObject({ parts: [{ text: "so far" }] });
    messages.dispose();
  });
});

describe("with another ai", () => {
  beforeEach(() => {
    vi.resetModules();
  });
  afterEach(() => {
    vi.doUnmock("ai");
  });

  test("deltas that come together cost the reducer one step", async () => {
    const steps = vi.fn();
    vi.doMock("ai", async (original) => ({
      ...(await original<typeof import("ai")>()),
      readUIMessageStream: async function* ({ stream }: { stream: ReadableStream }) {
        for await (const chunk of stream) {
          steps(chunk);
          yield { id: "", role: "assistant", parts: [] };
        }
      },
    }));
    const { createSubAgentMessages } = await import("./sub-agents.js");
    const messages = createSubAgentMessages();
    messages.onData(batch("call", 0, ...answer.slice(0, 5)));
    messages.onData(batch("call", 1, ...answer.slice(5)));
    await vi.waitFor(() => expect(steps).toHaveBeenLastCalledWith(answer.at(-1)));
    const deltas = steps.mock.calls.flatMap(([chunk]) => chunk.delta ?? chunk.inputTextDelta ?? []);
    expect(deltas).toEqual([
      "First look.",
      '{"query":"tides"}',
      " ",
      "{}",
      "The moon",
      "(aside)",
      " pulls",
    ]);
    messages.dispose();
  });

  test("without the package ai there is one error that says so, and nothing throws", async () => {
    vi.doMock("ai", () => {
      throw new Error("Cannot find package");
    });
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const { createSubAgentMessages } = await import("./sub-agents.js");
    const messages = createSubAgentMessages();
    messages.onData(batch("a", 0, { type: "text-start", id: "t" }));
    await vi.waitFor(() => expect(error).toHaveBeenCalled());
    messages.onData(batch("b", 0, { type: "text-start", id: "t" }));
    messages.onData(batch("b", 1, { type: "text-end", id: "t" }));
    await shown();
    expect(error).toHaveBeenCalledOnce();
    expect(String(error.mock.calls[0]?.[0])).toContain("need the package `ai`");
    expect(messages.get("a")).toBeUndefined();
    messages.dispose();
    error.mockRestore();
  });
});
