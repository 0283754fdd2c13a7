// From the import of a client, over its transport, to its first request: in a page that has nothing yet, and
// in one that has `useChat`.
import type { Browser, Page } from "puppeteer-core";
import { bundled, split } from "../bundle";
import type { start } from "../start/ours";
import { orderOf, type Row, rowOf } from "./row";

const names = ["ours", "published"] as const;

type StartedClient = (typeof names)[number];

/** What the pages import, by its path. */
export async function startupScripts(): Promise<Record<string, Uint8Array>> {
  const scripts: Record<string, Uint8Array> = {};
  for (const name of names) {
    scripts[`/alone/${name}.js`] = await bundled(`export * from "./start/${name}";`);
  }
  const together = await split(["chat", ...names].map((name) => `start/${name}.ts`));
  for (const [name, script] of Object.entries(together)) scripts[`/together/${name}`] = script;
  return scripts;
}

/** The server at this URL has the scripts, and empty pages. */
export async function startup(browser: Browser, url: string, rounds: number): Promise<Row[]> {
  const alone: Record<StartedClient, number[]> = { ours: [], published: [] };
  const together: Record<StartedClient, number[]> = { ours: [], published: [] };
  // The first round warms up the server, and what the browser shares among its processes.
  for (let round = -1; round < rounds; round++) {
    for (const name of orderOf(round + 1, names)) {
      const inEmptyPage = await startedWithin(browser, url, `/alone/${name}.js`);
      const besideChat = await startedWithin(
        browser,
        url,
        `/together/${name}.js`,
        "/together/chat.js",
      );
      if (round < 0) continue;
      alone[name].push(inEmptyPage);
      together[name].push(besideChat);
    }
  }
  return [
    rowOf("import to first request", "ms", alone),
    rowOf("import to first request, beside useChat", "ms", together),
  ];
}

/** In a context of its own, and so in a process of its own: nothing is compiled yet. */
async function startedWithin(browser: Browser, url: string, script: string, before?: string) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.goto(`${url}/empty`);
  if (before) await page.evaluate(async (before) => void (await import(before)), before);
  const { ms, request } = await firstRequest(page, script);
  await context.close();
  if (!request.includes("/in/append") || !request.includes("Hello")) {
    throw new Error(`${script} has begun with something else: ${request}`);
  }
  return ms;
}

/** The request goes nowhere: what it takes is measured elsewhere. */
function firstRequest(page: Page, script: string): Promise<{ ms: number; request: string }> {
  return page.evaluate(async (script) => {
    const left = new Promise<{ at: number; request: string }>((resolve) => {
      globalThis.fetch = (url, init) => {
        resolve({ at: performance.now(), request: `${url} ${init?.body}` });
        return new Promise(() => {});
      };
    });
    const began = performance.now();
    const client: { start: typeof start } = await import(script);
    client.start();
    const { at, request } = await left;
    return { ms: at - began, request };
  }, script);
}
