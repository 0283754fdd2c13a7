// What the agent wrote, read past the page and past the transport.
import type { UIMessageChunk } from "ai";
import { createParser } from "eventsource-parser";
import type { SessionServer } from "../support/server";

interface OutRecord {
  headers?: [string, string][];
  body?: string;
}

/**
 * The chunks of the chat's last turn as JSON, each once; none while a turn runs, or where there never
 * was one.
 */
export async function lastTurn(
  server: SessionServer,
  chatId: string,
): Promise<string[] | undefined> {
  const body = await server.settledOutput(chatId);
  return body === undefined ? undefined : turnsOf(body).at(-1)?.chunks;
}

/** What an agent wrote in a turn. */
export interface Turn {
  /** As JSON, each once. */
  chunks: string[];
  /** The number of the last input record that it has taken in. */
  lastInput: number;
}

/** The turns in the body of a settled `.out`. */
export function turnsOf(body: string): Turn[] {
  const turns: Turn[] = [];
  let chunks = new Map<string, string>();
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event !== "batch") return;
      for (const { headers, body } of JSON.parse(data).records as OutRecord[]) {
        const [name, value] = headers?.[0] ?? [];
        if (name === "trigger-control" && value === "turn-complete") {
          const lastInput = Number(new Map(headers).get("session-in-event-id") ?? -1);
          turns.push({ chunks: [...chunks.values()], lastInput });
          chunks = new Map();
        } else if (name === undefined && body) {
          const record: { id: string; data: UIMessageChunk } = JSON.parse(body);
          // A writer that writes again what it had written does so under the same id.
          if (!chunks.has(record.id)) chunks.set(record.id, JSON.stringify(record.data));
        }
      }
    },
  });
  parser.feed(body);
  return turns;
}

/** A part of a message, as far as it is compared. */
export interface Part {
  type: string;
  text: string;
}

/** The message that these chunks make. */
export function messageOf(chunks: string[]): { id: string | undefined; parts: Part[] } {
  let id: string | undefined;
  const parts: Part[] = [];
  const open = new Map<string, Part>();
  const begin = (type: string): Part => {
    const part = { type, text: "" };
    parts.push(part);
    return part;
  };
  for (const chunk of chunks.map((text) => JSON.parse(text) as UIMessageChunk)) {
    switch (chunk.type) {
      case "start":
        id = chunk.messageId;
        break;
      case "start-step":
        begin("step-start");
        break;
      case "text-start":
        open.set(chunk.id, begin("text"));
        break;
      case "reasoning-start":
        open.set(chunk.id, begin("reasoning"));
        break;
      case "text-delta":
      case "reasoning-delta": {
        const part = open.get(chunk.id);
        if (part) part.text += chunk.delta;
        break;
      }
    }
  }
  return { id, parts };
}
