// The demo page beyond questions and answers: what an agent asks, hears, shows and takes back, in a
// real browser, beside what the server has of it.
import type { UIMessage } from "ai";
import { describe, expect, vi } from "vitest";
import { type Demo, demoTest, ENDLESS, eventually, textOf } from "./demo-support";

// Most of the time the tests wait for an agent, so they can do it together.
vi.setConfig({ testTimeout: 300_000, maxConcurrency: 4 });

const test = demoTest("production");

/** The states of a message's tool calls, in their order. */
function toolStates(message: UIMessage | undefined): unknown[] {
  return (message?.parts ?? []).flatMap((part) => ("toolCallId" in part ? [part.state] : []));
}

/** A stored message whose text holds this, as soon as there is one. */
function storedWith(demo: Demo, chatId: string, text: string): Promise<UIMessage> {
  return eventually(`a stored message with “${text}”`, async () =>
    (await demo.server.stored(chatId))?.messages.find((message) => textOf(message).includes(text)),
  );
}

/** Waits until this many messages of a chat are stored, which may be fewer than there were. */
function keeps(demo: Demo, chatId: string, count: number): Promise<true> {
  return eventually(`${count} stored messages`, async () => {
    const stored = await demo.server.stored(chatId);
    return stored?.messages.length === count;
  });
}

describe.concurrent("a tool that asks first", () => {
  const TWO = "Invite two people to the lighthouse";

  async function isAsked(demo: Demo): Promise<void> {
    await demo.at("tool").nth(1).getByRole("button", { name: "Allow" }).waitFor();
    await demo.isIn("ready");
  }

  test("shows what it would do, and does what was decided, call by call", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("approval", TWO);
    await isAsked(demo);
    const [ada, grace] = [demo.at("tool").first(), demo.at("tool").last()];
    expect((await ada.locator("dl").innerText()).split("\n")).toEqual([
      "To",
      "ada@example.com",
      "Subject",
      TWO,
      "Body",
      TWO,
    ]);
    await ada.getByRole("button", { name: "Allow" }).click();
    await ada.getByText("Allowed by you").waitFor();
    // The agent hears both decisions at once.
    await grace.getByRole("button", { name: "Deny" }).click();
    await grace.getByText("Denied by you").waitFor();
    await demo.answers.getByText("The email to grace@example.com stays here.").waitFor();
    await demo.answers.getByText("The email to ada@example.com is on its way.").waitFor();
    const answer = await storedWith(demo, chatId, "stays here");
    expect(toolStates(answer)).toEqual(["output-available", "output-denied"]);
    expect(await demo.server.inputs(chatId)).toEqual(["submit-message", "submit-message"]);
    await demo.reload();
    await ada.getByText("Allowed by you").waitFor();
    await grace.getByText("Denied by you").waitFor();
    expect(await demo.answers.count()).toBe(1);
    expect(await demo.page.getByRole("button", { name: "Allow" }).count()).toBe(0);
  });

  test("still asks after a reload", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("approval", TWO);
    await isAsked(demo);
    await demo.storedMessages(chatId, 2);
    await demo.reload();
    await isAsked(demo);
    for (const card of await demo.at("tool").all()) {
      await card.getByRole("button", { name: "Allow" }).click();
    }
    await demo.answers.getByText("The email to grace@example.com is on its way.").waitFor();
    const answer = await storedWith(demo, chatId, "grace@example.com is on its way");
    expect(toolStates(answer)).toEqual(["output-available", "output-available"]);
  });

  test("keeps its calls when the page is reloaded while it acts on the decision", async ({
    open,
  }) => {
    const demo = await open();
    const chatId = await demo.begin("approval", "Invite Ada to the lighthouse");
    const allow = demo.page.getByRole("button", { name: "Allow" });
    await allow.waitFor();
    await demo.storedMessages(chatId, 2);
    await demo.order({ on: "subscribe", stallAfterBytes: 0, pings: true });
    await allow.click();
    await eventually("the decision in the agent's input", async () => {
      return (await demo.server.inputs(chatId)).length === 2;
    });
    await eventually("the stored decision", async () => {
      const messages = (await demo.server.stored(chatId))?.messages;
      return toolStates(messages?.at(-1))[0] === "approval-responded";
    });
    await demo.reload();
    await demo.answers.getByText("The email to ada@example.com is on its way.").waitFor();
    await demo.at("tool").getByText("Allowed by you").waitFor();
    await demo.isIn("ready");
    expect(await demo.answers.count()).toBe(1);
    expect(await demo.answers.getByText("May I send it?").count()).toBe(1);
    expect(await demo.server.inputs(chatId)).toHaveLength(2);
  });
});

