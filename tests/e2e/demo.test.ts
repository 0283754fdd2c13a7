// The demo page from outside: a real browser, a real server, and what the agent wrote beside what the
// page made of it.
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, test as anyTest, beforeAll, describe, expect, vi } from "vitest";
import {
  buildPage,
  type Demo,
  ENDLESS,
  eventually,
  MODEL,
  openDemo,
  type Setting,
  temporaryFolder,
  textOf,
  Watchman,
} from "./demo-support";
import { launchBrowser } from "./support/browser";
import { BUILD_TIMEOUT_MS, startServer } from "./support/server";

// Most of the time the tests wait for an agent, so they can do it together.
vi.setConfig({ testTimeout: 300_000, maxConcurrency: 4 });

const SHORT = "Tell me a story: 30 words, 2 ms";

/** What Chromium says of requests to a server that is not there. */
const noNetwork = /ERR_INTERNET_DISCONNECTED/;
const tooBusy = /status of 503/;
const noServer = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING/;

const folder = temporaryFolder();
const productionPage = join(folder, "production");
const developmentPage = join(folder, "development");
let browser: Browser;

beforeAll(async () => {
  buildPage("production", productionPage);
  buildPage("development", developmentPage);
  browser = await launchBrowser();
  // The first one is compiled where that is due.
  await (await startServer()).stop();
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Open = (setting?: Partial<Setting>) => ReturnType<typeof openDemo>;

const test = anyTest.extend<{ open: Open }>({
  open: ({ onTestFinished }, use) =>
    use((setting) => openDemo(browser, onTestFinished, { page: productionPage, ...setting })),
});

/** Stops a running answer, and checks what the server and the page make of it. */
async function stop(demo: Demo, chatId: string) {
  await demo.at("stop").click();
  const messages = await demo.storedMessages(chatId, 2);
  await demo.isIn("ready");
  const turn = await demo.server.lastTurn(chatId);
  expect(turn.wasAborted).toBe(true);
  // The agent may have said a little more before it heard.
  expect(textOf(messages.at(-1))).not.toBe("");
  expect(turn.text.startsWith(textOf(messages.at(-1)))).toBe(true);
  expect(await demo.server.inputs(chatId)).toEqual(["submit-message", "stop"]);
}

describe.concurrent("an answer", () => {
  test("is kept byte for byte as the agent wrote it", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("story", "Tell me a story: 300 words, 1 ms");
    const turn = await demo.hasWholeAnswers(chatId, 1);
    expect(turn.text).toContain("日本語");
    expect(turn.text).toContain("🎉");
    expect(demo.watchman.tokensSeen).toBeGreaterThan(0);
  });

  test("shows while it is written", async ({ open }) => {
    const demo = await open();
    const { chatId, answer } = await demo.beginTalk();
    await demo.isAnswering();
    answer.say("These are the last words.");
    answer.end();
    const turn = await demo.hasWholeAnswers(chatId, 1);
    await demo.answers.getByText("These are the last words.").waitFor();
    expect(turn.wasAborted).toBe(false);
  });

  test("is whole for each of several messages of one chat", async ({ open }) => {
    const demo = await open();
    const texts = ["one “quoted” 日本語", "two  spaces\u2028and a separator", "three 🎉"];
    const chatId = await demo.begin("echo", "zero");
    expect((await demo.hasWholeAnswers(chatId, 1)).text).toBe("zero");
    for (const [index, text] of texts.entries()) {
      await demo.say(text);
      expect((await demo.hasWholeAnswers(chatId, index + 2)).text).toBe(text);
    }
  });

  test("of twenty thousand words at once is whole", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("story", "Tell me a story: 20000 words, 0 ms");
    await demo.hasWholeAnswers(chatId, 1);
  });

  test("that fails is told, and the next message is answered", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("story", "Tell me a story: 99999 words");
    await demo.notice.getByText("The number of words must be 1 to 20000").waitFor();
    await demo.say(SHORT);
    await demo.isIn("ready");
    const turn = await demo.server.lastTurn(chatId);
    const messages = await eventually("the stored answer", async () => {
      const messages = (await demo.server.stored(chatId))?.messages;
      return messages?.at(-1)?.role === "assistant" && messages;
    });
    expect(textOf(messages.at(-1))).toBe(turn.text);
    expect(await demo.notice.count()).toBe(0);
  });
});

