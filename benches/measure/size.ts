// What a page downloads: each client by itself, and what it adds to a page that has `useChat`.
import { brotlied, gzipped } from "../../scripts/compressed.mjs";
import { bundled } from "../bundle";
import type { Row } from "./row";

const hooks = {
  ours: 'export { useTriggerChatTransport } from "trigger-chat-transport/react";',
  published: 'export { useTriggerChatTransport } from "@trigger.dev/sdk/chat/react";',
};
const useChat = 'export { useChat } from "@ai-sdk/react";';

const react = ["react", "react/*", "react-dom"];
const peers = [...react, "ai", "@ai-sdk/*"];

const compressions = { gzip: gzipped, brotli: brotlied };

export async function sizes(): Promise<Row[]> {
  const rows: Row[] = [];
  const alone = {
    ours: await bundled(hooks.ours, { external: peers }),
    published: await bundled(hooks.published, { external: peers }),
  };
  const chat = await bundled(useChat, { external: react });
  const together = {
    ours: await bundled(`${useChat}${hooks.ours}`, { external: react }),
    published: await bundled(`${useChat}${hooks.published}`, { external: react }),
  };
  for (const [name, compressed] of Object.entries(compressions)) {
    const kB = (bytes: Uint8Array) => compressed(bytes) / 1000;
    const ours = kB(alone.ours);
    rows.push({
      what: `bundle, ${name}`,
      unit: "kB",
      values: { ours, published: kB(alone.published) },
    });
    rows.push({
      what: `added beside useChat, ${name}`,
      unit: "kB",
      values: {
        ours: kB(together.ours) - kB(chat),
        published: kB(together.published) - kB(chat),
      },
    });
  }
  return rows;
}
