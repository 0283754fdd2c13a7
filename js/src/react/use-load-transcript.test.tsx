// @vitest-environment happy-dom
import * as published from "@trigger.dev/sdk/chat/react";
import type { UIMessage } from "ai";
import { act } from "react";
import { describe, expect, test, vi } from "vitest";
import { type LoadTranscriptResult, seedTranscriptCursor, useLoadTranscript } from "../react.js";
import { renderHook } from "./rendering.js";
import type { UseLoadTranscriptOptions } from "./use-load-transcript.js";

type Props = { chatId: string | undefined; load?: Load } & UseLoadTranscriptOptions;
type Load = Parameters<typeof useLoadTranscript>[1];

const hooks = {
  here: useLoadTranscript,
  published: published.useLoadTranscript as unknown as typeof useLoadTranscript,
};
const seeds = { here: seedTranscriptCursor, published: published.seedTranscriptCursor };
const table = (["here", "published"] as const).flatMap((who) =>
  [true, false].map((isStrict) => ({ who, isStrict })),
);

const message = (text: string): UIMessage => ({
  id: text,
  role: "user",
  parts: [{ type: "text", text }],
});
const nothing = { messages: [], error: undefined, nextCursor: undefined };

/** A server whose answers the test gives, one for each load. */
function server() {
  const loads: {
    params: unknown;
    answer: (result: LoadTranscriptResult) => Promise<void>;
    fail: (error: unknown) => Promise<void>;
  }[] = [];
  const load: Load = (params) =>
    new Promise((resolve, reject) => {
      loads.push({
        params,
        answer: (result) => act(async () => resolve(result)),
        fail: (error) => act(async () => reject(error)),
      });
    });
  return { loads, load };
}

const showWith =
  (hook: typeof useLoadTranscript, load: Load, isStrict: boolean) => (props: Props) =>
    renderHook(
      ({ chatId, load: own, ...options }: Props) => hook(chatId, own ?? load, options),
      props,
      { isStrict },
    );