describe.concurrent("a reload in the middle of an answer", () => {
  test("loses nothing and doubles nothing", async ({ open }) => {
    const demo = await open();
    const { chatId, answer } = await demo.beginTalk();
    await demo.isAnswering();
    await demo.reload();
    await demo.isAnswering();
    answer.end();
    await demo.hasWholeAnswers(chatId, 1);
  });

  test("can be followed by another", async ({ open }) => {
    const demo = await open();
    const { chatId, answer } = await demo.beginTalk();
    await demo.isAnswering();
    for (let reloads = 0; reloads < 2; reloads++) {
      await demo.reload();
      await demo.isAnswering();
    }
    answer.end();
    await demo.hasWholeAnswers(chatId, 1);
  });

  test("works in a later turn as in the first", async ({ open }) => {
    const demo = await open();
    const { chatId, answer: first } = await demo.beginTalk();
    first.end();
    await demo.hasWholeAnswers(chatId, 1);
    await demo.say("And on");
    const second = await demo.model.talk();
    await demo.hasAnswers(2);
    await demo.isAnswering();
    await demo.reload();
    await demo.isAnswering();
    second.end();
    await demo.hasWholeAnswers(chatId, 2);
  });

  test("works when the answer is given again", async ({ open }) => {
    const demo = await open();
    const { chatId, answer } = await demo.beginTalk();
    answer.end();
    const first = await demo.hasWholeAnswers(chatId, 1);
    await demo.at("regenerate").click();
    const again = await demo.model.talk();
    await demo.isAnswering();
    await demo.reload();
    await demo.isAnswering();
    again.end();
    const second = await demo.hasWholeAnswers(chatId, 1);
    expect(second.messageId).not.toBe(first.messageId);
  });

  test("shows an answer that has ended before the page is back", async ({ open }) => {
    const demo = await open();
    const { chatId, answer } = await demo.beginTalk();
    await demo.isAnswering();
    await demo.page.goto("about:blank");
    answer.end();
    await demo.server.turns(chatId);
    await demo.page.goto(`${demo.url}/#${chatId}`);
    await demo.hasWholeAnswers(chatId, 1);
  });

  test("and one after its end change nothing", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("story", SHORT);
    await demo.hasWholeAnswers(chatId, 1);
    await demo.reload();
    await demo.answers.waitFor();
    await demo.hasWholeAnswers(chatId, 1);
    await demo.say(SHORT);
    await demo.hasWholeAnswers(chatId, 2);
  });

  test("finds the answer of a message that was never acknowledged", async ({ open }) => {
    const demo = await open();
    const { chatId, answer: first } = await demo.beginTalk();
    first.end();
    await demo.hasWholeAnswers(chatId, 1);
    // The message lands, and the word of it does not come back.
    const landed = new Promise<void>((resolve, reject) => {
      demo.page
        .route("**/in/append", (route) => route.fetch().then(() => resolve(), reject))
        .catch(reject);
    });
    await demo.say("And on");
    const second = await demo.model.talk();
    await landed;
    await demo.reload();
    await demo.hasAnswers(2);
    await demo.isAnswering();
    second.end();
    await demo.hasWholeAnswers(chatId, 2);
  });
});

