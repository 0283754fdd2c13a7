// The demo page in several tabs, in a real browser: one of them speaks, and the others say so and follow.
import { describe, expect, vi } from "vitest";
import { type Demo, demoTest, eventually } from "./demo-support";

vi.setConfig({ testTimeout: 300_000, maxConcurrency: 2 });

const test = demoTest("development");

const FOLLOWED = "Following another tab";

function saysThatItFollows({ page }: Demo): Promise<void> {
  return page.getByText(FOLLOWED).waitFor();
}

/** The texts of all messages, once another tab is no longer heard of. */
async function shown(demo: Demo): Promise<string[]> {
  await demo.page.getByPlaceholder("Write a message").waitFor();
  await demo.isIn("ready");
  return demo.page.getByTestId("message").allInnerTexts();
}

describe.concurrent("a chat in two tabs", () => {
  test("is followed live in the one that was opened in the middle of an answer", async ({
    open,
  }) => {
    const owner = await open();
    const chatId = await owner.begin("story", "Tell me of the lighthouse");
    await owner.isAnswering();
    const other = await owner.beside();
    await saysThatItFollows(other);
    await other.hasAnswers(1);
    expect(await other.at("answer-again").count()).toBe(0);
    const whole = await shown(owner);
    expect(await shown(other)).toEqual(whole);
    expect((await other.server.inputs(chatId)).length).toBe(1);
    // Now the other one may speak.
    await other.say("Tell me more");
    await saysThatItFollows(owner);
    await other.isIn("ready");
    const more = await shown(other);
    expect(more.length).toBe(4);
    expect(await shown(owner)).toEqual(more);
  });

  test("goes on in the other one when the one that speaks is closed", async ({ open }) => {
    const other = await open();
    const chatId = await other.begin("echo", "Hello");
    await shown(other);
    const owner = await other.beside();
    await shown(owner);
    await owner.say("Say this ".repeat(300).trim());
    await owner.isAnswering();
    await saysThatItFollows(other);
    await owner.page.close();
    const { text } = await other.server.lastTurn(chatId);
    await eventually("the whole answer", async () =>
      (await other.answers.last().innerText()).includes(text),
    );
    await other.isIn("ready");
    expect(await other.answers.count()).toBe(2);
  });

  test("keeps the words of the one that was not quick enough", async ({ open }) => {
    const owner = await open();
    const chatId = await owner.begin("echo", "Hello");
    await shown(owner);
    // It hears of no claim, as at the very same moment.
    const other = await owner.beside(() => {
      BroadcastChannel.prototype.postMessage = () => {};
      Object.defineProperty(BroadcastChannel.prototype, "onmessage", { set: () => {} });
      navigator.locks.query = async () => ({ held: [], pending: [] });
    });
    await shown(other);
    await owner.say("Say this ".repeat(300).trim());
    await owner.isAnswering();
    await other.say("I was too late");
    await other.page.locator("textarea", { hasText: "I was too late" }).waitFor();
    await other.isIn("ready");
    expect(await other.notice.count()).toBe(0);
    await shown(owner);
    expect(await owner.server.inputs(chatId)).toEqual(["submit-message", "submit-message"]);
  });
});
