// The demo page in several tabs, in a real browser: one of them speaks, and the others say so and follow.
import { describe, expect, vi } from "vitest";
import { type Demo, demoTest, eventually } from "./demo-support";

vi.setConfig({ testTimeout: 300_000, maxConcurrency: 2 });

const test = demoTest("development");

const FOLLOWED = "Following another tab";

function saysThatItFollows({ page }: Demo): Promise<void> {
  return page.getByText(FOLLOWED).waitFor();
}

/** Waits until no other tab is heard of, and the answer is over. */
async function isFree(demo: Demo): Promise<void> {
  await demo.page.getByPlaceholder("Write a message").waitFor();
  await demo.isIn("ready");
}

/** Waits until all of them show so many messages, the same ones, the last of which says this. */
async function allShow(demos: Demo[], count: number, last: string): Promise<void> {
  await eventually(`the same ${count} messages in all tabs`, async () => {
    const shown = await Promise.all(
      demos.map(({ page }) => page.getByTestId("message").allInnerTexts()),
    );
    const isSame = new Set(shown.map((texts) => JSON.stringify(texts))).size === 1;
    return isSame && shown[0]?.length === count && shown[0].at(-1)?.includes(last);
  });
}

/** Begins a chat, whose first answer is over. */
async function greeted(demo: Demo): Promise<string> {
  const { chatId, answer } = await demo.beginTalk();
  answer.end();
  await demo.hasWholeAnswers(chatId, 1);
  return chatId;
}

describe.concurrent("a chat in two tabs", () => {
  test("is followed live in the one that was opened in the middle of an answer", async ({
    open,
  }) => {
    const owner = await open();
    const { chatId, answer } = await owner.beginTalk();
    await owner.isAnswering();
    const other = await owner.beside();
    await saysThatItFollows(other);
    await other.hasAnswers(1);
    expect(await other.at("answer-again").count()).toBe(0);
    answer.say("The end.");
    answer.end();
    for (const demo of [owner, other]) await isFree(demo);
    await allShow([owner, other], 2, "The end.");
    expect((await other.server.inputs(chatId)).length).toBe(1);
    // Now the other one may speak.
    await other.say("Tell me more");
    const more = await other.model.talk();
    await saysThatItFollows(owner);
    more.say("The other end.");
    more.end();
    for (const demo of [owner, other]) await isFree(demo);
    await allShow([owner, other], 4, "The other end.");
  });

  test("goes on in the other one when the one that speaks is closed", async ({ open }) => {
    const other = await open();
    const chatId = await greeted(other);
    const owner = await other.beside();
    await isFree(owner);
    await owner.say("Go on");
    const answer = await owner.model.talk();
    await owner.hasAnswers(2);
    await saysThatItFollows(other);
    await owner.page.close();
    answer.say("The end.");
    answer.end();
    await other.answers.last().getByText("The end.").waitFor();
    await other.hasWholeAnswers(chatId, 2);
  });

  test("keeps the words of the one that was not quick enough", async ({ open }) => {
    const owner = await open();
    const chatId = await greeted(owner);
    // It hears of no claim, as at the very same moment.
    const other = await owner.beside(() => {
      BroadcastChannel.prototype.postMessage = () => {};
      Object.defineProperty(BroadcastChannel.prototype, "onmessage", { set: () => {} });
      navigator.locks.query = async () => ({ held: [], pending: [] });
    });
    await isFree(other);
    await owner.say("Go on");
    const answer = await owner.model.talk();
    await owner.hasAnswers(2);
    await other.say("I was too late");
    await other.page.locator("textarea", { hasText: "I was too late" }).waitFor();
    await other.isIn("ready");
    expect(await other.notice.count()).toBe(0);
    answer.end();
    await owner.hasWholeAnswers(chatId, 2);
    expect(await owner.server.inputs(chatId)).toEqual(["submit-message", "submit-message"]);
  });
});
