// The three that are measured, behind one interface. Runs in the page.
import { TriggerChatTransport as PublishedTransport } from "@trigger.dev/sdk/chat";
import type { UIMessageChunk } from "ai";
import { TriggerChatTransport as OurTransport } from "trigger-chat-transport";
import { readByFloor } from "./floor";
import { send, type TransportClass } from "./send";

/** How a chat is read. */
export interface ReadOptions {
  /** Ours: whether adjacent deltas may become one while many chunks wait. The others never do it. */
  coalesce?: false;
}

/** Sends a message to a chat below this URL, and hands on its answer, to the end. */
export type Client = (
  baseURL: string,
  onChunk: (chunk: UIMessageChunk) => void,
  options?: ReadOptions,
) => Promise<void>;

function through(Transport: TransportClass): Client {
  // Named, for a profile to show.
  const readByTransport: Client = async (baseURL, onChunk, options) => {
    const { transport, stream } = send(Transport, baseURL, options);
    const reader = (await stream).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      onChunk(value);
    }
    transport.dispose();
  };
  return readByTransport;
}

export const clients = {
  floor: readByFloor as Client,
  ours: through(OurTransport),
  published: through(PublishedTransport),
};

export type ClientName = keyof typeof clients;

export const clientNames: readonly ClientName[] = ["floor", "ours", "published"];
