// The demo page in an engine that goes by a WebDriver, and what a person does in it.
import { By, error, Key, type WebDriver, type WebElement } from "selenium-webdriver";
import { eventually, ServerRecords, type Turn } from "../demo-support";
import type { SessionServer } from "../support/server";

const ANSWERS = '[data-testid="message"][data-role="assistant"]';
const QUESTIONS = '[data-testid="message"][data-role="user"]';

type Status = "ready" | "submitted" | "streaming" | "error";

export class DemoPage {
  readonly server: ServerRecords;
  #driver: WebDriver;
  #url: string;

  constructor(driver: WebDriver, server: SessionServer) {
    this.server = new ServerRecords(server);
    this.#driver = driver;
    this.#url = server.url;
  }

  /** Opens the page, at the chat if one is named. */
  async open(chatId?: string): Promise<void> {
    await this.#driver.get(chatId ? `${this.#url}/#${chatId}` : this.#url);
  }

  /** Opens the chat in a new tab, and gives its handle. */
  async openBeside(chatId: string): Promise<string> {
    await this.#driver.switchTo().newWindow("tab");
    await this.open(chatId);
    return this.#driver.getWindowHandle();
  }

  /** The handle of the tab that is driven. */
  tab(): Promise<string> {
    return this.#driver.getWindowHandle();
  }

  async turnTo(tab: string): Promise<void> {
    await this.#driver.switchTo().window(tab);
  }

  /** Closes the tab that is driven. */
  async closeTab(): Promise<void> {
    await this.#driver.close();
  }

  async reload(): Promise<void> {
    await this.#driver.navigate().refresh();
  }

  // What a person does

  /** Begins a chat with its first message, and gives its id. */
  async begin(agent: string, text: string): Promise<string> {
    await this.click('[data-testid="new-chat"]');
    await this.click(`.agent:has([data-testid="agent-${agent}"])`);
    await this.say(text);
    await this.#has(QUESTIONS, 1);
    return new URL(await this.#driver.getCurrentUrl()).hash.slice(1);
  }

  async say(text: string): Promise<void> {
    await this.#act('[data-testid="composer"]', (composer) => composer.sendKeys(text, Key.ENTER));
  }

  async stop(): Promise<void> {
    await this.click('[data-testid="stop"]');
  }

  /** Clicks on what the selector means, once it is there. */
  async click(selector: string): Promise<void> {
    await this.#act(selector, (element) => element.click());
  }

  // What the page shows

  /** Waits until no other tab speaks. */
  async isFree(): Promise<void> {
    await this.#has('[data-testid="composer"]:not([readonly])', 1);
  }

  async isIn(status: Status): Promise<void> {
    await this.#has(`[data-testid="status"][data-status="${status}"]`, 1);
  }

  /**
   * Waits until the answer is being written and some of it shows. It has to be one that goes on until the
   * test ends or stops it.
   */
  async isAnswering(characters = 60): Promise<void> {
    await this.isIn("streaming");
    await eventually(`${characters} characters of an answer`, async () => {
      const text = (await this.texts(ANSWERS)).at(-1) ?? "";
      return text.length >= characters;
    });
  }

  async says(text: string): Promise<void> {
    await eventually(`“${text}” on the page`, async () =>
      (await this.texts("body")).some((shown) => shown.includes(text)),
    );
  }

  /** Waits for so many answers, the last of which is stored and shown as the agent wrote it. */
  async hasWholeAnswers(chatId: string, questions: number): Promise<Turn> {
    const turn = await this.server.storedTurn(chatId, questions);
    await this.isIn("ready");
    await this.#has(QUESTIONS, questions);
    await this.#has(ANSWERS, questions);
    return turn;
  }

  answers(): Promise<string[]> {
    return this.texts(ANSWERS);
  }

  /** The texts of all that the selector means, as they show. */
  texts(selector: string): Promise<string[]> {
    return this.#driver.executeScript(
      "return Array.from(document.querySelectorAll(arguments[0]), (one) => one.innerText)",
      selector,
    );
  }

  async #has(selector: string, count: number): Promise<void> {
    await eventually(`${count} of ${selector}`, async () => {
      return (await this.texts(selector)).length === count;
    });
  }

  /** Does something to an element, once it is there and lets it be done. */
  async #act(selector: string, act: (element: WebElement) => Promise<void>): Promise<void> {
    await eventually(`an element to act on: ${selector}`, async () => {
      try {
        await act(await this.#driver.findElement(By.css(selector)));
        return true;
      } catch (reason) {
        // React has drawn the page anew, or something is in front of it for a moment.
        if (passing.some((kind) => reason instanceof kind)) return false;
        throw reason;
      }
    });
  }
}

const passing = [
  error.NoSuchElementError,
  error.StaleElementReferenceError,
  error.ElementNotInteractableError,
  error.ElementClickInterceptedError,
];
