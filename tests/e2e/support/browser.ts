// The browsers for tests: the machine's own, those that `scripts/setup browser` looks for.
//
//   const browser = await launchBrowser();          // in `beforeAll`
//   const page = await browser.newPage();
//   await browser.close();                          // in `afterAll`
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import puppeteer, { type Browser as TabBrowser } from "puppeteer-core";

const names = {
  Chromium: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  Firefox: ["firefox-esr", "firefox"],
};

/** How long one of them may take to start. */
const LAUNCH_TIMEOUT_MS = 120_000;

const withoutSandboxes = Object.fromEntries(
  ["CONTENT", "RDD", "GMP", "SOCKET_PROCESS", "UTILITY"].map((kind) => [
    `MOZ_DISABLE_${kind}_SANDBOX`,
    "1",
  ]),
);

export type BrowserName = keyof typeof names;

const chromiumFlags = ["--disable-gpu", "--disable-quic"];

/** Starts Chromium without windows; `flags` are added to its own. */
export function launchBrowser(flags: string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: executable("Chromium"),
    headless: true,
    // In a container tests run as root, for whom Chromium has no sandbox.
    chromiumSandbox: false,
    // Playwright adds what keeps a browser from updates, syncing and talking to its maker.
    args: [...chromiumFlags, ...flags],
  });
}

/**
 * Starts a browser without windows whose tabs are real ones: they can be frozen, crash, and go into the
 * back/forward cache. Playwright takes care that none of that happens. `flags` are added to Chromium's own.
 */
export async function launchTabBrowser(
  name: BrowserName,
  flags: string[] = [],
): Promise<TabBrowser> {
  const common = { executablePath: executable(name), headless: true, timeout: LAUNCH_TIMEOUT_MS };
  if (name === "Chromium") {
    return puppeteer.launch({ ...common, args: ["--no-sandbox", ...chromiumFlags, ...flags] });
  }
  // Run by root, it does not start in the home of somebody else.
  const home = mkdtempSync(join(tmpdir(), "firefox-"));
  const { XDG_RUNTIME_DIR: _, XAUTHORITY: __, ...environment } = process.env;
  const browser = await puppeteer.launch({
    ...common,
    browser: "firefox",
    // In a container its sandboxes may not start, as Chromium's.
    env: { ...environment, HOME: home, ...withoutSandboxes },
    // As in Chromium, each tab is as quick as if it had a window of its own.
    extraPrefsFirefox: {
      "dom.min_background_timeout_value": 4,
      "dom.min_background_timeout_value_without_budget_throttling": 4,
      "dom.timeout.enable_budget_timer_throttling": false,
    },
  });
  browser.once("disconnected", () =>
    rmSync(home, { recursive: true, force: true, maxRetries: 10 }),
  );
  return browser;
}

function executable(browser: BrowserName): string {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"];
  const paths = names[browser].flatMap((name) => folders.map((folder) => join(folder, name)));
  const path = paths.find((path) => existsSync(path));
  if (path === undefined)
    throw new Error(`There is no ${browser} here: run \`make setup-browser\`.`);
  return path;
}
