// @vitest-environment happy-dom
import { useChat } from "@ai-sdk/react";
import { usePendingMessages as publishedHook } from "@trigger.dev/sdk/chat/react";
import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import { act, useEffect, useRef } from "react";
import { describe, expect, test, vi } from "vitest";
import { usePendingMessages } from "../react.js";
import type { UsePendingMessagesOptions, UsePendingMessagesReturn } from "./pending-messages.js";
import { renderHook } from "./rendering.js";

const hooks = { here: usePendingMessages, published: publishedHook as typeof usePendingMessages };
const table = (["here", "published"] as const).flatMap((who) =>
  [true, false].map((isStrict) => ({ who, isStrict })),
);

/** A chat of which the test decides everything, and what the hook did to it. */
function chat(more: Partial<UsePendingMessagesOptions> = {}) {
  const sent: unknown[][] = [];
  const steered: { id: string; text: string; chatId: string; metadata: unknown }[] = [];
  const options: UsePendingMessagesOptions = {
    transport: {
      sendPendingMessage: async (chatId, { id, parts }, metadata) => {
        const [part] = parts;
        steered.push({ id, text: part?.type === "text" ? part.text : "", chatId, metadata });
        return true;
      },
    },
    chatId: "chat",
    status: "streaming",
    messages: [],
    setMessages: () => {},
    sendMessage: (...args) => {
      sent.push(args);
    },
    ...more,
  };
  return { options, sent, steered };
}

/** An answer with an injection point, as the agent writes it. */
function answerWith(...messages: { id: string; text: string }[]): UIMessage {
  const messageIds = messages.map(({ id }) => id);
  return {
    id: "answer",
    role: "assistant",
    parts: [{ type: "data-pending-message-injected", data: { messageIds, messages } }],
  };
}

const textsOf = (pending: { text: string }[]) => pending.map(({ text }) => text);

describe.each(table)("$who, strict: $isStrict", ({ who, isStrict }) => {
  const show = (options: UsePendingMessagesOptions) =>
    renderHook(hooks[who], options, { isStrict });

  test("what is written while nothing streams is sent at once", async () => {
    const { options, sent, steered } = chat({ status: "ready", metadata: { model: "m" } });
    const { result } = await show(options);
    act(() => result.steer("one"));
    act(() => result.queue("two"));
    const metadata = { metadata: { model: "m" } };
    expect(sent).toEqual([
      [{ text: "one" }, metadata],
      [{ text: "two" }, metadata],
    ]);
    expect(steered).toEqual([]);
  });

  test("a turn is told what steers it, and not what is queued", async () => {
    const { options, sent, steered } = chat({ metadata: { model: "m" } });
    const page = await show(options);
    act(() => page.result.steer("now"));
    act(() => page.result.queue("later"));
    const [now, later] = page.result.pending;
    expect(now).toEqual({ id: now?.id, text: "now", mode: "steering", injected: false });
    expect(later).toEqual({ id: later?.id, text: "later", mode: "queued", injected: false });
    expect(steered).toEqual([
      { id: now?.id, text: "now", chatId: "chat", metadata: { model: "m" } },
    ]);
    expect(sent).toEqual([]);
  });

  test("what the turn has not taken in is sent as one turn when it ends", async () => {
    const { options, sent, steered } = chat();
    const page = await show(options);
    act(() => page.result.steer("taken in"));
    act(() => page.result.steer("too late"));
    act(() => page.result.queue("queued"));
    const [taken] = steered;
    if (!taken) return expect.unreachable();
    const messages = [answerWith(taken)];
    await page.render({ ...options, messages });
    expect(textsOf(page.result.pending)).toEqual(["too late", "queued"]);
    await page.render({ ...options, messages, status: "ready" });
    expect(sent).toEqual([[{ text: "too late\nqueued" }, undefined]]);
    expect(page.result.pending).toEqual([]);
    await page.render({ ...options, messages, status: "submitted" });
    await page.render({ ...options, messages, status: "streaming" });
    await page.render({ ...options, messages, status: "ready" });
    expect(sent).toHaveLength(1);
  });

  test("a queued message is promoted once, however often it is clicked", async () => {
    const { options, steered } = chat();
    const page = await show(options);
    act(() => page.result.queue("hurry"));
    const [id = ""] = page.result.pending.map(({ id }) => id);
    act(() => {
      page.result.promoteToSteering(id);
      page.result.promoteToSteering(id);
    });
    act(() => page.result.promoteToSteering(id));
    expect(steered).toMatchObject([{ id, text: "hurry" }]);
    expect(page.result.pending).toMatchObject([{ id, mode: "steering" }]);
  });

  test("after an error what waits goes on waiting", async () => {
    const { options, sent } = chat();
    const page = await show(options);
    act(() => page.result.queue("wait"));
    await page.render({ ...options, status: "error" });
    await page.render({ ...options, status: "ready" });
    expect(sent).toEqual([]);
    await page.render(options);
    await page.render({ ...options, status: "ready" });
    expect(sent).toEqual([[{ text: "wait" }, undefined]]);
  });

  test("an injection point tells which messages were taken in", async () => {
    const { result } = await show(chat().options);
    const [part] = answerWith({ id: "a", text: "A" }).parts;
    expect(result.isInjectionPoint(part)).toBe(true);
    expect(result.getInjectedMessageIds(part)).toEqual(["a"]);
    expect(result.getInjectedMessages(part)).toEqual([{ id: "a", text: "A" }]);
    for (const other of [undefined, null, "text", { type: "text", data: { messageIds: ["a"] } }]) {
      expect(result.isInjectionPoint(other)).toBe(false);
      expect(result.getInjectedMessageIds(other)).toEqual([]);
      expect(result.getInjectedMessages(other)).toEqual([]);
    }
    const damaged = { type: "data-pending-message-injected" };
    expect(result.getInjectedMessageIds(damaged)).toEqual([]);
    expect(result.getInjectedMessages({ ...damaged, data: { messages: "none" } })).toEqual([]);
  });
});

