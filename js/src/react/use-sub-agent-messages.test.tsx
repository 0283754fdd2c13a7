// @vitest-environment happy-dom
import { useSubAgentMessages as publishedHook } from "@trigger.dev/sdk/chat/react";
import type { UIMessageChunk } from "ai";
import { Activity, act } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { useSubAgentMessages } from "../react.js";
import { renderHook } from "./rendering.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const batch = (seq: number, ...chunks: UIMessageChunk[]) => ({
  type: "data-subagent",
  data: { toolCallId: "call", seq, chunks },
});
const start: UIMessageChunk = { type: "text-start", id: "t" };
const delta = (delta: string): UIMessageChunk => ({ type: "text-delta", id: "t", delta });
const told = (text: string) => ({ parts: [{ type: "text", text }] });
/** Lets the fake time pass, once the reducer is loaded. */
const pass = (ms: number) =>
  act(async () => {
    await vi.dynamicImportSettled();
    await vi.advanceTimersByTimeAsync(ms);
  });

describe.each(
  [true, false].flatMap((isStrict) => [
    { who: "here", hook: useSubAgentMessages, isStrict },
    { who: "published", hook: publishedHook as typeof useSubAgentMessages, isStrict },
  ]),
)("$who, strict: $isStrict", ({ hook, isStrict }) => {
  test("a sub-agent's message is rendered while it grows, at the pace that was chosen", async () => {
    const page = await renderHook(
      () => {
        const subAgents = hook({ throttleMs: 50 });
        return { ...subAgents, message: subAgents.get("call") };
      },
      undefined,
      { isStrict },
    );
    const { onData } = page.result;
    onData(batch(0, start, delta("It")));
    await pass(1000);
    expect(page.result.message).toMatchObject(told("It"));
    const { length } = page.commits;
    onData(batch(1, delta(" grows")));
    onData(batch(2, delta(" on")));
    await pass(49);
    expect(page.commits).toHaveLength(length);
    await pass(1);
    expect(page.result.message).toMatchObject(told("It grows on"));
    expect(page.commits).toHaveLength(length + 1);
    expect(page.result.onData).toBe(onData);
    await page.unmount();
  });
});

test("get is new when there is something new, and only then", async () => {
  const page = await renderHook(() => useSubAgentMessages(), undefined);
  const first = page.result;
  await page.render(undefined);
  expect(page.result).toBe(first);
  first.onData(batch(0, start));
  await pass(100);
  expect(page.result.get).not.toBe(first.get);
  expect(page.result.get("call")).toMatchObject(told(""));
});

test("a page that is gone leaves no timer behind", async () => {
  const page = await renderHook(() => useSubAgentMessages(), undefined);
  page.result.onData(batch(0, start));
  await pass(0);
  expect(vi.getTimerCount()).toBe(1);
  await page.unmount();
  expect(vi.getTimerCount()).toBe(0);
  page.result.onData(batch(1, delta("x")));
  await pass(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("what comes while the page is hidden is there when it is shown again", async () => {
  let mode: "visible" | "hidden" = "visible";
  const page = await renderHook(() => useSubAgentMessages(), undefined, {
    inside: (children) => <Activity mode={mode}>{children}</Activity>,
  });
  const { onData } = page.result;
  onData(batch(0, start, delta("seen")));
  await pass(100);
  mode = "hidden";
  await page.render(undefined);
  onData(batch(1, delta(" and unseen")));
  await pass(0);
  expect(vi.getTimerCount()).toBe(0);
  mode = "visible";
  await page.render(undefined);
  await pass(100);
  expect(page.result.get("call")).toMatchObject(told("seen and unseen"));
  await page.unmount();
});