describe.each(table)("$who, strict: $isStrict", ({ who, isStrict }) => {
  const show = (load: Load, props: Props) => showWith(hooks[who], load, isStrict)(props);

  test("a conversation is loaded, and its cursor given to the transport before it is shown", async () => {
    const { load, loads } = server();
    const transport = { seedResumeCursor: vi.fn() };
    const page = await show(load, { chatId: "chat", limit: 20, transport });
    expect(page.result).toEqual({ ...nothing, isLoading: true });
    expect(loads.at(-1)?.params).toEqual({ chatId: "chat", limit: 20 });
    const messages = [message("hello")];
    await loads.at(-1)?.answer({
      ...{ messages, nextCursor: "page 2" },
      cursors: { lastOutEventId: "7", lastInEventId: "3" },
    });
    expect(page.result).toEqual({
      ...{ messages, nextCursor: "page 2" },
      ...{ isLoading: false, error: undefined },
    });
    expect(page.result.messages).toBe(messages);
    expect(transport.seedResumeCursor.mock.calls).toEqual([["chat", "7"]]);
  });

  test("without a limit none is asked for, and without a chat nothing is loaded", async () => {
    const { load, loads } = server();
    const page = await show(load, { chatId: undefined });
    expect(page.result).toEqual({ ...nothing, isLoading: false });
    expect(loads).toEqual([]);
    await page.render({ chatId: "chat" });
    expect(loads.map(({ params }) => params)).toStrictEqual(loads.map(() => ({ chatId: "chat" })));
    expect(page.result.isLoading).toBe(true);
    await page.render({ chatId: undefined });
    expect(page.result).toEqual({ ...nothing, isLoading: false });
  });

  test("no commit of a new chat shows the old one, and a late answer is left out", async () => {
    const { load, loads } = server();
    const transport = { seedResumeCursor: vi.fn() };
    const page = await show(load, { chatId: "old", transport });
    const late = loads.at(-1);
    await page.render({ chatId: "new", transport });
    await loads.at(-1)?.answer({ messages: [message("new")] });
    const before = page.commits.length;
    await page.render({ chatId: "third", transport });
    await late?.answer({ messages: [message("old")], cursors: { lastOutEventId: "1" } });
    for (const commit of page.commits.slice(before)) {
      expect(commit).toEqual({ ...nothing, isLoading: true });
    }
    expect(transport.seedResumeCursor).not.toHaveBeenCalled();
  });

  test("what comes after the page is gone changes nothing", async () => {
    const { load, loads } = server();
    const transport = { seedResumeCursor: vi.fn() };
    const page = await show(load, { chatId: "chat", transport });
    await page.unmount();
    await loads.at(-1)?.answer({ messages: [], cursors: { lastOutEventId: "1" } });
    expect(transport.seedResumeCursor).not.toHaveBeenCalled();
  });

  test.each([
    [new RangeError("too long"), "too long"],
    ["offline", "offline"],
    [undefined, "undefined"],
  ])("a load that fails with %s is told as an error", async (thrown, text) => {
    const { load, loads } = server();
    const page = await show(load, { chatId: "chat" });
    await loads.at(-1)?.fail(thrown);
    expect(page.result).toMatchObject({ messages: [], isLoading: false });
    expect(page.result.error).toBeInstanceOf(Error);
    expect(page.result.error?.message).toBe(text);
    if (thrown instanceof Error) expect(page.result.error).toBe(thrown);
  });

  test("a new load function in each render loads nothing anew", async () => {
    const { load, loads } = server();
    const page = await show(load, { chatId: "chat" });
    const { length } = loads;
    await page.render({ chatId: "chat", load: (params) => load(params) });
    expect(loads).toHaveLength(length);
    const other = server();
    await page.render({ chatId: "next", load: other.load });
    expect(loads).toHaveLength(length);
    expect(other.loads).toHaveLength(1);
  });

  test("a cursor is seeded where there is one", () => {
    const seed = seeds[who];
    const transport = { seedResumeCursor: vi.fn() };
    expect(seed(transport, "chat", { lastOutEventId: "5" })).toBe(true);
    for (const none of [undefined, {}, { lastOutEventId: "" }]) {
      expect(seed(transport, "chat", none)).toBe(false);
    }
    expect(transport.seedResumeCursor.mock.calls).toEqual([["chat", "5"]]);
  });
});

const show = (load: Load, props: Props) => showWith(useLoadTranscript, load, true)(props);

test("a load that throws before there is a promise is an error like any other", async () => {
  const page = await show(
    () => {
      throw new Error("no session");
    },
    { chatId: "chat" },
  );
  expect(page.result).toMatchObject({ isLoading: false, error: { message: "no session" } });
});

test("a result without messages is an error", async () => {
  const { load, loads } = server();
  const page = await show(load, { chatId: "chat" });
  await loads.at(-1)?.answer(undefined as unknown as LoadTranscriptResult);
  expect(page.result.error).toBeInstanceOf(TypeError);
});

test("an empty list is the same in each render", async () => {
  const { load, loads } = server();
  const page = await show(load, { chatId: "chat" });
  const { messages } = page.result;
  await page.render({ chatId: "chat" });
  expect(page.result.messages).toBe(messages);
  await loads.at(-1)?.fail("offline");
  expect(page.result.messages).toBe(messages);
});

test("whoever comes back to a chat waits for it anew", async () => {
  const { load, loads } = server();
  const page = await show(load, { chatId: "first" });
  await loads.at(-1)?.answer({ messages: [message("then")] });
  await page.render({ chatId: "second" });
  const before = page.commits.length;
  await page.render({ chatId: "first" });
  for (const commit of page.commits.slice(before)) {
    expect(commit).toEqual({ ...nothing, isLoading: true });
  }
  await loads.at(-1)?.answer({ messages: [message("now")] });
  expect(page.result.messages).toEqual([message("now")]);
});

test("another page size shows no messages of the old one", async () => {
  const { load, loads } = server();
  const page = await show(load, { chatId: "chat", limit: 1 });
  await loads.at(-1)?.answer({ messages: [message("one")] });
  const before = page.commits.length;
  await page.render({ chatId: "chat", limit: 2 });
  for (const commit of page.commits.slice(before)) expect(commit.isLoading).toBe(true);
});
