// The package as npm would deliver it: packed, installed into small apps outside the repository, built
// for production by three bundlers without a setting that concerns it, and used.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type AppName, build, environment, install, pack, run } from "./fixtures/install.js";
import { launchBrowser } from "./support/browser.js";
import { BUILD_TIMEOUT_MS, startServer } from "./support/server.js";

/** The first run of all downloads what the apps depend on. Nothing here is timed. */
const INSTALL_TIMEOUT_MS = 600_000;

/** How long an answer may take to come, and a process to end. */
const PATIENCE_MS = 120_000;

/** Letters of one to four bytes, joined emoji, a combining accent, right-to-left, a flag. */
const TEXT = "Grüße, 世界! 👩🏽‍🚀 नमस्ते שלום cafe\u0301 🇪🇺 «end»";
const SECOND_TEXT = "Ещё раз: もう一度 🎈";

const folder = mkdtempSync(join(tmpdir(), "fixtures-"));
let tarball: string;

beforeAll(async () => {
  tarball = await pack(folder);
}, INSTALL_TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a session server for one test. */
async function sessionServer(page?: string): Promise<string> {
  const server = await startServer(page === undefined ? {} : { page });
  onTestFinished(() => server.stop());
  return server.url;
}

describe("in an app built for production, a conversation comes about", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(() => browser?.close());

  /** Has a conversation of two turns; the page complains of nothing, and asks only for what it may. */
  async function converse(page: string, server: string): Promise<void> {
    const tab = await browser.newPage();
    onTestFinished(() => tab.close());
    const complaints: string[] = [];
    const requests: URL[] = [];
    tab.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    tab.on("pageerror", (error) => complaints.push(String(error)));
    tab.on("request", (request) => requests.push(new URL(request.url())));

    await tab.goto(`${page}/?server=${server}`);
    const input = tab.getByRole("textbox", { name: "Message" });
    await expect
      .poll(async () => ({ inputs: await input.count(), complaints }), { timeout: PATIENCE_MS })
      .toEqual({ inputs: 1, complaints: [] });

    const messages = tab.getByRole("list", { name: "Messages" }).getByRole("listitem");
    const said: string[] = [];
    for (const text of [TEXT, SECOND_TEXT]) {
      await input.fill(text);
      await tab.getByRole("button", { name: "Send" }).click();
      said.push(text, text);
      await expect
        .poll(
          async () => ({
            messages: await messages.allTextContents(),
            status: await tab.getByRole("status").textContent(),
            complaints,
          }),
          { timeout: PATIENCE_MS },
        )
        .toEqual({ messages: said, status: "ready", complaints: [] });
    }
    const roles = messages.evaluateAll((items) => items.map((item) => item.dataset.role));
    expect(await roles).toEqual(["user", "assistant", "user", "assistant"]);

    const asked = requests.filter(({ protocol }) => protocol !== "data:");
    expect(asked.length).toBeGreaterThan(0);
    const hosts = asked.map(({ hostname }) => hostname);
    expect(new Set(hosts)).toEqual(new Set(["127.0.0.1"]));
    // The core is in the JavaScript.
    expect(asked.map(({ pathname }) => pathname)).not.toContainEqual(
      expect.stringMatching(/wasm/i),
    );
  }

  /** Installs and builds an app; its bundler has nothing to say about the package. */
  async function built(name: AppName): Promise<string> {
    const app = await install(name, tarball, folder);
    expect(await build(app)).not.toContain("trigger-chat-transport");
    return app;
  }

  /** The page has the transport, and nothing of what is for servers. */
  function isForBrowsers(page: string): void {
    const files = readdirSync(page, { recursive: true, encoding: "utf8" });
    const code = files.filter((name) => name.endsWith(".js"));
    const text = code.map((name) => readFileSync(join(page, name), "utf8")).join("\n");
    const traces = ["X-Part-Id", "TRIGGER_SECRET_KEY", "api/v1/sessions"];
    expect(traces.filter((trace) => text.includes(trace))).toEqual(["X-Part-Id"]);
  }

  test("with Vite, and its types hold", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    const app = await built("vite-react");
    isForBrowsers(join(app, "dist"));
    const server = await sessionServer(join(app, "dist"));
    await converse(server, server);
  });

  test("with webpack, without a configuration", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    const app = await built("webpack-react");
    isForBrowsers(join(app, "public"));
    const server = await sessionServer(join(app, "public"));
    await converse(server, server);
  });

  test("with Next, which renders it on the server", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    const app = await built("next-app");
    const server = await sessionServer();
    const page = await startNext(app);

    const response = await fetch(`${page}/?server=${server}`);
    const html = await response.text();
    expect(response.status).toBe(200);
    expect(html).toContain('<ol aria-label="Messages"></ol>');
    expect(html).toContain("<output>ready</output>");

    await converse(page, server);
  });
});

/** Serves Next's build on a free port. */
async function startNext(app: string): Promise<string> {
  const next = join(app, "node_modules/next/dist/bin/next");
  const args = [next, "start", "--hostname", "127.0.0.1", "--port", "0"];
  const child = spawn(process.execPath, args, {
    cwd: app,
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(child, "exit");
  // However this process ends, Next does not outlive it.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  onTestFinished(async () => {
    process.off("exit", kill);
    kill();
    await exit;
  });
  for await (const line of createInterface(child.stdout)) {
    const url = /Local:\s+(http:\/\/\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("Next ended before it listened.");
}

describe("in Node", () => {
  let app: string;

  beforeAll(async () => {
    app = await install("node", tarball, folder);
  }, INSTALL_TIMEOUT_MS);

  test("a turn succeeds, and the process exits by itself", {
    timeout: BUILD_TIMEOUT_MS,
  }, async () => {
    const server = await sessionServer();
    const { stdout, stderr } = await run(
      process.execPath,
      ["turn.js", server, TEXT],
      app,
      PATIENCE_MS,
    );
    expect(stdout).toBe(TEXT);
    expect(stderr).toBe("");
  });

  test("import and server rendering leave WebAssembly alone", {
    timeout: 2 * PATIENCE_MS,
  }, async () => {
    await run(process.execPath, ["inert.js"], app, PATIENCE_MS);
  });
});
