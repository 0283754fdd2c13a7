// What a browser's bundle has of `AgentChat`: nothing, unless the app imports it.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Texts that stand in each part of it. */
const TRACES = ["TRIGGER_SECRET_KEY", "api/v1/sessions", "tool-output-available", "handover-skip"];

/** What a bundler makes of an app's line. */
async function bundled(line: string, minify: boolean): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: line, resolveDir: here },
    bundle: true,
    minify,
    format: "esm",
    external: ["react", "ai"],
    write: false,
    // The package is a link here, so that esbuild tells of it what it keeps to itself otherwise.
    logLevel: "error",
  });
  return outputFiles[0]?.text ?? "";
}

const tracesIn = (code: string) => TRACES.filter((trace) => code.includes(trace));

test.each([true, false])(
  "a page that does not import it has nothing of it (minified: %s)",
  async (minify) => {
    const pages = [
      'export { createChatTransport } from "trigger-chat-transport";',
      'import { TriggerChatTransport as T } from "trigger-chat-transport"; new T({});',
      'export { createSubAgentMessages } from "trigger-chat-transport";',
      'export * from "trigger-chat-transport/react";',
      'import "trigger-chat-transport";',
    ];
    for (const page of pages) expect(tracesIn(await bundled(page, minify)), page).toEqual([]);
  },
);

test("whoever imports it has all of it, by either entry", async () => {
  const servers = [
    'export { AgentChat } from "trigger-chat-transport";',
    'export { AgentChat } from "trigger-chat-transport/server";',
  ];
  for (const server of servers) expect(tracesIn(await bundled(server, true))).toEqual(TRACES);
});