test("a message that is taken in while the turn ends is not sent again", async () => {
  const { options, sent, steered } = chat();
  const page = await renderHook(usePendingMessages, options);
  act(() => page.result.steer("just in time"));
  await page.render({
    ...options,
    status: "ready",
    messages: steered.map((one) => answerWith(one)),
  });
  expect(sent).toEqual([]);
  expect(page.result.pending).toEqual([]);
});

test("a message that is taken in leaves the list in the commit that shows where", async () => {
  const { options, steered } = chat();
  const page = await renderHook(usePendingMessages, options);
  act(() => page.result.steer("now"));
  const before = page.commits.length;
  await page.render({ ...options, messages: steered.map((one) => answerWith(one)) });
  const after = page.commits.slice(before);
  expect(after.map(({ pending }) => pending)).toEqual(after.map(() => []));
});

test("a steering message that could not be delivered waits for the next turn, and can be tried again", async () => {
  const sendPendingMessage = vi.fn(async () => false);
  const { options, sent } = chat({ transport: { sendPendingMessage } });
  const page = await renderHook(usePendingMessages, options);
  await act(async () => page.result.steer("lost?"));
  const [message] = page.result.pending;
  expect(message).toMatchObject({ text: "lost?", mode: "queued" });
  sendPendingMessage.mockResolvedValue(true);
  await act(async () => page.result.promoteToSteering(message?.id ?? ""));
  expect(sendPendingMessage).toHaveBeenCalledTimes(2);
  expect(page.result.pending).toMatchObject([{ mode: "steering" }]);
  await page.render({ ...options, status: "ready" });
  expect(sent).toEqual([[{ text: "lost?" }, undefined]]);
});

test("a message that is promoted when its turn is over is sent as a turn", async () => {
  const { options, sent, steered } = chat();
  const page = await renderHook(usePendingMessages, options);
  act(() => page.result.queue("wait"));
  await page.render({ ...options, status: "error" });
  act(() => page.result.promoteToSteering(page.result.pending[0]?.id ?? ""));
  expect(sent).toEqual([[{ text: "wait" }, undefined]]);
  expect(steered).toEqual([]);
  expect(page.result.pending).toEqual([]);
});

test("what waits in one chat is not sent to another, and is there when the user comes back", async () => {
  const { options, sent } = chat();
  const page = await renderHook(usePendingMessages, options);
  act(() => page.result.queue("for the first"));
  const other = { ...options, chatId: "other" };
  await page.render({ ...other, status: "ready" });
  expect(page.result.pending).toEqual([]);
  await page.render(other);
  await page.render({ ...other, status: "ready" });
  expect(sent).toEqual([]);
  await page.render(options);
  expect(textsOf(page.result.pending)).toEqual(["for the first"]);
  await page.render({ ...options, status: "ready" });
  expect(sent).toEqual([[{ text: "for the first" }, undefined]]);
});

test("the functions keep their identity, and follow the chat that is shown", async () => {
  const { options, sent } = chat();
  const page = await renderHook(usePendingMessages, options);
  const first = page.result;
  await page.render({ ...options, messages: [], status: "ready" });
  expect(page.result).toBe(first);
  act(() => first.steer("to the chat of now"));
  expect(sent).toHaveLength(1);
});

