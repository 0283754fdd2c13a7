// The three that are measured, behind one interface. Runs in the page.
import { TriggerChatTransport as PublishedTransport } from "@trigger.dev/sdk/chat";
import type { UIMessageChunk } from "ai";
import { TriggerChatTransport as OurTransport } from "trigger-chat-transport";

/** What was read, so that nobody is fast by leaving something out. */
export interface Tally {
  /** Characters of all deltas: ours may hand several on as one. */
  characters: number;
  /** Chunks that are no deltas. */
  others: number;
  /** When the first chunk was there, in milliseconds since the call. */
  firstAfterMs: number;
}

/** Sends a message to a chat below this URL, and reads its answer to the end. */
export type Client = (baseURL: string) => Promise<Tally>;

function tally(): { of(chunk: UIMessageChunk): void; result: Tally } {
  const started = performance.now();
  const result: Tally = { characters: 0, others: 0, firstAfterMs: 0 };
  return {
    result,
    of(chunk) {
      result.firstAfterMs ||= performance.now() - started;
      if ("delta" in chunk) result.characters += (chunk.delta as string).length;
      else result.others++;
    },
  };
}

/** The least that anybody has to do: no retry, no cursor, no stream for an app to read. */
const floor: Client = async (baseURL) => {
  const read = tally();
  const session = `${baseURL}/realtime/v1/sessions/chat`;
  const append = fetch(`${session}/in/append`, { method: "POST", body: "{}" });
  const { body } = await fetch(`${session}/out`, { headers: { Accept: "text/event-stream" } });
  await append;
  const reader = (body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return read.result;
    text += decoder.decode(value, { stream: true });
    let start = 0;
    for (;;) {
      const end = text.indexOf("\n\n", start);
      if (end < 0) break;
      const batch = JSON.parse(text.slice(text.indexOf("data: ", start) + 6, end));
      for (const { body } of batch.records) if (body) read.of(JSON.parse(body).data);
      start = end + 2;
    }
    text = text.slice(start);
  }
};

function transport(Transport: typeof PublishedTransport | typeof OurTransport): Client {
  return async (baseURL) => {
    const client = new Transport({
      task: "bench",
      baseURL,
      accessToken: () => "token",
      sessions: { chat: { publicAccessToken: "token", isStreaming: false } },
    });
    const read = tally();
    const stream = await client.sendMessages({
      trigger: "submit-message",
      chatId: "chat",
      messageId: undefined,
      messages: [{ id: "message", role: "user", parts: [{ type: "text", text: "Hello" }] }],
      abortSignal: undefined,
    });
    const reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      read.of(value);
    }
    client.dispose();
    return read.result;
  };
}

export const clients = {
  floor,
  ours: transport(OurTransport),
  published: transport(PublishedTransport),
};

export type ClientName = keyof typeof clients;

export const clientNames: readonly ClientName[] = ["floor", "ours", "published"];
