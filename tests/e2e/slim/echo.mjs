// One turn of the agent `echo`, in a page or in Node, once the WebAssembly is there.
import { TriggerChatTransport } from "trigger-chat-transport/slim";

/** Says a text in a new chat, and gives the answer. */
export async function echo(server, text) {
  const chatId = crypto.randomUUID();
  const post = (what, body = {}) =>
    fetch(`${server}/app/chats/${chatId}/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const transport = new TriggerChatTransport({
    task: "echo",
    baseURL: server,
    accessToken: async () => (await post("token")).text(),
    startSession: async (session) => (await post("start", session)).json(),
  });
  const stream = await transport.sendMessages({
    trigger: "submit-message",
    chatId,
    messageId: undefined,
    messages: [{ id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text }] }],
    abortSignal: undefined,
  });
  let answer = "";
  for await (const chunk of stream) {
    if (chunk.type === "text-delta") answer += chunk.delta;
  }
  return answer;
}