/** The hook in a page with an effect that runs ahead of those of the hook, as a child's effects do. */
function renderWithEffect(
  options: UsePendingMessagesOptions,
  effect: (pending: UsePendingMessagesReturn, options: UsePendingMessagesOptions) => void,
) {
  const hook = (options: UsePendingMessagesOptions) => {
    const latest = useRef<UsePendingMessagesReturn>(undefined);
    useEffect(() => {
      if (latest.current) effect(latest.current, options);
    }, [options]);
    latest.current = usePendingMessages(options);
    return latest.current;
  };
  return renderHook(hook, options, { isStrict: false });
}

test("an effect that writes when the chat changes writes to the new chat", async () => {
  const { options, steered } = chat();
  const page = await renderWithEffect(options, ({ steer }, { chatId }) => steer(`to ${chatId}`));
  await page.render({ ...options, chatId: "other" });
  expect(steered).toMatchObject([
    { chatId: "chat", text: "to chat" },
    { chatId: "other", text: "to other" },
  ]);
});

test("what is written in the very moment of the end goes with what waited, in one turn", async () => {
  const { options, sent, steered } = chat();
  const page = await renderWithEffect(options, (pending, { status }) => {
    if (status === "ready") pending.steer("last words");
  });
  act(() => page.result.queue("queued"));
  await page.render({ ...options, status: "ready" });
  expect(sent).toEqual([[{ text: "queued\nlast words" }, undefined]]);
  expect(steered).toEqual([]);
});

test("a message that was taken in stays so when the messages are replaced", async () => {
  const { options, sent, steered } = chat();
  const page = await renderHook(usePendingMessages, options);
  act(() => page.result.steer("taken in"));
  await page.render({ ...options, messages: steered.map((one) => answerWith(one)) });
  await page.render({ ...options, messages: [] });
  expect(page.result.pending).toEqual([]);
  await page.render({ ...options, status: "ready" });
  expect(sent).toEqual([]);
});

test("stored messages of an old AI SDK, which have no parts, are no obstacle", async () => {
  const messages = [{ id: "old", role: "user", content: "hello" } as unknown as UIMessage];
  const page = await renderHook(usePendingMessages, chat({ messages }).options);
  act(() => page.result.queue("later"));
  expect(textsOf(page.result.pending)).toEqual(["later"]);
});

test("pages without crypto.randomUUID, those on plain http, steer as well", async () => {
  vi.stubGlobal("crypto", {
    getRandomValues: crypto.getRandomValues.bind(crypto),
  });
  try {
    const { options, steered } = chat();
    const page = await renderHook(usePendingMessages, options);
    act(() => page.result.steer("one"));
    act(() => page.result.steer("two"));
    expect(new Set(steered.map(({ id }) => id)).size).toBe(2);
  } finally {
    vi.unstubAllGlobals();
  }
});

test("with the real useChat a turn is steered, and its rest becomes the next turn", async () => {
  const streams: ReadableStreamDefaultController<UIMessageChunk>[] = [];
  const asked: UIMessage[][] = [];
  const steered: UIMessage[] = [];
  const transport: ChatTransport<UIMessage> & UsePendingMessagesOptions["transport"] = {
    sendMessages: async ({ messages }) => {
      asked.push(messages);
      return new ReadableStream({ start: (controller) => void streams.push(controller) });
    },
    reconnectToStream: async () => null,
    sendPendingMessage: async (_, message) => {
      steered.push(message);
      return true;
    },
  };
  const page = await renderHook(() => {
    const chat = useChat({ id: "chat", transport });
    return { chat, pending: usePendingMessages({ ...chat, transport, chatId: "chat" }) };
  }, undefined);
  const write = (turn: number, ...chunks: UIMessageChunk[]) =>
    act(async () => {
      for (const chunk of chunks) streams[turn]?.enqueue(chunk);
    });

  await act(async () => page.result.pending.steer("a turn"));
  await vi.waitFor(() => expect(streams).toHaveLength(1));
  await write(0, { type: "start", messageId: "answer" }, { type: "text-start", id: "t" });
  await vi.waitFor(() => expect(page.result.chat.status).toBe("streaming"));
  await act(async () => page.result.pending.steer("more of it"));
  await act(async () => page.result.pending.queue("then this"));
  await act(async () => page.result.pending.queue("and that"));
  const messageIds = steered.map(({ id }) => id);
  await write(0, {
    type: "data-pending-message-injected",
    data: { messageIds, messages: [{ id: messageIds[0], text: "more of it" }] },
  });
  await vi.waitFor(() =>
    expect(textsOf(page.result.pending.pending)).toEqual(["then this", "and that"]),
  );
  await act(async () => streams[0]?.close());
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  expect(asked[1]?.at(-1)).toMatchObject({
    role: "user",
    parts: [{ type: "text", text: "then this\nand that" }],
  });
  expect(page.result.pending.pending).toEqual([]);
  await act(async () => streams[1]?.close());
  await vi.waitFor(() => expect(page.result.chat.status).toBe("ready"));
  expect(asked).toHaveLength(2);
  await page.unmount();
});
