// The package where there is no window: a web worker of a plain page, without a bundler.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { launchBrowser } from "./support/browser";
import { BUILD_TIMEOUT_MS, startServer } from "./support/server";

const packageFolder = fileURLToPath(new URL("../../pkg", import.meta.url));
const TEXT = "from a worker, 世界 🎈";

/** Runs in the worker: one turn, whose text is posted back. */
const inWorker = `
  const { ChatTransport } = await import(self.name + "/index.js");
  const post = (path, body) =>
    fetch(self.name + "/app/chats/worker/" + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const transport = new ChatTransport({
    task: "echo",
    baseURL: self.name,
    accessToken: async () => (await post("token")).text(),
    startSession: async ({ taskId, clientData }) =>
      (await post("start", { taskId, clientData })).json(),
  });
  const messages = [{ id: "m", role: "user", parts: [{ type: "text", text: ${JSON.stringify(TEXT)} }] }];
  const stream = await transport.sendMessages({
    trigger: "submit-message",
    chatId: "worker",
    messages,
  });
  let text = "";
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (value.type === "text-delta") text += value.delta;
  }
  self.postMessage(text);
`;

test(
  "a worker has a conversation as a page has",
  async () => {
    const site = mkdtempSync(join(tmpdir(), "worker-"));
    onTestFinished(() => rmSync(site, { recursive: true }));
    cpSync(packageFolder, site, { recursive: true });
    writeFileSync(join(site, "index.html"), "<!doctype html><title>A worker's page</title>");
    const server = await startServer({ page: site });
    onTestFinished(() => server.stop());
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(server.url);
    const answer = await page.evaluate(
      ([code = "", origin = ""]) =>
        new Promise((resolve, reject) => {
          const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
          const worker = new Worker(url, { type: "module", name: origin });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
        }),
      [inWorker, server.url],
    );
    expect(answer).toBe(TEXT);
  },
  BUILD_TIMEOUT_MS,
);
