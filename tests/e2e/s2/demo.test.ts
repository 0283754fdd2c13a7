// The demo over S2, as `make demo S2=1` starts it: two session servers behind one port, of which either may
// be killed in the middle of an answer. The page shows it whole all the same.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { buildPage, Demo, MODEL, ModelStandIn, repository, temporaryFolder } from "../demo-support";
import { launchBrowser } from "../support/browser";
import { endWithUs } from "../support/child";
import { BUILD_TIMEOUT_MS, callsTo, serverProgram } from "../support/server";

/** What a session server is called with where nobody says otherwise. */
const SECRET_KEY = "tr_dev_local";

const page = temporaryFolder();
let browser: Browser;
let program: string;
let model: ModelStandIn;

beforeAll(async () => {
  program = await serverProgram();
  buildPage("production", page);
  browser = await launchBrowser();
  model = await ModelStandIn.start();
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  model?.stop();
  await browser?.close();
  rmSync(page, { recursive: true, force: true });
});

/** A folder that is gone after the test. */
function ownFolder(): string {
  const folder = temporaryFolder();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The demo, with all that it keeps in one folder. */
class DemoOverS2 {
  readonly url: string;
  /** The two session servers' processes. */
  readonly servers: number[];
  readonly #script: ChildProcess;

  private constructor(url: string, servers: number[], script: ChildProcess) {
    this.url = url;
    this.servers = servers;
    this.#script = script;
  }

  static async start(folder: string): Promise<DemoOverS2> {
    const server = [program, "--page", page, ...model.flags(MODEL)];
    // A port that nobody else has: the one that `make demo` takes may be somebody's.
    const args = ["scripts/demo-s2.mjs", "--folder", folder, "--port", "0", "--", ...server];
    const script = spawn("node", args, { cwd: repository, stdio: ["ignore", "pipe", "inherit"] });
    endWithUs(script, "SIGTERM");
    let servers: number[] = [];
    for await (const line of createInterface(script.stdout)) {
      const pids = /^two session servers .* processes (\d+) and (\d+)$/.exec(line)?.slice(1);
      servers = pids?.map(Number) ?? servers;
      const url = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
      if (url === undefined) continue;
      const demo = new DemoOverS2(url, servers, script);
      onTestFinished(async () => void (await demo.stop()));
      return demo;
    }
    throw new Error("The demo ended before it listened; its last words are above.");
  }

  /** Ends it, as Ctrl-C does; gives its exit status. */
  async stop(): Promise<number | null> {
    if (this.#script.exitCode === null) {
      const exit = once(this.#script, "exit");
      this.#script.kill();
      await exit;
    }
    return this.#script.exitCode;
  }
}

/** Opens the page, and the watchman with it. */
async function openPage(url: string): Promise<Demo> {
  const chat = await Demo.open(browser, callsTo(url, SECRET_KEY), model);
  onTestFinished(() => chat.close());
  return chat;
}

/** Which of these processes has a connection that comes from this port. */
function ownerOf(port: number, pids: number[]): number {
  const address = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const connections = readFileSync("/proc/net/tcp", "utf8").split("\n");
  const fields = connections.map((line) => line.trim().split(/\s+/));
  const inode = fields.find(([, local]) => local?.endsWith(address))?.[9];
  const owner = pids.find((pid) =>
    readdirSync(`/proc/${pid}/fd`).some(
      (file) => readlinkSync(`/proc/${pid}/fd/${file}`) === `socket:[${inode}]`,
    ),
  );
  if (owner === undefined) throw new Error(`nobody has the port ${port}`);
  return owner;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each(["the one that writes it", "the other one"])(
  "an answer goes on when of two session servers %s is killed, and shows whole and once",
  async (whom) => {
    const demo = await DemoOverS2.start(ownFolder());
    const chat = await openPage(demo.url);
    chat.watchman.expect(/Failed to load resource/);
    const { chatId, answer } = await chat.beginTalk();
    await chat.isAnswering();

    const writer = ownerOf(answer.port, demo.servers);
    const [other = 0] = demo.servers.filter((pid) => pid !== writer);
    const isWriter = whom === "the one that writes it";
    process.kill(isWriter ? writer : other, "SIGKILL");
    const shown = (await chat.answers.last().innerText()).length;
    // Whoever takes the turn over has the model go on.
    const rest = isWriter ? await model.talk() : answer;
    await chat.isAnswering(shown + 200);
    rest.end();
    await chat.hasWholeAnswers(chatId, 1);

    // Alone, the one that is left answers as before.
    await chat.say("And of the ships?");
    const next = await model.talk();
    await chat.isAnswering();
    next.end();
    await chat.hasWholeAnswers(chatId, 2);
  },
);

test("what was said is there when the demo is ended and started again", async () => {
  const folder = ownFolder();
  const first = await DemoOverS2.start(folder);
  const said = await openPage(first.url);
  const chatId = await said.begin("echo", "Keep this, please");
  await said.hasWholeAnswers(chatId, 1);
  const messages = await said.storedMessages(chatId, 2);
  await said.close();
  expect(await first.stop()).toBe(0);
  expect(first.servers.filter(isRunning)).toEqual([]);

  const second = await DemoOverS2.start(folder);
  const chat = await openPage(second.url);
  await chat.openChat(chatId);
  await chat.hasAnswers(1);
  expect(await chat.storedMessages(chatId, 2)).toEqual(messages);
  await chat.say("Still there?");
  await chat.hasWholeAnswers(chatId, 2);
});
