// Pages with a Content Security Policy, which the browsers themselves enforce.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type BrowserName, launchTabBrowser } from "./support/browser";
import { buildPage } from "./support/page";
import { BUILD_TIMEOUT_MS, type SessionServer, startServer } from "./support/server";

const PATIENCE_MS = 120_000;

const TEST_TIMEOUT_MS = 5 * PATIENCE_MS;

const folder = mkdtempSync(join(tmpdir(), "csp-"));
let html: string;

beforeAll(async () => {
  const entry = fileURLToPath(new URL("csp/page.tsx", import.meta.url));
  await buildPage({ entry, folder, react: 19, mode: "production" });
  html = readFileSync(join(folder, "index.html"), "utf8");
}, BUILD_TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true }));

/** Opens the page under a policy, in a browser of its own. */
async function open(browserName: BrowserName, policy: string) {
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}" />`;
  writeFileSync(join(folder, "index.html"), html.replace("<link", `${meta}<link`));
  const server = await startServer({ page: folder });
  onTestFinished(() => server.stop());
  const browser = await launchTabBrowser(browserName);
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(server.url, { timeout: PATIENCE_MS });
  // What polls in the page would need `eval`, which the policy forbids.
  const shows = (...expected: string[]) =>
    expect
      .poll(() => page.$eval("output", ({ textContent }) => JSON.parse(textContent)), {
        timeout: PATIENCE_MS,
      })
      .toEqual(expected);
  await expect.poll(() => page.$("output"), { timeout: PATIENCE_MS }).not.toBeNull();
  return { server, shows, send: () => page.click("button") };
}

const hasHeard = async (server: SessionServer) => (await fetch(`${server.url}/app/chats`)).json();

describe.each(["Chromium", "Firefox"] as const)("in %s", (browser) => {
  test("a page whose policy has 'wasm-unsafe-eval' has a conversation", {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { shows, send } = await open(browser, "script-src 'self' 'wasm-unsafe-eval'");
    await send();
    await shows("ready", "", "0, 世界", "0, 世界");
    await send();
    await shows("ready", "", "0, 世界", "0, 世界", "2, 世界", "2, 世界");
  });

  test("without it the error says what to add", { timeout: TEST_TIMEOUT_MS }, async () => {
    const { server, shows, send } = await open(browser, "script-src 'self'");
    await send();
    const sentence =
      "The page's Content-Security-Policy blocks WebAssembly: add 'wasm-unsafe-eval' to its script-src.";
    await shows("error", sentence, "0, 世界");
    expect(await hasHeard(server)).toEqual([]);
  });
});
