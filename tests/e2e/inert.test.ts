// What the mere import of the package does in a browser: nothing.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { launchBrowser } from "./support/browser";
import { BUILD_TIMEOUT_MS, type SessionServer, startServer } from "./support/server";

const folder = mkdtempSync(join(tmpdir(), "inert-"));
let server: SessionServer;
let browser: Browser;

beforeAll(async () => {
  await build({
    absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
    entryPoints: {
      index: "trigger-chat-transport",
      react: "trigger-chat-transport/react",
      slim: "trigger-chat-transport/slim",
      "slim-react": "trigger-chat-transport/slim/react",
    },
    outdir: folder,
    bundle: true,
    format: "esm",
    define: { "process.env.NODE_ENV": '"production"' },
    // React's directive means nothing in one bundle of a page.
    logOverride: { "ignored-directive": "silent" },
  });
  writeFileSync(
    join(folder, "index.html"),
    // `load` imports: the test runner would put a function of its own in the place of `import()`.
    '<!doctype html><link rel="icon" href="data:," /><script>load = (url) => import(url)</script>',
  );
  server = await startServer({ page: folder });
  browser = await launchBrowser();
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
});

declare global {
  /** What was called of what a page can do. */
  var calls: string[];
  /** Imports a module in the page. */
  var load: (url: string) => Promise<typeof import("trigger-chat-transport")>;
}

/** Runs in the page, before anything else: has all that code can set going told in `calls`. */
function watch(): void {
  const calls: string[] = [];
  globalThis.calls = calls;
  const watched: [string, object, string[]][] = [
    [
      "WebAssembly",
      WebAssembly,
      [
        ...["compile", "compileStreaming", "instantiate", "instantiateStreaming", "validate"],
        ...["Module", "Instance", "Memory", "Table", "Global"],
      ],
    ],
    [
      "globalThis",
      globalThis,
      [
        ...["setTimeout", "setInterval", "queueMicrotask", "requestAnimationFrame"],
        ...["requestIdleCallback", "fetch", "postMessage"],
        ...["BroadcastChannel", "EventSource", "MessageChannel", "MutationObserver"],
        ...["SharedWorker", "WebSocket", "Worker", "XMLHttpRequest"],
      ],
    ],
    ["EventTarget", EventTarget.prototype, ["addEventListener"]],
    ["navigator", Navigator.prototype, ["sendBeacon"]],
    ["locks", LockManager.prototype, ["request", "query"]],
    ["Storage", Storage.prototype, ["getItem", "setItem", "removeItem"]],
    ["indexedDB", IDBFactory.prototype, ["open"]],
  ];
  for (const [owner, object, names] of watched) {
    for (const name of names) {
      const told = `${owner}.${name}`;
      const original = Reflect.get(object, name);
      if (typeof original !== "function") throw new Error(`There is no ${told}.`);
      const spy = new Proxy(original, {
        apply(target, self, args) {
          calls.push(told);
          return Reflect.apply(target, self, args);
        },
        construct(target, args, newTarget) {
          calls.push(told);
          return Reflect.construct(target, args, newTarget);
        },
      });
      Object.defineProperty(object, name, { value: spy, configurable: true, writable: true });
    }
  }
  // A handler that is assigned is a listener as well.
  for (const object of [globalThis, document]) {
    for (const name of Object.keys(object).filter((key) => /^on[a-z]+$/.test(key))) {
      Object.defineProperty(object, name, { set: () => calls.push(name), configurable: true });
    }
  }
}

/** Opens an empty page with `watch`, and imports an entry there; gives what was called by then. */
async function importing(entry: string) {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.addInitScript(watch);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  const requests: string[] = [];
  page.on("request", (request) => {
    const { protocol, pathname } = new URL(request.url());
    if (protocol !== "data:") requests.push(pathname);
  });
  await page.goto(server.url);
  const calls = await page.evaluate(async (url) => {
    globalThis.calls.length = 0;
    await globalThis.load(url);
    // What was put off until later in this turn of the event loop.
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return globalThis.calls.splice(0);
  }, `/${entry}.js`);
  expect(problems).toEqual([]);
  return { page, calls, requests };
}

test.each(["index", "react", "slim", "slim-react"])(
  "the import of %s does nothing",
  async (entry) => {
    const { calls, requests } = await importing(entry);
    // The frame is the test's own.
    expect(calls).toEqual(["globalThis.requestAnimationFrame"]);
    expect(requests).toEqual(["/", `/${entry}.js`]);
  },
);

test("the first use is seen: it compiles, asks, listens and sets timers", async () => {
  const { page } = await importing("index");
  const calls = await page.evaluate(async (url) => {
    const { TriggerChatTransport } = await globalThis.load(url);
    const post = (what: string, body: unknown) =>
      fetch(`/app/chats/chat/${what}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    const transport = new TriggerChatTransport({
      task: "echo",
      baseURL: location.origin,
      multiTab: true,
      accessToken: async () => (await post("token", {})).text(),
      startSession: async (session: unknown) => (await post("start", session)).json(),
    });
    const made = globalThis.calls.splice(0);
    const stream = await transport.sendMessages({
      trigger: "submit-message",
      chatId: "chat",
      messages: [{ id: "m", role: "user", parts: [{ type: "text", text: "Hello" }] }],
      messageId: undefined,
      abortSignal: undefined,
    });
    for await (const _ of stream);
    transport.dispose();
    return { made, used: globalThis.calls.splice(0) };
  }, "/index.js");
  expect(calls.made).toEqual([]);
  expect(calls.used).toEqual(
    expect.arrayContaining([
      "WebAssembly.Module",
      "WebAssembly.Instance",
      "globalThis.fetch",
      "globalThis.setTimeout",
      "globalThis.BroadcastChannel",
      "EventTarget.addEventListener",
      "locks.request",
    ]),
  );
});
