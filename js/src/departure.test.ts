// What is seen of it in a browser, with `useChat` in two Reacts: tests/e2e/unmount.
import type { UIMessage } from "ai";
import { expect, test, vi } from "vitest";
import { settle } from "./departure.js";
import type { TriggerChatTransport } from "./transport.js";
import type { TriggerChatTransportOptions } from "./types.js";

const encoder = new TextEncoder();
const turnComplete = { seq_num: 1, timestamp: 1, headers: [["trigger-control", "turn-complete"]] };
const lastBatch = `event: batch\ndata: ${JSON.stringify({ records: [turnComplete] })}\n\n`;

/**
 * A component with a transport whose turn runs, the kinds of the records that it has sent, and the
 * streams that it has let go of.
 */
function component(more: Partial<TriggerChatTransportOptions> = {}) {
  const sent: string[] = [];
  const left: string[] = [];
  let out: ReadableStreamDefaultController<Uint8Array> | undefined;
  const fetch: TriggerChatTransportOptions["fetch"] = async (_url, init, { endpoint, chatId }) => {
    if (endpoint === "in") {
      sent.push(JSON.parse(String(init.body)).kind);
      return Response.json({ ok: true, seq: sent.length });
    }
    init.signal?.addEventListener("abort", () => left.push(chatId));
    const answer = new ReadableStream<Uint8Array>({
      start: (controller) => {
        out = controller;
      },
    });
    return new Response(answer, { headers: { "X-Stream-Version": "v2" } });
  };
  const resident = settle({
    task: "agent",
    accessToken: () => "token",
    baseURL: "http://sessions.test",
    sessions: { chat: { publicAccessToken: "token", isStreaming: true } },
    fetch,
    ...more,
  });
  return { ...resident, sent, left, complete: () => out?.enqueue(encoder.encode(lastBatch)) };
}

/** Lets everything come about that needs no timer. */
const quiet = () => new Promise((resolve) => setTimeout(resolve));

/** Sends a message, or resumes the turn, and aborts when told. */
async function underWay(transport: TriggerChatTransport, call: "send" | "resume", more = {}) {
  const abort = new AbortController();
  const common = { chatId: "chat", abortSignal: abort.signal, ...more };
  const messages: UIMessage[] = [{ id: "m", role: "user", parts: [] }];
  const sent = { trigger: "submit-message", messageId: undefined, messages, ...common } as const;
  if (call === "send") await transport.sendMessages(sent);
  else await transport.reconnectToStream(common);
  return abort;
}

test.each(["send", "resume"] as const)(
  "an abort stops the turn, but not while the component leaves: %s",
  async (call) => {
    const { transport, leave, stay, sent } = component();
    const left = await underWay(transport, call);
    leave();
    left.abort();
    stay();
    await quiet();
    expect(sent).not.toContain("stop");
    expect(transport.getSession("chat")?.isStreaming).toBe(true);

    const stopped = await underWay(transport, "resume");
    stopped.abort();
    await quiet();
    expect(sent.filter((kind) => kind === "stop")).toHaveLength(1);
    expect(transport.getSession("chat")?.isStreaming).toBe(false);
  },
);

test.each(["send", "resume"] as const)(
  "a transport that outlives its component stops turns as any other: %s",
  async (call) => {
    const { transport, leave, sent } = component();
    leave();
    await quiet();
    const abort = await underWay(transport, call);
    abort.abort();
    await quiet();
    expect(sent.at(-1)).toBe("stop");
  },
);

test.each([
  { name: "a component that comes back at once keeps its streams", isBack: true, left: [] },
  { name: "a component that is gone lets go of its streams", isBack: false, left: ["chat"] },
])("$name", async ({ isBack, left }) => {
  const resident = component();
  await underWay(resident.transport, "resume");
  await quiet();
  resident.leave();
  if (isBack) resident.stay();
  await quiet();
  expect(resident.left).toEqual(left);
});

test("a turn that is over is not stopped, though its end was not read yet", async () => {
  const { transport, complete, sent } = component();
  const abort = await underWay(transport, "resume");
  await quiet();
  complete();
  await vi.waitFor(() => expect(transport.getSession("chat")?.isStreaming).toBe(false));
  abort.abort();
  await quiet();
  expect(sent).toEqual([]);
});

test.each([
  ["the transport's option", { stopOnAbort: false }, {}],
  ["the call's", {}, { stopOnAbort: false }],
])("a resumed turn goes on after an abort where %s says so", async (_, options, call) => {
  const { transport, sent } = component(options);
  const abort = await underWay(transport, "resume", call);
  abort.abort();
  await quiet();
  expect(sent).toEqual([]);
  expect(transport.getSession("chat")?.isStreaming).toBe(true);
});
