// The example in which two agents talk, as it is.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  BUILD_TIMEOUT_MS,
  type InputRecord,
  type SessionServer,
  startServer,
} from "../support/server";
import { KEY } from "./clients";

vi.setConfig({ testTimeout: 300_000 });

const script = fileURLToPath(new URL("../../../examples/two-agents/talk.mjs", import.meta.url));
let server: SessionServer;

beforeAll(async () => {
  server = await startServer({ secretKey: KEY });
}, BUILD_TIMEOUT_MS);
afterAll(() => server?.stop());

const textIn = ({ payload }: InputRecord) =>
  payload?.message?.parts.map((part) => (part.type === "text" ? part.text : "")).join("");

test("two agents talk, each told what the other has said last", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, "Grüße,", "日本語!"], {
    env: { ...process.env, SESSION_SERVER_URL: server.url, TRIGGER_SECRET_KEY: KEY },
  });
  const chats = [...stdout.matchAll(/^\w+: run_\w+ of (\S+)$/gm)].map(([, id = ""]) => id);
  const spoken = stdout.replace(/^\w+: run_.*$/gm, "").split(/^\w+> /m);
  const said = spoken.slice(1).map((text) => text.trim());
  expect(chats).toHaveLength(2);
  expect(said).toHaveLength(4);

  const heard: (string | undefined)[][] = [];
  for (const chat of chats) {
    const records = (await server.inputs(chat)).map(({ data }) => data);
    expect(records.pop()).toMatchObject({ payload: { trigger: "close" } });
    heard.push(records.map(textIn));
  }
  const [first, second, third] = said;
  expect(heard.map((texts) => texts.map((text) => text?.trim()))).toEqual([
    ["Grüße, 日本語!", second],
    [first, third],
  ]);
});
