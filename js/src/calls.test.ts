import { describe, expect, test } from "vitest";
import { ChatTransport } from "./index.js";
import type { SendMessagesOptions } from "./transport.js";

/** What goes into `.in` for a call, as text. */
async function sent(call: Partial<Record<keyof SendMessagesOptions, unknown>>) {
  let body: unknown;
  const transport = new ChatTransport({
    task: "agent",
    accessToken: () => "secret",
    baseURL: "http://sessions.test",
    sessions: { chat: { publicAccessToken: "secret", isStreaming: false } },
    fetch: async (_url, init, { endpoint }) => {
      if (endpoint === "out") return new Response(new ReadableStream());
      body = init.body;
      return Response.json({ ok: true, seq: 0 });
    },
  });
  const abortSignal = undefined;
  const options = { trigger: "submit-message", chatId: "chat", abortSignal, ...call };
  await transport.sendMessages(options as SendMessagesOptions);
  transport.dispose();
  return String(body);
}

const payload = async (call: Parameters<typeof sent>[0]) => JSON.parse(await sent(call)).payload;

const user = { id: "u", role: "user", parts: [{ type: "text", text: "Hé" }] };
const approval = { id: "ap", approved: true };
const call = { toolCallId: "c", input: { big: 1 } };
const output = { ...call, type: "tool-a", state: "output-available", output: [1.5], approval };

test("a message rides whole, as JSON has it", async () => {
  expect(await sent({ messages: [user] })).toBe(
    '{"kind":"message","payload":{"message":{"id":"u","role":"user","parts":[{"type":"text","text":"Hé"}]},"chatId":"chat","trigger":"submit-message"}}',
  );
});

test("an answer to a tool ships the resolution alone", async () => {
  const parts = [
    { type: "text", text: "Let me see" },
    output,
    { ...call, type: "dynamic-tool", toolName: "b", state: "output-error", errorText: "no" },
    { ...call, type: "tool-c", state: "approval-responded", approval, output: "stale" },
    { ...call, type: "tool-d", state: "output-denied", approval },
    { ...call, type: "tool-e", state: "input-available" },
    { ...call, type: "tool", state: "output-available" },
  ];
  const { message } = await payload({ messages: [{ id: "a", role: "assistant", parts, more: 1 }] });
  expect(message).toEqual({
    id: "a",
    role: "assistant",
    parts: [
      { type: "tool-a", toolCallId: "c", state: "output-available", output: [1.5], approval },
      {
        ...{ type: "dynamic-tool", toolCallId: "c", state: "output-error" },
        ...{ toolName: "b", errorText: "no" },
      },
      { type: "tool-c", toolCallId: "c", state: "approval-responded", approval },
      { type: "tool-d", toolCallId: "c", state: "output-denied", approval },
    ],
  });
});

test.each([
  ["of the person's", { ...user, parts: [output] }],
  ["without a resolved part", { id: "a", role: "assistant", parts: [{ ...output, state: "" }] }],
  ["without parts", { id: "a", role: "assistant" }],
  ["whose parts are none", { id: "a", role: "assistant", parts: "output-available" }],
  ["with a part that is none", { id: "a", role: "assistant", parts: [null, "tool-a", 1, {}] }],
  [
    "with the state of another word's",
    { id: "a", role: "assistant", parts: [{ type: "tool-a", state: "constructor" }] },
  ],
])("a message %s rides whole", async (_, message) => {
  expect((await payload({ messages: [message] })).message).toEqual(message);
});

test.each([
  ["a text", "abc"],
  ["a number", 7],
  ["null", null],
])("a body that is %s adds nothing", async (_, body) => {
  const plain = await sent({ messages: [user] });
  expect(await sent({ messages: [user], body })).toBe(plain);
});

test("names and values of the app's may be anything that JSON holds", async () => {
  const body = JSON.parse('{"__proto__":{"a":1},"é\\n":null,"\\ud800":"\\udfff"}');
  const extra = await payload({ messages: [user], body });
  expect(Object.keys(extra)).toEqual(expect.arrayContaining(["__proto__", "é\n", "\ud800"]));
  expect(extra["\ud800"]).toBe("\udfff");
});

test("an action may be anything that JSON holds, and nothing else", async () => {
  for (const action of [null, false, 0, "", { type: "undo" }]) {
    expect(await payload({ body: { action } })).toEqual({
      ...{ chatId: "chat", trigger: "action", action },
    });
  }
  for (const action of [() => 1, Symbol("undo")]) {
    await expect(sent({ body: { action } })).rejects.toThrow("`action` is required");
  }
});

describe("a call is refused in words", () => {
  const transport = new ChatTransport({ task: "agent", accessToken: () => "secret" });
  const messages = [user];
  test.each([
    ["without a chat", { messages, chatId: "" }, "`chatId` is required"],
    ["without a message", { messages: [] }, "needs at least one message"],
    ["with a trigger of no kind", { messages, trigger: "edit" }, "`trigger` has to be"],
    ["with a wrong `onSettled`", { messages, onSettled: 1 }, "`onSettled` has to be a function."],
  ])("%s", async (_, call, words) => {
    const refused = sent(call);
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow(words);
  });

  test("without anything", async () => {
    const nothing = undefined as never;
    await expect(transport.sendMessages(nothing)).rejects.toThrow("`chatId` is required");
    await expect(transport.reconnectToStream(nothing)).rejects.toThrow("`chatId` is required");
  });

  test("when its signal is aborted already", async () => {
    const aborted = { chatId: "chat", abortSignal: AbortSignal.abort() };
    const error = { name: "AbortError" };
    await expect(sent({ messages, ...aborted })).rejects.toMatchObject(error);
    await expect(transport.reconnectToStream(aborted)).rejects.toMatchObject(error);
  });
});
