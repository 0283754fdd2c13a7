import { ChatStream as PublishedStream } from "@trigger.dev/sdk/chat";
import type { UIMessage, UIMessageChunk } from "ai";
import { describe, expect, test, vi } from "vitest";
import { ChatStream } from "./chat-stream.js";

const chunks: UIMessageChunk[] = [
  { type: "start", messageId: "m" },
  { type: "text-start", id: "t" },
  { type: "text-delta", id: "t", delta: "one " },
  { type: "text-delta", id: "t", delta: "two" },
  { type: "text-end", id: "t" },
  { type: "finish" },
];

/** A stream of chunks that ends, or fails behind them. */
function streamOf(failure?: Error, onCancel = () => {}): ReadableStream<UIMessageChunk> {
  const waiting = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const chunk = waiting.shift();
      if (chunk) controller.enqueue(chunk);
      else if (failure) controller.error(failure);
      else controller.close();
    },
    cancel: onCancel,
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const item of items) read.push(item);
  return read;
}

const textOf = (message: UIMessage | undefined) =>
  message?.parts.map((part) => (part.type === "text" ? part.text : "")).join("");

describe.each([
  ["ours", ChatStream],
  ["published", PublishedStream],
] as const)("%s", (_, Stream) => {
  test("is read as chunks, as messages, and at its end", async () => {
    expect(await all(new Stream(streamOf()))).toEqual(chunks);
    expect(await all(new Stream(streamOf()).stream)).toEqual(chunks);
    expect(textOf((await all(new Stream(streamOf()).messages())).at(-1))).toBe("one two");
    const stream = new Stream(streamOf());
    expect(await stream.text()).toBe("one two");
    expect(await stream.result()).toEqual({ text: "one two", toolCalls: [], toolResults: [] });
  });

  test("tells the whole message to who has asked for it, however it is read", async () => {
    const told = vi.fn<(message: UIMessage) => void>();
    await new Stream(streamOf(), told).text();
    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(1));
    expect(textOf(told.mock.calls[0]?.[0])).toBe("one two");
  });

  test("fails as the stream does", async () => {
    const failure = new Error("broken");
    await expect(new Stream(streamOf(failure)).text()).rejects.toBe(failure);
    await expect(all(new Stream(streamOf(failure)))).rejects.toBe(failure);
  });
});

test("messages fail as well: a truncated answer must not look complete", async () => {
  const failure = new Error("broken");
  const messages: UIMessage[] = [];
  const read = async () => {
    for await (const message of new ChatStream(streamOf(failure)).messages()) {
      messages.push(message);
    }
  };
  await expect(read()).rejects.toBe(failure);
  expect(textOf(messages.at(-1))).toBe("one two");
  expect(textOf((await all(new PublishedStream(streamOf(failure)).messages())).at(-1))).toBe(
    "one two",
  );
});

test("whoever leaves a loop lets the stream go", async () => {
  const onCancel = vi.fn();
  for await (const chunk of new ChatStream(streamOf(undefined, onCancel))) {
    if (chunk.type === "text-delta") break;
  }
  expect(onCancel).toHaveBeenCalledTimes(1);
  for await (const message of new ChatStream(streamOf(undefined, onCancel)).messages()) {
    if (message.parts.length > 0) break;
  }
  expect(onCancel).toHaveBeenCalledTimes(2);
});

test("a failure that somebody reads is no unhandled rejection of the message that was asked for", async () => {
  const told = vi.fn();
  const failure = new Error("broken");
  await expect(new ChatStream(streamOf(failure), told).text()).rejects.toBe(failure);
  // Whatever is unhandled by now fails the run.
  await new Promise((resolve) => setTimeout(resolve));
  expect(told).not.toHaveBeenCalled();
});
