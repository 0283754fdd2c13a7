// The browsers that chaos is played in, and what a driver can do to each of them.
import { launchChromium } from "./chromium";
import type { Source } from "./page/contract";
import type { TabBrowser } from "./tab";
import { launchByWebDriver } from "./web-driver";

interface Engine {
  launch(source: Source): Promise<TabBrowser>;
  /** Whether its network can be taken away. No command of a WebDriver does that. */
  canGoOffline: boolean;
}

export const engines = {
  chromium: { launch: launchChromium, canGoOffline: true },
  firefox: { launch: () => launchByWebDriver("Firefox"), canGoOffline: false },
  webkit: { launch: () => launchByWebDriver("WebKit"), canGoOffline: false },
} satisfies Record<string, Engine>;

export type EngineName = keyof typeof engines;

export const engineNames = Object.keys(engines) as EngineName[];