describe.concurrent("a stop", () => {
  test("reaches the agent, ends the answer, and the next turn is whole", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("story", ENDLESS);
    await demo.isAnswering();
    await stop(demo, chatId);
    await demo.say(SHORT);
    await demo.hasWholeAnswers(chatId, 2);
  });

  test("works after a reload", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("story", ENDLESS);
    await demo.isAnswering();
    await demo.reload();
    await demo.isAnswering();
    await stop(demo, chatId);
    await demo.say(SHORT);
    await demo.hasWholeAnswers(chatId, 2);
  });

  test("keeps its turn's last records out of the next turn after a reload", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("story", ENDLESS);
    await demo.isAnswering();
    await stop(demo, chatId);
    await demo.reload();
    await demo.answers.waitFor();
    await demo.say(SHORT);
    await demo.hasWholeAnswers(chatId, 2);
  });

  test("keeps its turn's last records out of a next turn that is reloaded", async ({ open }) => {
    const demo = await open();
    const { chatId } = await demo.beginTalk();
    await demo.isAnswering();
    await stop(demo, chatId);
    await demo.say("And on");
    const next = await demo.model.talk();
    await demo.hasAnswers(2);
    await demo.isAnswering();
    await demo.reload();
    await demo.isAnswering();
    next.end();
    await demo.hasWholeAnswers(chatId, 2);
  });

  test("of a message that is still on its way reaches the agent after it", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("story", SHORT);
    await demo.hasWholeAnswers(chatId, 1);
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await demo.page.route("**/in/append", async (route) => {
      const isMessage = route.request().postData()?.includes('"message"');
      if (isMessage) await released;
      await route.continue();
    });
    await demo.say(ENDLESS);
    await demo.isIn("submitted");
    await demo.at("stop").click();
    // Whatever the click has sent is ahead of this.
    await demo.page.evaluate(() => fetch("/app/chats"));
    release();
    await eventually("both in the agent's input", async () => {
      return (await demo.server.inputs(chatId)).length >= 3;
    });
    const inputs = await demo.server.inputs(chatId);
    expect(inputs).toEqual(["submit-message", "submit-message", "stop"]);
    expect((await demo.server.lastTurn(chatId)).wasAborted).toBe(true);
    await demo.isIn("ready");
  });
});

describe.concurrent("a chat that is left in the middle of an answer", () => {
  test("is answered meanwhile, and goes on once and whole when it is opened again", async ({
    open,
  }) => {
    const demo = await open();
    const { chatId, answer } = await demo.beginTalk();
    await demo.isAnswering();
    await demo.at("new-chat").click();
    await demo.at("agent-echo").waitFor();
    await demo.openChat(chatId);
    await demo.isAnswering();
    answer.end();
    const turn = await demo.hasWholeAnswers(chatId, 1);
    expect(turn.wasAborted).toBe(false);
    expect(await demo.server.inputs(chatId)).toEqual(["submit-message"]);
  });

  test("does not mix with the chat that is opened instead", async ({ open }) => {
    const demo = await open();
    const { chatId: first, answer } = await demo.beginTalk();
    await demo.isAnswering();
    const second = await demo.begin("echo", "And you?");
    expect(second).not.toBe(first);
    expect((await demo.hasWholeAnswers(second, 1)).text).toBe("And you?");
    await demo.openChat(first);
    await demo.isAnswering();
    answer.end();
    await demo.hasWholeAnswers(first, 1);
    await demo.openChat(second);
    await demo.hasWholeAnswers(second, 1);
  });

  test("shows an answer that has ended meanwhile", async ({ open }) => {
    const demo = await open();
    const { chatId, answer } = await demo.beginTalk();
    await demo.isAnswering();
    await demo.at("new-chat").click();
    await demo.at("agent-echo").waitFor();
    answer.end();
    await demo.server.turns(chatId);
    await demo.openChat(chatId);
    await demo.hasWholeAnswers(chatId, 1);
  });

  test("stays deleted when it is deleted", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("story", ENDLESS);
    await demo.isAnswering();
    await demo.delete();
    await demo.at("agent-story").waitFor();
    await demo.server.isGone(chatId);
    const next = await demo.begin("echo", "Still here?");
    await demo.hasWholeAnswers(next, 1);
    expect(await demo.server.stored(chatId)).toBeUndefined();
    expect(await demo.notice.count()).toBe(0);
  });
});

