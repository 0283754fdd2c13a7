// @vitest-environment happy-dom
import { act, useState } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, describe, expect, test, vi } from "vitest";
import { TriggerChatTransport } from "../index.js";
import { useMultiTabChat, useTriggerChatTransport } from "../react.js";
import { serviceStandIn, tabsStandIn } from "../tabs/page-stand-in.js";
import type { TriggerChatTransportOptions } from "../types.js";
import { renderHook } from "./rendering.js";

type Message = { id: string; text: string };

const unmounts: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const unmount of unmounts.splice(0)) await unmount();
  vi.unstubAllGlobals();
});

/** An app in many tabs. */
function app() {
  const service = serviceStandIn();
  const page = tabsStandIn();
  const options: TriggerChatTransportOptions = {
    ...{ task: "agent", accessToken: () => "t", baseURL: "http://s.test", multiTab: true },
    ...{ fetch: service.fetch, sessions: { chat: { publicAccessToken: "t", isStreaming: false } } },
  };

  /** A chat as `useChat` has it: messages, and a way to set them. */
  function useShown({ chatId = "chat" }: { chatId?: string }) {
    const transport = useTriggerChatTransport(options);
    const [messages, setMessages] = useState<Message[]>([]);
    const { isReadOnly } = useMultiTabChat(transport, chatId, messages, setMessages);
    return { transport, messages, setMessages, isReadOnly };
  }
  const open = async (tab: string, isStrict = true) => {
    const shown = await page.inTab(tab, () => renderHook(useShown, {}, { isStrict }));
    unmounts.push(shown.unmount);
    return shown;
  };
  return { service, open, options, useShown };
}

const send = (transport: TriggerChatTransport) =>
  transport.sendMessages({
    ...{ trigger: "submit-message", chatId: "chat", messageId: undefined, abortSignal: undefined },
    messages: [{ id: "m", role: "user", parts: [] }],
  });

/** Waits for what other tabs bring about, which nothing here acts out. */
async function until(check: () => void) {
  const environment = globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean };
  environment.IS_REACT_ACT_ENVIRONMENT = false;
  await vi.waitFor(check);
  environment.IS_REACT_ACT_ENVIRONMENT = true;
}

describe.each([true, false])(
  "a chat in the components of many tabs, in StrictMode: %s",
  (isStrict) => {
    test("is read-only where another tab sends, and shows its messages live", async () => {
      const { open, service } = app();
      const owner = await open("a", isStrict);
      const other = await open("b", isStrict);
      const stream = await send(owner.result.transport);
      await until(() => expect(other.result.isReadOnly).toBe(true));
      await act(async () => owner.result.setMessages([{ id: "1", text: "Be" }]));
      await until(() => expect(other.result.messages).toEqual([{ id: "1", text: "Be" }]));
      service.complete();
      await act(async () => {
        for await (const _ of stream);
      });
      await act(async () => owner.result.setMessages([{ id: "1", text: "Because" }]));
      await until(() => expect(other.result.isReadOnly).toBe(false));
      expect(other.result.messages).toEqual([{ id: "1", text: "Because" }]);
      expect(owner.commits.map(({ isReadOnly }) => isReadOnly)).not.toContain(true);
      await owner.unmount();
      await other.unmount();
    });

    test("is read-only from its first render after it was opened in the middle of a turn", async () => {
      const { open } = app();
      const owner = await open("a", isStrict);
      await send(owner.result.transport);
      const late = await open("b", isStrict);
      await until(() => expect(late.result.isReadOnly).toBe(true));
      await owner.unmount();
      await until(() => expect(late.result.isReadOnly).toBe(false));
    });

    test("is another one's when the component is given another chat", async () => {
      const { open } = app();
      const owner = await open("a", isStrict);
      const other = await open("b", isStrict);
      await send(owner.result.transport);
      await until(() => expect(other.result.isReadOnly).toBe(true));
      await other.render({ chatId: "another" });
      expect(other.result.isReadOnly).toBe(false);
      await other.render({ chatId: "chat" });
      expect(other.result.isReadOnly).toBe(true);
      await owner.unmount();
      await other.unmount();
    });
  },
);

test("a chat that is rendered on a server is nobody's, and nothing is opened for it", () => {
  const { useShown } = app();
  const opened = vi.fn();
  vi.stubGlobal("BroadcastChannel", opened);
  const Probe = () => <p>{String(useShown({}).isReadOnly)}</p>;
  expect(renderToString(<Probe />)).toBe("<p>false</p>");
  expect(opened).not.toHaveBeenCalled();
});

test("a transport of nobody's component may be shared", async () => {
  const { options } = app();
  const transport = new TriggerChatTransport(options);
  const shown = await renderHook(
    () => useMultiTabChat<Message>(transport, "chat", [], () => {}),
    {},
  );
  await shown.unmount();
  await send(transport);
  expect(transport.hasClaim("chat")).toBe(true);
  transport.dispose();
});
