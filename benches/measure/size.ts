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
  const beside = async (atFirst: boolean) => ({
    ours: await bundled(`${useChat}${hooks.ours}`, { external: react, atFirst }),
    published: await bundled(`${useChat}${hooks.published}`, { external: react, atFirst }),
  });
  const together = {
    "added beside useChat": await beside(false),
    "added beside useChat, loaded at first": await beside(true),
  };
  for (const [name, compressed] of Object.entries(compressions)) {
    const kB = (bytes: Uint8Array) => compressed(bytes) / 1000;
    const ours = kB(alone.ours);
    rows.push({
      what: `bundle, ${name}`,
      unit: "kB",
      values: { ours, published: kB(alone.published) },
    });
    for (const [what, { ours, published }] of Object.entries(together)) {
      const added = (page: Uint8Array) => kB(page) - kB(chat);
      rows.push({
        what: `${what}, ${name}`,
        unit: "kB",
        values: { ours: added(ours), published: added(published) },
      });
    }
  }
  return rows;
}