describe.concurrent("an agent", () => {
  test("thinks in a fold, which opens by keyboard and holds all that was thought", async ({
    open,
  }) => {
    const demo = await open();
    const chatId = await demo.begin("reasoning", "Should I take the ferry or the bridge?");
    const summary = demo.fold.locator("summary");
    const thoughts = demo.fold.locator(".markdown");
    await summary.waitFor();
    expect(await thoughts.isVisible()).toBe(false);
    await summary.focus();
    await demo.page.keyboard.press("Enter");
    await thoughts.waitFor();
    const { reasoning } = await demo.hasWholeAnswers(chatId, 1);
    const [, answer] = await demo.storedMessages(chatId, 2);
    expect(reasoning).toContain("There are two ways");
    expect(textOf(answer, "reasoning")).toBe(reasoning);
    // Open it was, and open it stays. It shows what was written, without the marks of the lists.
    const words = (text: string) => text.split(/\s+/);
    expect(words(await thoughts.innerText())).toEqual(
      words(reasoning.replace(/^(-|\d+\.) /gm, "")),
    );
    expect(await summary.innerText()).toBe("Thoughts");
    await summary.click();
    await thoughts.waitFor({ state: "hidden" });
    await demo.reload();
    await summary.waitFor();
    expect(await thoughts.isVisible()).toBe(false);
  });

  test("is one of those that the server has, and their list can be asked for again", async ({
    open,
  }) => {
    const demo = await open();
    const builtIn = ["Echo", "Story", "Reasoning", "Approval", "Steered", "Team", "Stumble"];
    const all = [...builtIn, MODEL];
    const names = demo.page.locator(".agent-name");
    await names.nth(all.length - 1).waitFor();
    expect(await names.allInnerTexts()).toEqual(all);
    const chatId = await demo.begin("echo", "Here before them");
    await demo.hasWholeAnswers(chatId, 1);
    demo.watchman.expect(/Failed to load resource/);
    await demo.page.route("**/app/agents", (route) => route.fulfill({ status: 503 }));
    await demo.reload();
    await demo.say("Here without them");
    await demo.hasWholeAnswers(chatId, 2);
    await demo.at("new-chat").click();
    await demo.notice.getByText("The agents could not be listed.").waitFor();
    // Nothing is sent to an agent that nobody chose.
    expect(await demo.composer.count()).toBe(0);
    await demo.page.unroute("**/app/agents");
    await demo.notice.getByRole("button", { name: "Try again" }).click();
    await names.nth(all.length - 1).waitFor();
    expect(await demo.notice.count()).toBe(0);
    const next = await demo.begin("echo", "Here with them");
    await demo.hasWholeAnswers(next, 1);
  });

  test("that is a model is awaited, thinks, answers, and says itself what is wrong", async ({
    open,
  }) => {
    const demo = await open();
    const { model } = demo;
    const agent = demo.page.locator(".agent", { has: demo.at("agent-model") });
    expect(await agent.innerText()).toContain(MODEL);
    expect(await agent.innerText()).toContain(model.host);
    const chatId = await demo.begin("model", "Who is there?");
    const request = await model.request();
    await demo.at("typing").waitFor();
    await demo.status.getByText("Thinking…").waitFor();
    request.think("Who *might* that be?");
    await demo.fold.getByText("Thinking…").waitFor();
    await demo.at("typing").waitFor({ state: "hidden" });
    expect(await demo.status.innerText()).toBe("Thinking…");
    request.say("A **parrot**.");
    await demo.status.getByText("Answering…").waitFor();
    await demo.answers.getByText("parrot", { exact: true }).waitFor();
    await demo.fold.getByText("Thoughts").waitFor();
    request.end();
    const turn = await demo.hasWholeAnswers(chatId, 1);
    expect(turn).toMatchObject({ reasoning: "Who *might* that be?", text: "A **parrot**." });
    expect(await demo.status.innerText()).toBe("Ready");

    await demo.say("What is wrong?");
    (await model.request()).refuse(429, "no seed left");
    await demo.notice
      .getByText(
        "The model's server is asked too much (429): wait a little, then try again. It says: “no seed left”",
        { exact: true },
      )
      .waitFor();
    await demo.notice.getByRole("button", { name: "Try again" }).click();
    const again = await model.request();
    expect(await demo.notice.count()).toBe(0);
    again.say("Nothing.");
    again.end();
    expect((await demo.hasWholeAnswers(chatId, 2)).text).toBe("Nothing.");
  });
});

