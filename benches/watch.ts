// Watches a chat of somebody else's, turn by turn. Runs in the page.
import { TriggerChatTransport as PublishedTransport } from "@trigger.dev/sdk/chat";
import { TriggerChatTransport as OurTransport } from "trigger-chat-transport";
import { type TransportClass, transportTo } from "./send";
import { type Reading, Tally } from "./tally";

const transports: Record<WatcherName, TransportClass> = {
  ours: OurTransport,
  published: PublishedTransport,
};

/** The clients that can watch. */
export type WatcherName = "ours" | "published";

/** Reads the next turn to its end, and keeps nothing of it. */
export type ReadTurn = () => Promise<Reading>;

/** Begins to watch the chat below this URL. */
export async function watch(name: WatcherName, baseURL: string): Promise<ReadTurn> {
  const transport = transportTo(transports[name], baseURL, { watch: true });
  const stream = await transport.reconnectToStream({ chatId: "chat" });
  if (!stream) throw new Error("There is nothing to watch.");
  const reader = stream.getReader();
  return async () => {
    const tally = new Tally();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error("The stream has ended in a turn.");
      tally.add(value);
      if (value.type === "finish") return tally.reading;
    }
  };
}