describe.concurrent("the last exchange", () => {
  test("is taken back, here and at the agent, and the chat goes on before it", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("echo", "To be kept");
    await demo.hasWholeAnswers(chatId, 1);
    await demo.say("To be forgotten");
    await demo.hasWholeAnswers(chatId, 2);
    await demo.at("take-back").click();
    await demo.questions.getByText("To be forgotten").waitFor({ state: "detached" });
    expect(await demo.answers.allInnerTexts()).toHaveLength(1);
    await keeps(demo, chatId, 2);
    await demo.reload();
    await demo.answers.getByText("To be kept").waitFor();
    expect(await demo.questions.count()).toBe(1);
    await demo.say("And on");
    expect((await demo.hasWholeAnswers(chatId, 2)).text).toBe("And on");
    const inputs = await demo.server.inputs(chatId);
    expect(inputs).toEqual(["submit-message", "submit-message", "action", "submit-message"]);
  });

  test("can be the only one, and the chat keeps its agent", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("echo", "One");
    await demo.hasWholeAnswers(chatId, 1);
    await demo.at("take-back").click();
    await demo.page.getByRole("heading", { name: "What would you like to say to Echo?" }).waitFor();
    await keeps(demo, chatId, 0);
    await demo.say("Another");
    expect(demo.chatId).toBe(chatId);
    expect((await demo.hasWholeAnswers(chatId, 1)).text).toBe("Another");
  });

  test("is put back when the agent cannot be told, and can be taken back again", async ({
    open,
  }) => {
    const demo = await open();
    demo.watchman.expect(/Failed to load resource/);
    const chatId = await demo.begin("echo", "To be forgotten");
    await demo.hasWholeAnswers(chatId, 1);
    await demo.order({ on: "append", status: 400 });
    await demo.at("take-back").click();
    await demo.notice.getByText("The last exchange could not be taken back.").waitFor();
    await demo.hasWholeAnswers(chatId, 1);
    await demo.notice.getByRole("button", { name: "Try again" }).click();
    await demo.answers.waitFor({ state: "detached" });
    await keeps(demo, chatId, 0);
    expect(await demo.notice.count()).toBe(0);
  });
});