describe.concurrent("a refusal", () => {
  test("says what to do, and trying again does it", async ({ open }) => {
    const demo = await open();
    demo.watchman.expect(/Failed to load resource/);
    const chatId = await demo.begin("echo", "zero");
    await demo.hasWholeAnswers(chatId, 1);
    await demo.page.route("**/in/append", (route) => route.fulfill({ status: 401 }));
    await demo.say("refused");
    await demo.notice.getByText("Your access to this chat has run out.").waitFor();
    await demo.isIn("error");
    await demo.page.unroute("**/in/append");
    await demo.notice.getByRole("button", { name: "Try again" }).click();
    await demo.hasWholeAnswers(chatId, 2);
    expect(await demo.notice.count()).toBe(0);
  });

  test("for a moment is waited out, and the message arrives once", async ({ open }) => {
    const demo = await open();
    demo.watchman.expect(/Failed to load resource/);
    const chatId = await demo.begin("echo", "zero");
    await demo.hasWholeAnswers(chatId, 1);
    for (const [index, status] of [429, 500].entries()) {
      await demo.order({ on: "append", status, times: 3 });
      await demo.say(`refused with ${status}`);
      await demo.hasWholeAnswers(chatId, index + 2);
      expect(await demo.notice.count()).toBe(0);
    }
    expect(await demo.server.inputs(chatId)).toEqual(Array(3).fill("submit-message"));
  });

  test("of a message that is too long says so", async ({ open }) => {
    const demo = await open();
    demo.watchman.expect(/Failed to load resource/);
    await demo.begin("echo", "long ".repeat(250_000));
    await demo.notice.getByText("The message is too long.").waitFor();
    await demo.notice.getByText("Send it again in shorter parts.").waitFor();
    await demo.say("short");
    await demo.answers.getByText("short").waitFor();
    await demo.isIn("ready");
    expect(await demo.notice.count()).toBe(0);
  });

  test("for good closes the chat, which can still be read", async ({ open }) => {
    const demo = await open();
    demo.watchman.expect(/Failed to load resource/);
    const chatId = await demo.begin("echo", "To be read");
    await demo.hasWholeAnswers(chatId, 1);
    await demo.closeSession(chatId);
    await demo.say("One more");
    const isClosed = async () => {
      await demo.at("closed").getByText("This chat is closed.").waitFor();
      await demo.answers.getByText("To be read").waitFor();
      expect(await demo.composer.count()).toBe(0);
      expect(await demo.notice.count()).toBe(0);
    };
    await isClosed();
    await demo.reload();
    await isClosed();
    await demo.at("closed").getByRole("button", { name: "New chat" }).click();
    await demo.at("agent-echo").waitFor();
    const next = await demo.begin("echo", "Elsewhere");
    await demo.hasWholeAnswers(next, 1);
  });
});

describe.concurrent("a connection that is lost", () => {
  test("while the browser is offline says so, and is back with the network", async ({ open }) => {
    const demo = await open({ db: join(folder, "offline.sqlite") });
    demo.watchman.expect(noServer);
    demo.watchman.expect(noNetwork);
    const { chatId } = await demo.beginTalk();
    await demo.isAnswering();
    // Chromium lets what is connected go on, as a browser does whose network is only half away.
    await demo.page.context().setOffline(true);
    await demo.kill();
    const offline = "You are offline. The answer goes on when you are back.";
    await demo.status.getByText(offline).waitFor();
    await demo.restart();
    const answer = await demo.model.talk();
    expect(await demo.status.innerText()).toBe(offline);
    await demo.page.context().setOffline(false);
    await demo.status.getByText("Answering…").waitFor();
    answer.end();
    await demo.hasWholeAnswers(chatId, 1);
    expect(await demo.status.innerText()).toBe("Ready");
  });

  test("is made again at once for somebody who does not want to wait", async ({ open }) => {
    const demo = await open();
    demo.watchman.expect(noServer);
    demo.watchman.expect(tooBusy);
    const { chatId } = await demo.beginTalk();
    await demo.isAnswering();
    // Longer than this test has patience.
    await demo.order({ on: "subscribe", status: 503, headers: { "Retry-After": "240" } });
    await demo.dropConnections();
    const answer = await demo.model.talk();
    await demo.status.getByText(/Trying again in \d{3} s…/).waitFor();
    await demo.page.getByRole("button", { name: "Try now" }).click();
    await demo.status.getByText("Answering…").waitFor();
    answer.end();
    await demo.hasWholeAnswers(chatId, 1);
    expect(await demo.page.getByRole("button", { name: "Try now" }).count()).toBe(0);
  });
});

