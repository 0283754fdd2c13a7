// What a test does on the page, and sees there and at the service. The test is the model as well: an
// answer goes on when the test says so, and never by the clock.
import type { Browser, Page } from "playwright-core";
import { eventually, type ModelRequest, type ModelStandIn, ServerRecords } from "../demo-support";
import { type SessionServer, startServer } from "../support/server";
import { type Told, told } from "../support/transcript";
import type { Scene } from "./page/contract";

/** How long a page may take to come to a state. Only a fault takes this long. */
export const PATIENCE_MS = 120_000;

/** The page that one AI SDK was built into, with a service of its own. */
export class Stage {
  readonly server: SessionServer;
  #model: ModelStandIn;
  #page: Page;
  #chat = "";
  #answer: ModelRequest | undefined;
  #complaints: string[] = [];

  private constructor(server: SessionServer, model: ModelStandIn, page: Page) {
    this.server = server;
    this.#model = model;
    this.#page = page;
    page.on("pageerror", (error) => this.#complaints.push(String(error.stack)));
    page.on("console", (message) => {
      if (message.type() === "error") this.#complaints.push(message.text());
    });
  }

  /** Serves what was built into the folder. */
  static async open(browser: Browser, folder: string, model: ModelStandIn): Promise<Stage> {
    const server = await startServer({ page: folder, flags: model.flags("stand-in") });
    return new Stage(server, model, await browser.newPage());
  }

  async close(): Promise<void> {
    await this.#page.close();
    await this.server.stop();
  }

  /** What the page has complained of. */
  async complaints(): Promise<string[]> {
    return [...this.#complaints.splice(0), ...(await this.#page.evaluate(() => globalThis.errors))];
  }

  reactVersion(): Promise<string> {
    return this.#page.evaluate(() => globalThis.reactVersion);
  }

  get chat(): string {
    return this.#chat;
  }

  // What happens

  /** Begins with a new chat. */
  async begin(scene: Scene): Promise<void> {
    this.#chat = scene.chat;
    await this.#page.goto(`${this.server.url}/?${new URLSearchParams({ ...scene })}`);
  }

  async click(button: "Send" | "Stop" | "Stop the turn" | "Regenerate" | "Approve"): Promise<void> {
    await this.#page.getByRole("button", { name: button, exact: true }).click();
  }

  /** Asks for an answer, and waits until it has begun, on the page too. */
  async ask(button: "Send" | "Regenerate", words = "One, "): Promise<void> {
    await this.click(button);
    this.#answer = await this.#model.request();
    this.#answer.say(words);
    await this.isAnswering(words);
  }

  /** Lets the agent say the rest. Nobody hears it, where the turn was stopped. */
  end(): void {
    this.#answer?.say("two.");
    this.#answer?.end();
  }

  async reload(): Promise<void> {
    await this.#page.reload();
  }

  // What is to be seen

  /** Waits until the page shows what the answer says so far, and more may come. */
  async isAnswering(words = "One, "): Promise<void> {
    await this.#shows("streaming", words);
  }

  /** Waits until the page is done, and shows all this. */
  async isWhole(words = "One, two."): Promise<void> {
    await this.#shows("ready", words);
  }

  /** Waits until the page is done. */
  async isReady(): Promise<void> {
    await this.#output("ready").waitFor({ state: "attached" });
  }

  /** Waits until a call of the tool is in this state, and no more is said. */
  async hasCall(state: string): Promise<void> {
    await this.isReady();
    await eventually(`a call whose state is ${state}`, async () =>
      (await this.messages()).some(({ parts }) => parts.at(-1)?.endsWith(state)),
    );
  }

  /** Waits until so many records have landed at the service. */
  async hasLanded(count: number): Promise<void> {
    const what = `${count} records of the input`;
    await eventually(what, async () => (await this.inputs()).length === count);
  }

  /** The page's messages. */
  async messages(): Promise<Told[]> {
    return (await this.#page.evaluate(() => globalThis.messages)).map(told);
  }

  /** What has landed at the service. */
  inputs(): Promise<string[]> {
    return new ServerRecords(this.server).inputs(this.chat);
  }

  async #shows(status: string, words: string): Promise<void> {
    const hasText = new RegExp(`^${words.replace(".", "\\.")}$`);
    await this.#output(status).filter({ hasText }).waitFor();
  }

  #output(status: string) {
    return this.#page.locator(`output[data-status=${status}]`);
  }
}
