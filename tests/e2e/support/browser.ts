// The browser for tests: the machine's own Chromium, the one that `scripts/setup browser` looks for.
//
//   const browser = await launchBrowser();          // in `beforeAll`
//   const page = await browser.newPage();
//   await browser.close();                          // in `afterAll`
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Starts a browser without windows; `flags` are added to its own. */
export function launchBrowser(flags: string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: executable(),
    headless: true,
    // In a container tests run as root, for whom Chromium has no sandbox.
    chromiumSandbox: false,
    // Playwright adds what keeps a browser from updates, syncing and talking to its maker.
    args: ["--disable-gpu", "--disable-quic", ...flags],
  });
}

function executable(): string {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"];
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const path = paths.find((path) => existsSync(path));
  if (path === undefined) throw new Error("There is no Chromium here: run `make setup-browser`.");
  return path;
}
