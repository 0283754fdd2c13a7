// The least that anybody has to do: a bare `fetch`, one `TextDecoder`, a `JSON.parse` of each batch and
// of each body. No retry, no cursor, no stream for an app to read.
import type { UIMessageChunk } from "ai";

/** Sends a message and asks for its answer, both at once, and hands on each chunk of the answer. */
export async function readByFloor(
  baseURL: string,
  onChunk: (chunk: UIMessageChunk) => void,
): Promise<void> {
  const session = `${baseURL}/realtime/v1/sessions/chat`;
  const append = fetch(`${session}/in/append`, { method: "POST", body: "{}" });
  const { body } = await fetch(`${session}/out`, { headers: { Accept: "text/event-stream" } });
  await append;
  if (body) await readEvents(body, onChunk);
}

/** Reads an event stream of batches to its end. */
export async function readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onChunk: (chunk: UIMessageChunk) => void,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    let start = 0;
    for (;;) {
      const end = text.indexOf("\n\n", start);
      if (end < 0) break;
      const batch = JSON.parse(text.slice(text.indexOf("data: ", start) + 6, end));
      for (const { body } of batch.records) if (body) onChunk(JSON.parse(body).data);
      start = end + 2;
    }
    text = text.slice(start);
  }
}
