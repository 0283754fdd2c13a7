// The examples for Vue, Svelte and Angular, built for production, in one conversation each.
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import {
  buildPage,
  eventually,
  ModelStandIn,
  ServerRecords,
  temporaryFolder,
} from "./demo-support";
import { launchBrowser } from "./support/browser";
import { BUILD_TIMEOUT_MS, startServer } from "./support/server";

const examples = ["vue", "svelte", "angular"];

vi.setConfig({ testTimeout: BUILD_TIMEOUT_MS, hookTimeout: BUILD_TIMEOUT_MS });

const folder = temporaryFolder();
let browser: Browser;
let model: ModelStandIn;

beforeAll(async () => {
  model = await ModelStandIn.start();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  model?.stop();
  rmSync(folder, { recursive: true });
});

test.each(examples)(
  "examples/%s: answers come, outlive a reload, and are stopped",
  async (name) => {
    const page = join(folder, name);
    buildPage("production", page, name);
    const server = await startServer({ page, flags: model.flags("stand-in") });
    onTestFinished(() => server.stop());
    const tab = await browser.newPage();
    onTestFinished(() => tab.close());
    const complaints: string[] = [];
    tab.on("pageerror", (error) => complaints.push(String(error.stack)));
    tab.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });

    const chat = `chat-of-${name}`;
    const records = new ServerRecords(server);
    await tab.goto(`${server.url}/?agent=model#${chat}`);
    const messages = tab.getByRole("list", { name: "Messages" }).getByRole("listitem");
    const shows = async (...texts: string[]) => {
      await eventually(`the messages ${texts.join(" / ")}`, async () => {
        const shown = await messages.allTextContents();
        return JSON.stringify(shown) === JSON.stringify(texts);
      });
    };
    const isIn = (status: string) => tab.getByRole("status").filter({ hasText: status }).waitFor();
    const ask = async (text: string) => {
      await tab.getByRole("textbox", { name: "Message" }).fill(text);
      await tab.getByRole("button", { name: "Send" }).click();
      return model.request();
    };

    const first = await ask("Count to two!");
    first.say("One, ");
    await shows("Count to two!", "One, ");
    await isIn("streaming");
    first.say("two.");
    first.end();
    await isIn("ready");
    await shows("Count to two!", "One, two.");

    const second = await ask("To four!");
    second.say("Three, ");
    await shows("Count to two!", "One, two.", "To four!", "Three, ");
    await tab.reload();
    await shows("Count to two!", "One, two.", "To four!", "Three, ");
    await isIn("streaming");
    second.say("four.");
    second.end();
    await isIn("ready");
    await shows("Count to two!", "One, two.", "To four!", "Three, four.");
    expect((await records.lastTurn(chat)).text).toBe("Three, four.");

    const third = await ask("Go on!");
    third.say("Five, ");
    const whole = ["Count to two!", "One, two.", "To four!", "Three, four.", "Go on!", "Five, "];
    await shows(...whole);
    await tab.reload();
    await shows(...whole);
    await tab.getByRole("button", { name: "Stop" }).click();
    await isIn("ready");
    expect(await records.lastTurn(chat)).toMatchObject({ text: "Five, ", wasAborted: true });
    expect((await records.inputs(chat)).filter((kind) => kind === "stop")).toHaveLength(1);

    await tab.reload();
    await shows(...whole);
    await isIn("ready");
    const roles = await messages.evaluateAll((items) => items.map(({ dataset }) => dataset.role));
    expect(roles.join()).toBe("user,assistant,user,assistant,user,assistant");
    expect(complaints).toEqual([]);
  },
);
