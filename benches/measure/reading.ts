// One reading by one client in the page, and the proof that it was whole.
import type { Page } from "puppeteer-core";
import type { ClientName, ReadOptions } from "../clients";
import type { Measured } from "../page";
import type { Reading } from "../tally";

/** An answer that is served, and how it is read. */
export interface Scene {
  what: string;
  path: string;
  expected: Reading;
  options?: ReadOptions;
}

export async function readBy(page: Page, client: ClientName, scene: Scene): Promise<Measured> {
  const { what, path, expected, options } = scene;
  const measured = await page.evaluate(
    (client, path, options) => globalThis.measure(client, path, options),
    client,
    path,
    options,
  );
  const { digest, chunks } = measured.reading;
  const mayMerge = client === "ours" && options?.coalesce !== false;
  if (digest !== expected.digest || chunks > expected.chunks) {
    throw new Error(`${client} has not read what was served: ${what}.`);
  }
  if (chunks < expected.chunks && !mayMerge) {
    throw new Error(`${client} has read ${chunks} chunks of ${expected.chunks}: ${what}.`);
  }
  return measured;
}

/** Nobody shall clear up behind another. Chromium has the function with `--expose-gc`, Firefox has none. */
export function collectGarbage(page: Page): Promise<void> {
  return page.evaluate(() => globalThis.gc?.());
}

/** Goes to the page that the server has, and waits for the clients in it. */
export async function open(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.waitForFunction(() => "measure" in globalThis);
}
