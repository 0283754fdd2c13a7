// The package as npm would deliver it: packed, installed into small apps outside the repository, built or
// served by the tools of apps, and used. `make test` takes the quick ones, `make fixtures` all.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type AppName, morePages, quickPages, testedApps } from "./fixtures/apps.js";
import { environment, install, pack, run, runScript } from "./fixtures/install.js";
import { launchBrowser } from "./support/browser.js";
import { BUILD_TIMEOUT_MS, startServer } from "./support/server.js";

const all = process.env.FIXTURES === "all";

/** The first run of all downloads what the apps depend on. Nothing here is timed. */
const INSTALL_TIMEOUT_MS = 600_000;

/** How long an answer may take to come, and a process to end. */
const PATIENCE_MS = 120_000;

/** Letters of one to four bytes, joined emoji, a combining accent, right-to-left, a flag. */
const TEXT = "Grüße, 世界! 👩🏽‍🚀 नमस्ते שלום cafe\u0301 🇪🇺 «end»";
const SECOND_TEXT = "Ещё раз: もう一度 🎈";

const folder = mkdtempSync(join(tmpdir(), "fixtures-"));
const apps = new Map<AppName, Promise<string>>();
let tarball: string;

beforeAll(async () => {
  tarball = await pack(folder);
}, INSTALL_TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The folder of an app with the package, which is installed once. */
function installed(name: AppName): Promise<string> {
  const app = apps.get(name) ?? install(name, tarball, folder);
  apps.set(name, app);
  return app;
}

/** Starts a session server for one test. */
async function sessionServer(page?: string): Promise<string> {
  const server = await startServer(page === undefined ? {} : { page });
  onTestFinished(() => server.stop());
  return server.url;
}

describe("a page has a conversation", () => {
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

  /** The page has the transport, and nothing of what is for servers. */
  function isForBrowsers(page: string): void {
    const files = readdirSync(page, { recursive: true, encoding: "utf8" });
    const code = files.filter((name) => name.endsWith(".js"));
    const text = code.map((name) => readFileSync(join(page, name), "utf8")).join("\n");
    const traces = ["X-Part-Id", "TRIGGER_SECRET_KEY", "api/v1/sessions"];
    expect(traces.filter((trace) => text.includes(trace))).toEqual(["X-Part-Id"]);
  }

  /** The HTML has the chat before the browser runs a line; were it not what React renders, it would complain. */
  async function isRendered(page: string): Promise<void> {
    const response = await fetch(page);
    const html = await response.text();
    expect(response.status).toBe(200);
    expect(html).toContain('<ol aria-label="Messages"></ol>');
    expect(html).toContain("<output>ready</output>");
  }

  test.each(all ? [...quickPages, ...morePages] : quickPages)(
    "with $tool",
    { timeout: INSTALL_TIMEOUT_MS },
    async ({ folder: name, build, remark, served }) => {
      const app = await installed(name);
      if (build) {
        const said = (await runScript(app, build)).split("\n");
        const remarks = said.filter((line) => line.includes("trigger-chat-transport"));
        expect(remarks.filter((line) => !remark?.test(line))).toEqual([]);
      }
      if ("folder" in served) {
        const page = join(app, served.folder);
        if (build) isForBrowsers(page);
        const server = await sessionServer(page);
        await converse(server, server);
      } else {
        const server = await sessionServer();
        const page = await startApp(app, served.by);
        if (served.renders) await isRendered(`${page}/?server=${server}`);
        await converse(page, server);
      }
    },
  );
});

/** Has a program of an app's packages serve it, and gives the URL that it tells. */
async function startApp(app: string, [script, ...args]: [string, ...string[]]): Promise<string> {
  const child = spawn(process.execPath, [join("node_modules", script), ...args], {
    cwd: app,
    // Where React Router's server listens; the others are told by an argument.
    env: { ...environment, HOST: "127.0.0.1" },
    stdio: ["ignore", "pipe", "inherit"],
    // A group of its own, with what it starts in turn.
    detached: true,
  });
  const exit = once(child, "exit");
  // However this process ends, the program does not outlive it.
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // All have ended.
    }
  };
  process.once("exit", kill);
  onTestFinished(async () => {
    process.off("exit", kill);
    kill();
    await exit;
  });
  const said: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(stripVTControlCharacters(line))?.[0];
    if (url !== undefined) {
      // What it says from now on is not read, and must not hold it up.
      child.stdout.resume();
      return url;
    }
    said.push(line);
  }
  throw new Error(`${script} ended before it listened.\n${said.join("\n")}`);
}

if (all) {
  describe("an app's own tests have a conversation", () => {
    test.each(testedApps)("with $tool", { timeout: INSTALL_TIMEOUT_MS }, async (tested) => {
      const app = await installed(tested.folder);
      const server = await sessionServer();
      // Jest keeps what it transformed among temporary files.
      await runScript(app, tested.test, { SESSION_SERVER: server, TMPDIR: folder });
    });
  });
}

describe("in Node", () => {
  let app: string;

  beforeAll(async () => {
    app = await installed("node");
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

describe("docs/tools.md", () => {
  const lines = readFileSync(new URL("../../docs/tools.md", import.meta.url), "utf8").split("\n");
  const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));
  const locked = Object.fromEntries(
    readdirSync(fixtures)
      .map((app) => [app, join(fixtures, app, "package-lock.json")] as const)
      .filter(([, lock]) => existsSync(lock))
      .map(([app, lock]) => [app, JSON.parse(readFileSync(lock, "utf8")).packages]),
  );
  const appsIn = (line: string) =>
    [...line.matchAll(/\(\.\.\/tests\/e2e\/fixtures\/([\w-]+)\)/g)].map(([, app = ""]) => app);

  test("has a row for each app", () => {
    expect(lines.flatMap(appsIn).sort()).toEqual(Object.keys(locked).sort());
  });

  test("has the versions that the apps have", () => {
    const versions = lines.flatMap((line) =>
      [...line.matchAll(/`([^`\s]+)` (\d+\.\d+\.\d+)/g)].map(([, name, version]) => {
        const apps = appsIn(line);
        return { apps: apps.length > 0 ? apps : Object.keys(locked), name, version };
      }),
    );
    expect(versions.length).toBeGreaterThan(0);
    for (const { apps, name, version } of versions) {
      const found = apps.map((app) => locked[app][`node_modules/${name}`]?.version);
      const those = new Set(found.filter((one) => one !== undefined));
      expect([...those], name).toEqual([version]);
    }
  });
});