describe.concurrent("what is said while an answer streams", () => {
  test("is heard at the next pause, or queued for the next turn, as the user likes", async ({
    open,
  }) => {
    const demo = await open();
    const chatId = await demo.begin("steered", ENDLESS);
    await demo.isAnswering(20);
    await demo.say("More gulls");
    await demo.composer.fill("Thank you");
    await demo.at("queue").click();
    const queued = demo.page.locator('[data-testid="pending"][data-mode="queued"]');
    await queued.getByText("Thank you").waitFor();
    await queued.getByText("After this answer").waitFor();
    expect(await demo.composer.inputValue()).toBe("");
    await demo.composer.fill("And fog");
    await demo.at("queue").click();
    await queued.filter({ hasText: "And fog" }).getByRole("button", { name: "Say it now" }).click();
    await demo.answers.getByTestId("injected").getByText("And fog").waitFor();
    // In its place: after what was said before it, and before the answer to it.
    await demo.answers.getByTestId("injected").getByText("More gulls").waitFor();
    await demo.answers.getByText(/You say .*“More gulls”.*I hear you/).waitFor();
    await demo.at("pending").getByText("More gulls").waitFor({ state: "detached" });
    const said = await demo.answers.first().innerText();
    const places = ["The Keeper", "More gulls", "I hear you"].map((words) => said.indexOf(words));
    expect(places).not.toContain(-1);
    expect([...places].sort((one, other) => one - other)).toEqual(places);
    // The turn ends, and what waited for that is said.
    await demo.at("stop").click();
    await demo.questions.getByText("Thank you").waitFor();
    await demo.at("pending").waitFor({ state: "detached" });
    const answer = await storedWith(demo, chatId, "“More gulls”");
    expect(answer.parts.map(({ type }) => type)).toContain("data-pending-message-injected");
    expect(await demo.server.inputs(chatId)).toEqual([
      ...Array(3).fill("submit-message"),
      "stop",
      "submit-message",
    ]);
  });

  test("is not lost in a reload", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("steered", ENDLESS);
    await demo.isAnswering(20);
    await demo.say("More gulls");
    await demo.composer.fill("Thank you");
    await demo.at("queue").click();
    await demo.at("injected").waitFor();
    await demo.reload();
    // What was heard is in the answer that goes on, what nobody heard is ready to be sent.
    await demo.at("injected").getByText("More gulls").waitFor();
    await demo.isIn("streaming");
    expect(await demo.composer.inputValue()).toBe("Thank you");
    expect(await demo.at("injected").count()).toBe(1);
    await demo.at("stop").click();
    await demo.isIn("ready");
    expect(await demo.server.inputs(chatId)).toEqual(["submit-message", "submit-message", "stop"]);
  });

  test("is queued by Enter where the agent hears nothing meanwhile", async ({ open }) => {
    const demo = await open();
    const { chatId, answer } = await demo.beginTalk();
    await demo.isAnswering();
    await demo.say("Tell me another one");
    await demo.at("pending").getByText("After this answer").waitFor();
    answer.end();
    (await demo.model.talk()).end();
    await demo.questions.getByText("Tell me another one").waitFor();
    await demo.hasWholeAnswers(chatId, 2);
    expect(await demo.server.inputs(chatId)).toEqual(["submit-message", "submit-message"]);
  });
});

describe.concurrent("a chat that is closed", () => {
  test("by its menu says why, takes no more messages, and stays so", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("echo", "To be read");
    await demo.hasWholeAnswers(chatId, 1);
    const { keyboard } = demo.page;
    await demo.at("chat-menu").focus();
    await keyboard.press("Enter");
    await demo.page.getByRole("button", { name: "Close this chat" }).waitFor();
    await keyboard.press("Tab");
    await keyboard.press("Enter");
    await keyboard.type("All has been said");
    await keyboard.press("Enter");
    const line = demo.at("closed");
    const isClosed = async () => {
      await line.getByText("This chat is closed: “All has been said”.").waitFor();
      await demo.answers.getByText("To be read").waitFor();
      expect(await demo.composer.count()).toBe(0);
      expect(await demo.at("chat-menu").count()).toBe(0);
      expect(await demo.at("regenerate").count()).toBe(0);
    };
    await isClosed();
    expect(await demo.page.evaluate(() => document.activeElement?.textContent)).toBe("New chat");
    await demo.reload();
    await isClosed();
    expect(await demo.server.inputs(chatId)).toEqual(["submit-message", "action"]);
    await line.getByRole("button", { name: "New chat" }).click();
    const next = await demo.begin("echo", "Elsewhere");
    await demo.hasWholeAnswers(next, 1);
  });

  test("by somebody else gives their reason to who writes", async ({ open }) => {
    const demo = await open();
    demo.watchman.expect(/Failed to load resource/);
    const chatId = await demo.begin("echo", "To be read");
    await demo.hasWholeAnswers(chatId, 1);
    await demo.closeSession(chatId, "The office is closed");
    await demo.say("One more");
    await demo.at("closed").getByText("“The office is closed”").waitFor();
    expect(await demo.notice.count()).toBe(0);
  });

  test("has to be asked for twice", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("echo", "Still here");
    await demo.hasWholeAnswers(chatId, 1);
    await demo.at("chat-menu").click();
    await demo.page.getByRole("button", { name: "Close this chat" }).click();
    await demo.page.getByRole("button", { name: "Keep it open" }).click();
    await demo.page.locator("#chat-menu").waitFor({ state: "hidden" });
    await demo.say("And here");
    await demo.hasWholeAnswers(chatId, 2);
  });
});

