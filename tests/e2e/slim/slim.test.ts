// The slim entries, whose WebAssembly is a file: in a page without a bundler, in one that Vite built, and in
// Node.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { run } from "../fixtures/install";
import { Visit } from "../guide/site";
import { launchBrowser } from "../support/browser";
import { BUILD_TIMEOUT_MS, type SessionServer, startServer } from "../support/server";

/** How long a page may take to come, or a process to end. Only a fault takes this long. */
const PATIENCE_MS = 120_000;

const TEXT = "Grüße, 世界! 👩🏽‍🚀";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const packageFolder = here("../../../pkg");
const folder = mkdtempSync(join(tmpdir(), "slim-"));
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

describe("in a page without a bundler", () => {
  const page = join(folder, "plain");
  let server: SessionServer;

  beforeAll(async () => {
    cpSync(here("plain"), page, { recursive: true });
    cpSync(here("echo.mjs"), join(page, "echo.mjs"));
    cpSync(packageFolder, join(page, "package"), { recursive: true });
    server = await startServer({ page });
  }, BUILD_TIMEOUT_MS);
  afterAll(() => server?.stop());

  /** A tab, what it complained of, and the types of the `.wasm` files that it got. */
  async function openTab() {
    const tab = await browser.newPage();
    onTestFinished(() => tab.close());
    const complaints: string[] = [];
    const files: (string | undefined)[] = [];
    tab.on("console", (message) => complaints.push(message.text()));
    tab.on("pageerror", (error) => complaints.push(error.message));
    tab.on("response", (response) => {
      if (response.url().endsWith(".wasm")) files.push(response.headers()["content-type"]);
    });
    return { tab, complaints, files };
  }

  async function converse(tab: Page): Promise<void> {
    await tab.goto(server.url);
    await tab.getByLabel("Message").fill(TEXT);
    await tab.getByLabel("Message").press("Enter");
    await tab.getByRole("status").filter({ hasText: TEXT }).waitFor();
  }

  test("a turn succeeds, with the file that lies in the package, fetched once", async () => {
    const { tab, complaints, files } = await openTab();
    await converse(tab);
    expect(files).toEqual(["application/wasm"]);
    expect(complaints).toEqual([]);
  });

  test("a turn succeeds where the server does not know what a .wasm file is", async () => {
    const { tab, complaints, files } = await openTab();
    await tab.route("**/*.wasm", async (route) => {
      await route.fulfill({
        response: await route.fetch(),
        contentType: "application/octet-stream",
      });
    });
    await converse(tab);
    expect(files).toEqual(["application/octet-stream"]);
    expect(complaints).toEqual([]);
  });

  test("a policy that blocks it is named, with what it lacks", async () => {
    const { tab, complaints } = await openTab();
    await tab.route(`${server.url}/`, async (route) => {
      const response = await route.fetch();
      const policy = "script-src 'self' 'unsafe-inline'";
      await route.fulfill({
        response,
        headers: { ...response.headers(), "Content-Security-Policy": policy },
      });
    });
    await tab.goto(server.url);
    await expect
      .poll(() => complaints.join("\n"), { timeout: PATIENCE_MS })
      .toContain("add 'wasm-unsafe-eval' to its script-src");
  });
});

test(
  "in a page that Vite built, a conversation comes about",
  async () => {
    const page = join(folder, "vite");
    await build({
      root: here("vite"),
      configFile: false,
      logLevel: "error",
      build: { outDir: page, target: "es2022" },
    });
    const server = await startServer({ page });
    onTestFinished(() => server.stop());
    const visit = await Visit.open(browser, server, "", { chat: "slim" });
    await visit.say(TEXT);
    expect(await visit.shown(2)).toEqual([TEXT, TEXT]);
    await visit.say("Again!");
    expect(await visit.shown(4)).toEqual([TEXT, TEXT, "Again!", "Again!"]);
    const asked = visit.askedOf(/\.wasm$/).map(({ url }) => url.pathname);
    expect(asked).toEqual([expect.stringMatching(/^\/assets\/\w+-[\w-]{8}\.wasm$/)]);
    await visit.close();
  },
  BUILD_TIMEOUT_MS,
);

test.each([
  ["that lies beside", []],
  ["that it names", ["trigger-chat-transport/trigger_chat_transport_bg.wasm"]],
])(
  "in Node, a turn succeeds with the file %s, and the process exits by itself",
  async (_, file) => {
    const server = await startServer();
    onTestFinished(() => server.stop());
    const args = [here("node.mjs"), server.url, TEXT, ...file];
    const { stdout, stderr } = await run(process.execPath, args, here("."), PATIENCE_MS);
    expect(stdout).toBe(TEXT);
    expect(stderr).toBe("");
  },
  BUILD_TIMEOUT_MS,
);

describe("the wasm", () => {
  /** What a bundler makes of an app's line. */
  async function bundled(line: string): Promise<string> {
    const { outputFiles } = await bundle({
      stdin: { contents: line, resolveDir: here(".") },
      bundle: true,
      format: "esm",
      external: ["react", "ai"],
      write: false,
      // The package is a link here, so that esbuild tells of it what it keeps to itself otherwise.
      logLevel: "error",
    });
    return outputFiles[0]?.text ?? "";
  }

  const asText = /[^"\n]{50000}/;

  test.each(["", "/react"])("is a file for slim%s, and text for the other one", async (entry) => {
    const slim = await bundled(`export * from "trigger-chat-transport/slim${entry}";`);
    expect(slim).not.toMatch(asText);
    expect(slim).toContain("trigger_chat_transport_bg.wasm");
    const whole = await bundled(`export * from "trigger-chat-transport${entry}";`);
    expect(whole).toMatch(asText);
    expect(whole).not.toContain(".wasm");
  });
});
