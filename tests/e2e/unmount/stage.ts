// The page in one React and one mode, with a service of its own, and what a test does on it. The
// test is the model as well: an answer goes on when the test says so, and never by the clock.
import type { Browser, Page } from "playwright-core";
import { eventually, type ModelRequest, ModelStandIn, ServerRecords } from "../demo-support";
import type { Mode } from "../support/page";
import { type SessionServer, startServer } from "../support/server";
import type { Scene } from "./page/contract";

export class Stage {
  readonly server: SessionServer;
  readonly mode: Mode;
  #page: Page;
  #model: ModelStandIn;
  #answer: ModelRequest | undefined;
  #chats = 0;
  #problems: string[] = [];

  private constructor(page: Page, mode: Mode, server: SessionServer, model: ModelStandIn) {
    this.server = server;
    this.mode = mode;
    this.#page = page;
    this.#model = model;
    page.on("pageerror", (error) => this.#problems.push(String(error.stack)));
    page.on("console", (message) => {
      if (message.type() === "error") this.#problems.push(message.text());
    });
  }

  /** Opens the page that was built into the folder. */
  static async open(browser: Browser, folder: string, mode: Mode): Promise<Stage> {
    const model = await ModelStandIn.start();
    const server = await startServer({ page: folder, flags: model.flags("stand-in") });
    const page = await browser.newPage();
    await page.goto(server.url);
    return new Stage(page, mode, server, model);
  }

  async close(): Promise<void> {
    await this.#page.close();
    await this.server.stop();
    this.#model.stop();
  }

  /** What the page has complained of. */
  problems(): string[] {
    return this.#problems.splice(0);
  }

  reactVersion(): Promise<string> {
    return this.#page.evaluate(() => globalThis.reactVersion);
  }

  // What happens

  /** Begins with a new chat. */
  async play(kind: Scene["kind"] = "room"): Promise<void> {
    this.#chats += 1;
    const first = { kind, chat: this.#chatId, isOpen: true, isHidden: false };
    // As apps are developed: StrictMode runs every effect twice.
    await this.#page.evaluate(([first, isStrict]) => globalThis.play(first, isStrict), [
      first,
      this.mode === "development",
    ] as const);
  }

  /** Asks for an answer, and waits until it has begun. */
  async ask(): Promise<void> {
    await this.click("Send");
    await this.begin();
  }

  async begin(): Promise<void> {
    this.#answer = await this.#model.request();
    this.#answer.say("One, ");
  }

  /** Shows the scene, and waits until the chat is off the page. */
  async leave(change: Partial<Scene>, inTransition = false): Promise<void> {
    await this.#show(change, inTransition);
    await this.#chat.waitFor({ state: "hidden" });
  }

  /** Shows the chat again. */
  async comeBack(): Promise<void> {
    await this.#show({ chat: this.#chatId, isOpen: true, isHidden: false });
    await this.#chat.waitFor();
  }

  async click(button: string): Promise<void> {
    await this.#page.getByRole("button", { name: button, exact: true }).click();
  }

  /** Lets the agent say the rest. Nobody hears it, where the turn was stopped. */
  end(): void {
    this.#answer?.say("two.");
    this.#answer?.end();
  }

  // What is to be seen

  async isSubmitted(): Promise<void> {
    await this.#output("submitted").waitFor({ state: "attached" });
  }

  /** Waits until the answer's first words are on the page, and more may come. */
  async isAnswering(): Promise<void> {
    await this.#output("streaming").filter({ hasText: "One, " }).waitFor();
  }

  /** Waits until the page shows the whole answer, once. */
  async isWhole(): Promise<void> {
    await this.#output("ready")
      .filter({ hasText: /^One, two\.$/ })
      .waitFor();
  }

  async isStored({ isStreaming }: { isStreaming: boolean }): Promise<void> {
    await eventually(`a stored turn that is streaming: ${isStreaming}`, async () => {
      const stored = await this.#page.evaluate((chat) => globalThis.sessions[chat], this.#chatId);
      return stored?.isStreaming === isStreaming;
    });
  }

  /** Waits until something has landed at the server. */
  async hasLanded(): Promise<void> {
    await eventually("a record of the input", async () => (await this.#inputs()).length > 0);
  }

  /** What has landed at the server, and what the agent wrote, once that is over. */
  async record(): Promise<{ inputs: string[]; text: string; wasAborted: boolean }> {
    const { text, wasAborted } = await new ServerRecords(this.server).lastTurn(this.#chatId);
    return { inputs: await this.#inputs(), text, wasAborted };
  }

  async #inputs(): Promise<string[]> {
    return new ServerRecords(this.server).inputs(this.#chatId);
  }

  async #show(change: Partial<Scene>, inTransition = false): Promise<void> {
    await this.#page.evaluate(([change, inTransition]) => globalThis.show(change, inTransition), [
      change,
      inTransition,
    ] as const);
  }

  get #chatId() {
    return `chat-${this.#chats}`;
  }

  get #chat() {
    return this.#page.getByLabel(this.#chatId, { exact: true });
  }

  #output(status: string) {
    return this.#chat.locator(`output[data-status=${status}]`);
  }
}