describe.concurrent("a server that is killed", () => {
  test("in the middle of an answer goes on with it when it is back, in the page that stayed open", async ({
    open,
  }) => {
    const demo = await open({ db: join(folder, "killed.sqlite") });
    demo.watchman.expect(noServer);
    const { chatId } = await demo.beginTalk();
    await demo.isAnswering();
    const before = await demo.answers.last().innerText();
    const states = await demo.connectionStates();
    await demo.kill();
    await demo.status.getByText("Connection lost.").waitFor();
    await demo.status.getByText(/Trying again (in \d+ s|now)…/).waitFor();
    expect(await demo.answers.last().innerText()).toContain(before.slice(0, 60));
    await demo.restart();
    const answer = await demo.model.talk();
    await demo.status.getByText("Answering…").waitFor();
    answer.end();
    const turn = await demo.hasWholeAnswers(chatId, 1);
    expect(turn.wasAborted).toBe(false);
    const seen = (await states()).filter((state) => state !== "waiting");
    expect(seen.filter((state, index) => state !== seen[index - 1])).toEqual([
      "live",
      "reconnecting",
      "live",
      "idle",
    ]);
    expect(await demo.status.innerText()).toBe("Ready");
    await demo.say("And on");
    (await demo.model.talk()).end();
    await demo.hasWholeAnswers(chatId, 2);
  });

  test("hears of a stop when it is back", async ({ open }) => {
    const demo = await open({ db: join(folder, "deaf.sqlite") });
    demo.watchman.expect(noServer);
    const chatId = await demo.begin("story", ENDLESS);
    await demo.isAnswering();
    await demo.kill();
    await demo.status.getByText("Connection lost.").waitFor();
    await demo.at("stop").click();
    await demo.restart();
    await demo.isIn("ready");
    expect(await demo.notice.count()).toBe(0);
    expect((await demo.server.lastTurn(chatId)).wasAborted).toBe(true);
    await demo.storedMessages(chatId, 2);
  });

  test("and has lost all it knew is told again, by the page that stayed open", async ({ open }) => {
    const demo = await open();
    demo.watchman.expect(/Failed to load resource/);
    const chatId = await demo.begin("echo", "Do you know me?");
    await demo.hasWholeAnswers(chatId, 1);
    await demo.kill();
    await demo.restart();
    expect(await demo.server.stored(chatId)).toBeUndefined();
    await demo.say("And now?");
    expect((await demo.hasWholeAnswers(chatId, 2)).text).toBe("And now?");
    expect(await demo.notice.count()).toBe(0);
  });

  test("before a message has the message when it is back, once", async ({ open }) => {
    const demo = await open({ db: join(folder, "away.sqlite") });
    demo.watchman.expect(noServer);
    const chatId = await demo.begin("echo", "Are you there?");
    await demo.hasWholeAnswers(chatId, 1);
    await demo.kill();
    await demo.say("And now?");
    await demo.status.getByText("Connection lost.").waitFor();
    await demo.restart();
    expect((await demo.hasWholeAnswers(chatId, 2)).text).toBe("And now?");
    expect(await demo.server.inputs(chatId)).toEqual(["submit-message", "submit-message"]);
  });
});

