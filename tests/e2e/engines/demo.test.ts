// The demo's main conversation in the engines beside Chromium, in which `demo.test.ts` has them all.
import { rmSync } from "node:fs";
import { afterAll, test as anyTest, beforeAll, describe, expect, vi } from "vitest";
import { buildPage, ENDLESS, eventually, ModelStandIn, temporaryFolder } from "../demo-support";
import { type Engine, engineNames, launchEngine } from "../support/engines";
import { BUILD_TIMEOUT_MS, startServer } from "../support/server";
import { DemoPage } from "./demo-page";

vi.setConfig({ testTimeout: 300_000 });

const SHORT = "Tell me a story: 30 words, 2 ms";
/** For the model, whose answer ends when the test says so. */
const QUESTION = "Tell me of the sea";

const folder = temporaryFolder();
beforeAll(() => buildPage("production", folder), BUILD_TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(engineNames)("in %s", (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await launchEngine(name);
  }, BUILD_TIMEOUT_MS);
  afterAll(() => engine?.close());

  const test = anyTest.extend<{ model: ModelStandIn; demo: DemoPage }>({
    model: async ({ onTestFinished }, use) => {
      const model = await ModelStandIn.start();
      onTestFinished(() => model.stop());
      await use(model);
    },
    /** The page of a server of its own, which makes it a page of an origin of its own. */
    demo: async ({ onTestFinished, model }, use) => {
      const server = await startServer({ page: folder, flags: model.flags("stand-in") });
      onTestFinished(() => server.stop());
      const demo = new DemoPage(engine.driver, server);
      await demo.open();
      await use(demo);
    },
  });

  test("an answer shows while it is written, and is kept byte for byte", async ({
    demo,
    model,
  }) => {
    const chatId = await demo.begin("model", QUESTION);
    const answer = await model.talk();
    await demo.isAnswering();
    answer.say("The end.");
    answer.end();
    const turn = await demo.hasWholeAnswers(chatId, 1);
    expect(turn.text).toContain("日本語");
    expect(turn.text).toContain("🌊");
    await demo.says("The end.");
    await demo.say(QUESTION);
    (await model.talk()).end();
    await demo.hasWholeAnswers(chatId, 2);
  });

  test("a reload in the middle of an answer loses nothing and doubles nothing", async ({
    demo,
    model,
  }) => {
    const chatId = await demo.begin("model", QUESTION);
    const answer = await model.talk();
    await demo.isAnswering();
    for (let reloads = 0; reloads < 2; reloads++) {
      await demo.reload();
      await demo.isAnswering();
    }
    answer.end();
    const turn = await demo.hasWholeAnswers(chatId, 1);
    expect(turn.wasAborted).toBe(false);
    expect(await demo.server.inputs(chatId)).toEqual(["submit-message"]);
  });

  test("a stop after a reload reaches the agent, and the next turn is whole", async ({ demo }) => {
    const chatId = await demo.begin("story", ENDLESS);
    await demo.isAnswering();
    await demo.reload();
    await demo.isAnswering();
    await demo.stop();
    await demo.isIn("ready");
    expect((await demo.server.lastTurn(chatId)).wasAborted).toBe(true);
    expect(await demo.server.inputs(chatId)).toEqual(["submit-message", "stop"]);
    await demo.say(SHORT);
    await demo.hasWholeAnswers(chatId, 2);
  });

  test("a tool call does what was decided, also after a reload", async ({ demo }) => {
    const chatId = await demo.begin("approval", "Invite two people to the lighthouse");
    await demo.says("Asks you first");
    await demo.server.storedMessages(chatId, 2);
    await demo.reload();
    await demo.click(".tool-question .primary");
    await demo.says("Allowed by you");
    await demo.click(".tool-question button:not(.primary)");
    await demo.says("Denied by you");
    await demo.says("The email to ada@example.com is on its way.");
    await demo.says("The email to grace@example.com stays here.");
    await demo.isIn("ready");
    expect(await demo.server.inputs(chatId)).toEqual(["submit-message", "submit-message"]);
  });

  test("another tab follows, and may speak when the answer is over", async ({ demo, model }) => {
    const chatId = await demo.begin("model", QUESTION);
    const answer = await model.talk();
    await demo.isAnswering();
    const owner = await demo.tab();
    const other = await demo.openBeside(chatId);
    await demo.says("Following another tab");
    answer.say("The end.");
    answer.end();
    await demo.turnTo(owner);
    await demo.hasWholeAnswers(chatId, 1);
    await demo.says("The end.");
    const whole = await demo.answers();
    await demo.turnTo(other);
    await eventually("the whole answer", async () => {
      return JSON.stringify(await demo.answers()) === JSON.stringify(whole);
    });
    await demo.isFree();
    await demo.isIn("ready");
    await demo.say(QUESTION);
    (await model.talk()).end();
    await demo.hasWholeAnswers(chatId, 2);
    // Before the other is closed: Firefox may lose what a page says in its last moment.
    await demo.turnTo(owner);
    await demo.hasWholeAnswers(chatId, 2);
    await demo.turnTo(other);
    await demo.closeTab();
    await demo.turnTo(owner);
    await demo.hasWholeAnswers(chatId, 2);
  });
});
