// A process of an app's server is killed in the middle of an answer. What it had stored is enough for
// the next one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { UIMessageChunk } from "ai";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { ServerRecords } from "../demo-support";
import { BUILD_TIMEOUT_MS, startServer } from "../support/server";
import { KEY, type Name, names, textOf } from "./clients";

vi.setConfig({ testTimeout: 300_000 });

const script = fileURLToPath(new URL("process.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "killed-"));

beforeAll(async () => {
  // Compiles it, where that is due.
  await (await startServer()).stop();
}, BUILD_TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a process, and reads what it prints until it ends, or is killed when `isEnough`. */
async function run(args: string[], isEnough: (chunks: UIMessageChunk[]) => boolean = () => false) {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const exit = once(child, "exit");
  const chunks: UIMessageChunk[] = [];
  for await (const line of createInterface(child.stdout)) {
    chunks.push(JSON.parse(line));
    if (isEnough(chunks)) kill();
  }
  const [status, signal] = await exit;
  process.off("exit", kill);
  return { chunks, status, signal };
}

const turnsIn = (chunks: UIMessageChunk[]) => chunks.filter(({ type }) => type === "start").length;

async function place(name: Name) {
  const server = await startServer({ secretKey: KEY });
  onTestFinished(() => server.stop());
  return { server, args: [name, server.url, KEY, join(folder, `${name}-${server.port}.json`)] };
}

test.each(names)("%s: the next process reads the answer, no chunk lost or twice", async (name) => {
  const { server, args } = await place(name);
  const secondIn = (chunks: UIMessageChunk[]) =>
    turnsIn(chunks) < 2 ? [] : chunks.slice(chunks.map(({ type }) => type).lastIndexOf("start"));
  const killed = await run([...args, "begin"], (chunks) => secondIn(chunks).length === 30);
  expect(killed.signal).toBe("SIGKILL");

  const next = await run([...args, "resume"]);
  expect(next.status).toBe(0);
  const second = secondIn(killed.chunks);
  expect(turnsIn(next.chunks)).toBe(1);
  expect(next.chunks.slice(0, second.length)).toEqual(second);
  expect(next.chunks.at(-1)?.type).toBe("finish");
  const { text } = await new ServerRecords(server).lastTurn("killed");
  expect(textOf(next.chunks)).toBe(text);
});

test("ours: a process that leaves an answer ends by itself", async () => {
  const { args } = await place("ours");
  const { chunks, status } = await run([...args, "leave"]);
  expect(chunks).toHaveLength(3);
  expect(status).toBe(0);
});
