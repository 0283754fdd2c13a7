// @vitest-environment happy-dom
import { useChat } from "@ai-sdk/react";
import { useChatActions as publishedHook } from "@trigger.dev/sdk/chat/react";
import type { UIMessage } from "ai";
import { act } from "react";
import { describe, expect, test, vi } from "vitest";
import { useChatActions } from "../react.js";
import { renderHook } from "./rendering.js";

type SendMessage = Parameters<typeof useChatActions>[0]["sendMessage"];

describe.each([
  { who: "here", hook: useChatActions },
  { who: "published", hook: publishedHook },
])("$who", ({ hook }) => {
  const show = (sendMessage: SendMessage) =>
    renderHook((sendMessage: SendMessage) => hook({ sendMessage }), sendMessage);

  test("an action is sent without a message, in the body", async () => {
    const sendMessage = vi.fn<SendMessage>(async () => {});
    const page = await show(sendMessage);
    await page.result.sendAction({ type: "undo" });
    expect(sendMessage.mock.calls).toEqual([[undefined, { body: { action: { type: "undo" } } }]]);
  });

  test("the function stays the same, and sends by the sendMessage of now", async () => {
    const first = vi.fn<SendMessage>();
    const second = vi.fn<SendMessage>();
    const page = await show(first);
    const { sendAction } = page.result;
    await page.render(second);
    expect(page.result.sendAction).toBe(sendAction);
    await sendAction("undo");
    expect(first).not.toHaveBeenCalled();
    expect(second).toHaveBeenCalledOnce();
  });

  test("an action is done when useChat is done with it, and fails as it fails", async () => {
    let finish = () => {};
    const sendMessage = vi.fn<SendMessage>(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    const page = await show(sendMessage);
    let isDone = false;
    const sent = page.result.sendAction("slow").then(() => {
      isDone = true;
    });
    await act(async () => {});
    expect(isDone).toBe(false);
    finish();
    await sent;
    sendMessage.mockRejectedValue(new Error("refused"));
    await expect(page.result.sendAction("bad")).rejects.toThrow("refused");
  });

  test("what an action answers streams into the messages of the real useChat", async () => {
    const bodies: unknown[] = [];
    const page = await renderHook(() => {
      const chat = useChat({
        id: "chat",
        transport: {
          sendMessages: async ({ body, messages }) => {
            bodies.push({ body, messages });
            return new ReadableStream({
              start(controller) {
                controller.enqueue({ type: "start", messageId: "answer" });
                controller.enqueue({ type: "text-start", id: "t" });
                controller.enqueue({ type: "text-delta", id: "t", delta: "undone" });
                controller.enqueue({ type: "text-end", id: "t" });
                controller.close();
              },
            });
          },
          reconnectToStream: async () => null,
        },
      });
      return { chat, actions: hook(chat) };
    }, undefined);
    await act(() => page.result.actions.sendAction("undo"));
    expect(bodies).toEqual([{ body: { action: "undo" }, messages: [] }]);
    const shown: UIMessage[] = page.result.chat.messages;
    expect(shown).toMatchObject([
      { role: "assistant", parts: [{ type: "text", text: "undone", state: "done" }] },
    ]);
    await page.unmount();
  });
});