describe.concurrent("the picked model", () => {
  test("goes along with each message, and shows on its answer", async ({ open }) => {
    const demo = await open();
    await demo.at("agent-echo").waitFor();
    await demo.at("model").selectOption("Deep");
    await demo.say("First");
    await demo.questions.waitFor();
    const { chatId } = demo;
    await demo.hasWholeAnswers(chatId, 1);
    await demo.at("model").selectOption("Steady");
    await demo.say("Second");
    await demo.hasWholeAnswers(chatId, 2);
    const arePicked = async () => {
      await demo.answers.nth(0).getByText("Deep", { exact: true }).waitFor();
      await demo.answers.nth(1).getByText("Steady", { exact: true }).waitFor();
      expect(await demo.at("model").inputValue()).toBe("Steady");
    };
    await arePicked();
    const messages = await demo.storedMessages(chatId, 4);
    expect(messages.map(({ metadata }) => metadata)).toEqual([
      undefined,
      { model: "Deep" },
      undefined,
      { model: "Steady" },
    ]);
    await demo.reload();
    await arePicked();
  });
});

describe.concurrent("agents that work inside a tool call", () => {
  test("show their work while they do it, also after a reload", async ({ open }) => {
    const demo = await open();
    // They repeat it, so they are at it for longer than the test.
    await demo.begin("team", `Shall we ${"wait and ".repeat(4_000)}see?`);
    const areAtWork = async () => {
      const work = demo.page.locator('[data-testid="tool"][data-state="input-available"]');
      await work.getByText("Seen from the sunny side").waitFor();
      await work.getByText("Before anyone celebrates").waitFor();
      expect(await work.getByText("Working…").count()).toBe(2);
    };
    await areAtWork();
    await demo.reload();
    await areAtWork();
    await demo.at("stop").click();
    await demo.isIn("ready");
  });

  test("show what they have come to, also after a reload", async ({ open }) => {
    const demo = await open();
    const question = "Shall we rebuild the old harbour?";
    const chatId = await demo.begin("team", question);
    await demo.answers.getByText("Both have spoken. I leave it to you.").waitFor();
    const areDone = async () => {
      const done = demo.page.locator('[data-testid="tool"][data-state="output-available"]');
      await done.nth(1).waitFor();
      expect(await done.getByTestId("sub-agent").allInnerTexts()).toEqual([
        `Seen from the sunny side, this will turn out well: “${question}”.`,
        `Before anyone celebrates, it should be asked what is behind this: “${question}”.`,
      ]);
      expect(await done.getByText("Done").count()).toBe(2);
    };
    await areDone();
    await demo.hasWholeAnswers(chatId, 1);
    await demo.reload();
    await areDone();
  });
});

describe.concurrent("an answer that breaks off with an error", () => {
  const SAID = "That is a good thing to say, and the answer to it is";
  const WHY = "The agent stumbled in the middle of its answer, as it always does.";

  test("keeps what was written, says what happened, and can be given again", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("stumble", "Is the sea calm?");
    const hasStumbled = async () => {
      await demo.notice.getByText(WHY).waitFor();
      await demo.isIn("error");
      await demo.answers.getByText(SAID, { exact: true }).waitFor();
      expect(await demo.answers.count()).toBe(1);
    };
    await hasStumbled();
    await demo.notice.getByRole("button", { name: "Answer again" }).click();
    await demo.notice.waitFor({ state: "detached" });
    await hasStumbled();
    const again = ["submit-message", "regenerate-message"];
    expect(await demo.server.inputs(chatId)).toEqual(again);
    // Nothing brings the error back, so it is told in the answer.
    await demo.storedMessages(chatId, 2);
    await demo.reload();
    await demo.answers.getByText(SAID, { exact: true }).waitFor();
    await demo.at("broken").getByText(WHY).waitFor();
    await demo.at("regenerate").click();
    await hasStumbled();
    expect(await demo.at("broken").count()).toBe(0);
    expect(await demo.server.inputs(chatId)).toEqual([...again, "regenerate-message"]);
  });
});