describe.concurrent("the page", () => {
  test("answers again in place of the last answer", async ({ open }) => {
    const demo = await open();
    const chatId = await demo.begin("echo", "Once more");
    const first = await demo.hasWholeAnswers(chatId, 1);
    await demo.at("regenerate").click();
    await eventually("another answer", async () => {
      const answer = (await demo.server.stored(chatId))?.messages.at(1);
      return answer !== undefined && answer.id !== first.messageId;
    });
    expect((await demo.hasWholeAnswers(chatId, 1)).text).toBe("Once more");
    expect(await demo.server.inputs(chatId)).toEqual(["submit-message", "regenerate-message"]);
  });

  test("sends on Enter, and begins a line on Shift and Enter", async ({ open }) => {
    const demo = await open();
    await demo.composer.pressSequentially("first");
    await demo.composer.press("Shift+Enter");
    await demo.composer.pressSequentially("second");
    expect(await demo.composer.inputValue()).toBe("first\nsecond");
    await demo.composer.press("Enter");
    await demo.questions.waitFor();
    expect(await demo.composer.inputValue()).toBe("");
    expect((await demo.hasWholeAnswers(demo.chatId, 1)).text).toBe("first\nsecond");
  });

  test("lists chats by their first messages, and forgets one that is deleted", async ({ open }) => {
    const demo = await open();
    const kept = await demo.begin("echo", "To be kept");
    await demo.hasWholeAnswers(kept, 1);
    const deleted = await demo.begin("echo", "To be deleted");
    await demo.hasWholeAnswers(deleted, 1);
    await demo.delete("To be deleted");
    await demo.server.isGone(deleted);
    await demo.at("agent-echo").waitFor();
    expect(await demo.at("chat-item").count()).toBe(1);
    await demo.openChat(kept);
    await demo.hasWholeAnswers(kept, 1);
  });

  test("renames a chat by keyboard", async ({ open }) => {
    const demo = await open();
    const { keyboard } = demo.page;
    const focus = () =>
      demo.page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
    const isCalled = async (title: string) => {
      await demo.page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
      await demo.current.getByText(title, { exact: true }).waitFor();
      await eventually("the title", async () => (await demo.page.title()) === title);
    };
    const chatId = await demo.begin("echo", "A first  message");
    await demo.hasWholeAnswers(chatId, 1);
    await isCalled("A first message");
    await demo.at("rename").focus();
    await keyboard.press("Enter");
    expect(await focus()).toBe("Title");
    await keyboard.type("Not this");
    await keyboard.press("Escape");
    await isCalled("A first message");
    expect(await focus()).toBe("Rename this chat");
    // The server is away, and then is not.
    demo.watchman.expect(/Failed to load resource/);
    const refusal = `**/app/chats/${chatId}`;
    await demo.page.route(refusal, (route) => route.fulfill({ status: 503 }));
    await keyboard.press("Enter");
    await keyboard.type("Another title");
    await keyboard.press("Enter");
    await demo.notice.getByText("The chat could not be renamed.").waitFor();
    await demo.page.unroute(refusal);
    await demo.notice.getByRole("button", { name: "Try again" }).click();
    await isCalled("Another title");
    await demo.say("A second message");
    await demo.hasWholeAnswers(chatId, 2);
    await demo.reload();
    await isCalled("Another title");
  });

  test("can be used by keyboard alone", async ({ open }) => {
    const demo = await open();
    const { keyboard } = demo.page;
    const focused = () =>
      demo.page.evaluate(() => {
        const { ariaLabel, dataset, textContent } = document.activeElement as HTMLElement;
        return dataset.testid ?? ariaLabel ?? textContent;
      });
    const tabTo = async (name: string, key = "Tab") => {
      for (let presses = 0; presses < 40; presses++) {
        if ((await focused()) === name) return;
        await keyboard.press(key);
      }
      throw new Error(`${name} is not reached by ${key}`);
    };
    await demo.composer.waitFor();
    expect(await focused()).toBe("composer");
    await tabTo("agent-echo", "Shift+Tab");
    await keyboard.press("ArrowDown");
    expect(await focused()).toBe("agent-story");
    await tabTo("composer");
    await keyboard.type(ENDLESS);
    await keyboard.press("Enter");
    await demo.isAnswering();
    const chatId = demo.chatId;
    expect(await focused()).toBe("composer");
    await tabTo("stop");
    await keyboard.press("Enter");
    await demo.isIn("ready");
    expect(await focused()).toBe("composer");
    await demo.storedMessages(chatId, 2);
    await tabTo("regenerate", "Shift+Tab");
    await keyboard.press("Enter");
    await demo.isAnswering();
    await tabTo("stop");
    await keyboard.press("Enter");
    await demo.isIn("ready");
    await tabTo("delete-chat", "Shift+Tab");
    await keyboard.press("Enter");
    expect(await focused()).toBe("Keep");
    await keyboard.press("Escape");
    expect(await focused()).toBe("delete-chat");
    await keyboard.press("Enter");
    await keyboard.press("Tab");
    await keyboard.press("Enter");
    await demo.server.isGone(chatId);
    await demo.at("agent-echo").waitFor();
    expect(await focused()).toBe("composer");
  });

  test("fits a screen of 360 pixels, with its chats behind a button", async ({ open }) => {
    const demo = await open({ viewport: { width: 360, height: 640 } });
    const fits = async () =>
      expect(await demo.page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    await demo.at("agent-story").check();
    await fits();
    await demo.say("Tell me a story: 300 words, 0 ms");
    await demo.questions.waitFor();
    const chatId = demo.chatId;
    await demo.hasWholeAnswers(chatId, 1);
    await fits();
    await demo.at("rename").click();
    await fits();
    await demo.page.keyboard.press("Escape");
    const menu = demo.page.getByRole("button", { name: "Show chats" });
    await menu.click();
    await demo.at("new-chat").waitFor();
    await demo.page.keyboard.press("Escape");
    await demo.at("new-chat").waitFor({ state: "hidden" });
    await menu.click();
    await demo.at("new-chat").click();
    await demo.at("agent-echo").waitFor();
    await demo.at("new-chat").waitFor({ state: "hidden" });
    await menu.click();
    await demo.openChat(chatId);
    await demo.hasWholeAnswers(chatId, 1);
  });
});

describe.concurrent("React's StrictMode in development", () => {
  test("resumes twice, and one whole answer comes of it", async ({ open }) => {
    const demo = await open({ page: developmentPage });
    const loads: string[] = [];
    demo.page.on("request", (request) => {
      if (request.method() === "GET") loads.push(new URL(request.url()).pathname);
    });
    const { chatId, answer } = await demo.beginTalk();
    await demo.isAnswering();
    loads.length = 0;
    await demo.reload();
    await demo.isAnswering();
    answer.end();
    // The list is loaded by an effect, so this is proof that effects run twice.
    expect(loads.filter((path) => path === "/app/chats").length).toBeGreaterThanOrEqual(2);
    await demo.hasWholeAnswers(chatId, 1);
    await demo.say("And on");
    (await demo.model.talk()).end();
    await demo.hasWholeAnswers(chatId, 2);
  });

  test("leaves a chat, comes back, and stops it", async ({ open }) => {
    const demo = await open({ page: developmentPage });
    const chatId = await demo.begin("story", ENDLESS);
    await demo.isAnswering();
    await demo.at("new-chat").click();
    await demo.at("agent-echo").waitFor();
    await demo.openChat(chatId);
    await demo.isAnswering();
    await stop(demo, chatId);
    await demo.say(SHORT);
    await demo.hasWholeAnswers(chatId, 2);
  });
});

describe.concurrent("the watchman", () => {
  test("finds a token in a URL, a console line and the DOM, and an error", async ({
    onTestFinished,
  }) => {
    const server = await startServer({ page: productionPage });
    onTestFinished(() => server.stop());
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const watchman = new Watchman(context);
    const page = await context.newPage();
    await page.goto(server.url);
    const token = `eyJ${"a".repeat(20)}.eyJ${"b".repeat(20)}.${"c".repeat(20)}`;
    await page.evaluate(async (token) => {
      await fetch(`/app/chats?token=${token}`);
      console.log(token);
      document.body.dataset.token = token;
      setTimeout(() => {
        throw new Error("on purpose");
      });
    }, token);
    await watchman.look();
    await eventually("the error", async () => watchman.findings().length >= 4);
    const findings = watchman.findings().join("\n");
    for (const place of ["a URL", "a console line", "the DOM", "on purpose"]) {
      expect(findings).toContain(place);
    }
    expect(findings).not.toContain(token);
  });
});
