// `make demo`, as a newcomer runs it: it says where the page is, the page answers, Ctrl-C ends it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { launchBrowser } from "./support/browser";
import { BUILD_TIMEOUT_MS } from "./support/server";

const repository = new URL("../..", import.meta.url);
const DEFAULT_PORT = 8787;

/** Listens on a port; none when somebody else does. */
async function listen(port: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  server?.close();
  return server !== undefined;
}

/** Starts it in a terminal of its own, where Ctrl-C is what it is for a person. */
async function makeDemo(args = ""): Promise<{ url: URL; pressCtrlC(): Promise<unknown> }> {
  const terminal = spawn("script", ["-q", "-e", "-c", `make demo ${args}`, "/dev/null"], {
    cwd: repository,
    // The test runner's own would make the page a development build.
    env: { ...process.env, NODE_ENV: undefined },
    stdio: ["pipe", "pipe", "inherit"],
  });
  // Where it ends by itself, nobody reads what is typed.
  terminal.stdin.on("error", () => {});
  const exit = once(terminal, "exit");
  const pressCtrlC = () => {
    terminal.stdin.write("\x03");
    return exit;
  };
  onTestFinished(async () => {
    if (terminal.exitCode === null) await pressCtrlC();
  });
  const said: string[] = [];
  for await (const line of createInterface({ input: terminal.stdout })) {
    said.push(line);
    const url = /listening on (http:\/\/\S+)/.exec(line)?.[1];
    if (url) return { url: new URL(url), pressCtrlC };
  }
  throw new Error(`\`make demo\` ended without an address:\n${said.join("\n")}`);
}

test(
  "`make demo` serves a page that answers, beside a busy port, until Ctrl-C",
  async () => {
    // Where the port is taken already, that is as good.
    const occupant = await listen(DEFAULT_PORT);
    onTestFinished(() => void occupant?.close());
    const { url, pressCtrlC } = await makeDemo();
    expect(Number(url.port)).not.toBe(DEFAULT_PORT);

    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(url.href);
    await page.getByTestId("composer").fill("Is anybody there?");
    await page.getByTestId("composer").press("Enter");
    const answer = page.locator('[data-role="assistant"] .markdown');
    await answer.getByText("Is anybody there?", { exact: true }).waitFor();
    await page.locator('[data-testid="status"][data-status="ready"]').waitFor();
    // The chats of whoever works here are in the same database.
    await fetch(new URL(`/app/chats/${new URL(page.url()).hash.slice(1)}`, url), {
      method: "DELETE",
    });

    // The page still holds connections: nothing waits for them.
    expect(await pressCtrlC()).toEqual([0, null]);
    expect(await isFree(Number(url.port))).toBe(true);
  },
  BUILD_TIMEOUT_MS,
);

test(
  "`make demo PORT=…` takes that port, and says so when it is busy",
  async () => {
    const occupant = await listen(0);
    if (!occupant) throw new Error("there is no free port at all");
    const { port } = occupant.address() as AddressInfo;
    await expect(makeDemo(`PORT=${port}`)).rejects.toThrow(`port ${port} is in use`);
    await new Promise((resolve) => occupant.close(resolve));

    const { url, pressCtrlC } = await makeDemo(`PORT=${port}`);
    expect(Number(url.port)).toBe(port);
    expect(await pressCtrlC()).toEqual([0, null]);
    expect(await isFree(port)).toBe(true);
  },
  BUILD_TIMEOUT_MS,
);
