// What an app around the transport does, and what a test needs to look at.

/** The options of a transport whose app has the server's `/app` routes. */
export function appOptions(server, task) {
  const post = (path, body) =>
    fetch(`${server}/app/chats/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  return {
    task,
    baseURL: server,
    clientData: { paceMs: 10 },
    accessToken: async ({ chatId }) => (await post(`${chatId}/token`)).text(),
    startSession: async ({ chatId, taskId, clientData }) =>
      (await post(`${chatId}/start`, { taskId, clientData })).json(),
  };
}

/** A message, as `js/src/calls.ts` makes it. */
export function userMessage(chatId, text, abortSignal) {
  const message = { id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text }] };
  const source = "submit-message";
  const payload = { message, chatId, trigger: source, metadata: { paceMs: 10 } };
  const body = JSON.stringify({ kind: "message", payload });
  return { chatId, abortSignal, stopOnAbort: true, source, messageId: message.id, body };
}

/** Reads up to `count` chunks, or to the end. */
export async function readChunks(stream, count = Number.POSITIVE_INFINITY) {
  const reader = stream.getReader();
  const chunks = [];
  while (chunks.length < count) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
  }
  reader.releaseLock();
  return chunks;
}

export function textOf(chunks) {
  return chunks.map((chunk) => (chunk.type === "text-delta" ? chunk.delta : "")).join("");
}

export function countOf(chunks, type) {
  return chunks.filter((chunk) => chunk.type === type).length;
}

/** The kinds of the records in the session's input, once there are `count` of them. */
export async function inputKinds(server, chatId, token, count) {
  for (;;) {
    const response = await fetch(`${server}/realtime/v1/sessions/${chatId}/in/records`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    const { records } = await response.json();
    if (records.length >= count) return records.map(({ data }) => data.kind).join(" ");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
