// Engines other than Chromium's, each driven by its WebDriver: Firefox, and WebKit in the MiniBrowser
// that Debian builds of WebKitGTK.
//
//   const engine = await launchEngine("WebKit");     // a browser with a profile of its own
//   await engine.driver.get(url);
//   await engine.close();
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { Capabilities, WebDriver } from "selenium-webdriver";
import { Executor, HttpClient } from "selenium-webdriver/http";
import { DriverService } from "selenium-webdriver/remote";
import { executable, firefox, LAUNCH_TIMEOUT_MS } from "./browser";
import { endWithUs } from "./child";

/** How each of them is started. A driver has one session: its browser ends with it. */
const starts = { Firefox: startFirefox, WebKit: startWebKit };

export type EngineName = keyof typeof starts;

export const engineNames = Object.keys(starts) as EngineName[];

/** A browser, and what drives it. */
export interface Engine {
  driver: WebDriver;
  close(): Promise<void>;
}

export function launchEngine(name: EngineName): Promise<Engine> {
  return starts[name]();
}

function startFirefox(): Promise<Engine> {
  const options = { binary: firefox.path, args: ["-headless"], prefs: firefox.preferences };
  return startSession(executable("geckodriver"), { "moz:firefoxOptions": options });
}

async function startWebKit(): Promise<Engine> {
  // It has no mode without windows: they are on a screen that nobody sees.
  const screen = await startScreen();
  return startSession(executable("WebKitWebDriver"), {}, screen);
}

async function startSession(
  program: string,
  capabilities: object,
  screen?: Screen,
): Promise<Engine> {
  const service = new DriverService.Builder(program)
    .setEnvironment({ ...process.env, ...screen?.env } as Record<string, string>)
    .setLoopback(true)
    .build();
  const end = async () => {
    await service.kill();
    screen?.close();
  };
  try {
    const url = await service.start(LAUNCH_TIMEOUT_MS);
    const executor = new Executor(new HttpClient(url));
    const driver = await WebDriver.createSession(executor, new Capabilities(capabilities));
    const close = async () => {
      await driver.quit();
      await end();
    };
    return { driver, close };
  } catch (error) {
    await end();
    throw error;
  }
}

interface Screen {
  /** What leads programs to it. */
  env: Record<string, string>;
  close(): void;
}

/** Starts an X server that shows nothing, on a display that is free. */
async function startScreen(): Promise<Screen> {
  const child = spawn(
    executable("Xvfb"),
    ["-displayfd", "3", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
    { stdio: ["ignore", "ignore", "ignore", "pipe"] },
  );
  endWithUs(child, "SIGTERM");
  const [number] = await Promise.race([
    once(createInterface(child.stdio[3] as Readable), "line"),
    once(child, "exit").then(() => {
      throw new Error("Xvfb ended before it had a display.");
    }),
  ]);
  return { env: { DISPLAY: `:${number}`, GDK_BACKEND: "x11" }, close: () => child.kill() };
}
