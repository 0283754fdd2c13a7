// The browsers for tests: the machine's own, those that `scripts/setup browser` looks for. Those that
// go by a WebDriver are in `engines.ts`.
//
//   const browser = await launchBrowser();          // in `beforeAll`
//   const page = await browser.newPage();
//   await browser.close();                          // in `afterAll`
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import puppeteer, { type Browser as TabBrowser } from "puppeteer-core";

/** By which names a program may be known. */
const names = {
  Chromium: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  geckodriver: ["geckodriver"],
  WebKitWebDriver: ["WebKitWebDriver"],
  Xvfb: ["Xvfb"],
};

/** How long one of them may take to start. */
export const LAUNCH_TIMEOUT_MS = 120_000;

/** How long a page may take to come, or to come to a state. Only a fault takes this long. */
const PATIENCE_MS = 120_000;

/** How Firefox is started; what it is set to beforehand. */
export const firefox = {
  // The bundle of benches/ that has this file lies as deep in the repository.
  path: fileURLToPath(new URL("../../../scripts/firefox", import.meta.url)),
  // As in Chromium, each tab is as quick as if it had a window of its own.
  preferences: {
    "dom.min_background_timeout_value": 4,
    "dom.min_background_timeout_value_without_budget_throttling": 4,
    "dom.timeout.enable_budget_timer_throttling": false,
  },
};

export type BrowserName = "Chromium" | "Firefox";

const chromiumFlags = ["--disable-gpu", "--disable-quic"];

/** Starts Chromium without windows; `flags` are added to its own. */
export async function launchBrowser(flags: string[] = []): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: executable("Chromium"),
    headless: true,
    timeout: LAUNCH_TIMEOUT_MS,
    // In a container tests run as root, for whom Chromium has no sandbox.
    chromiumSandbox: false,
    // Playwright adds what keeps a browser from updates, syncing and talking to its maker.
    args: [...chromiumFlags, ...flags],
  });
  return browser.on("context", (context) => context.setDefaultTimeout(PATIENCE_MS));
}

/**
 * Starts a browser without windows whose tabs are real ones: they can be frozen, crash, and go into the
 * back/forward cache. Playwright takes care that none of that happens. `flags` are added to Chromium's own.
 */
export function launchTabBrowser(name: BrowserName, flags: string[] = []): Promise<TabBrowser> {
  const common = { headless: true, timeout: LAUNCH_TIMEOUT_MS };
  if (name === "Chromium") {
    return puppeteer.launch({
      ...common,
      executablePath: executable(name),
      args: ["--no-sandbox", ...chromiumFlags, ...flags],
    });
  }
  return puppeteer.launch({
    ...common,
    browser: "firefox",
    executablePath: firefox.path,
    extraPrefsFirefox: firefox.preferences,
  });
}

/** The path of a program, which has to be there. */
export function executable(program: keyof typeof names): string {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"];
  const paths = names[program].flatMap((name) => folders.map((folder) => join(folder, name)));
  const path = paths.find((path) => existsSync(path));
  if (path === undefined)
    throw new Error(`There is no ${program} here: run \`make setup-browser\`.`);
  return path;
}
