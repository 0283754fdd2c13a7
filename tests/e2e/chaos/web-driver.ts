// A tab of an engine that goes by a WebDriver: a browser of its own. A WebDriver tells neither requests
// nor what is on the console, and puts nothing into a page before it is loaded: the page notes itself
// what goes wrong in it, and asks a server here for what Chromium is given as functions.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { type Engine, type EngineName, launchEngine } from "../support/engines";
import type { Cookie } from "./service";
import type { AppServer, Tab, TabBrowser } from "./tab";

const POLL_MS = 10;

export async function launchByWebDriver(name: EngineName): Promise<TabBrowser> {
  return {
    open: (app, patienceMs) => WebDriverTab.open(name, app, patienceMs),
    close: async () => {},
  };
}

class WebDriverTab implements Tab {
  readonly requests: string[] = [];
  #engine: Engine;
  #server: Server;
  #patienceMs: number;
  /** What went wrong in pages that were left. */
  #findings: string[] = [];

  private constructor(engine: Engine, server: Server, patienceMs: number) {
    this.#engine = engine;
    this.#server = server;
    this.#patienceMs = patienceMs;
  }

  static async open(name: EngineName, app: AppServer, patienceMs: number): Promise<Tab> {
    const engine = await launchEngine(name);
    await engine.driver.manage().setTimeouts({ script: patienceMs, pageLoad: patienceMs });
    return new WebDriverTab(engine, await serve(app), patienceMs);
  }

  async goto(address: (app: string) => string): Promise<void> {
    const { port } = this.#server.address() as AddressInfo;
    await this.#engine.driver.get(address(`http://127.0.0.1:${port}`));
  }

  async reload(): Promise<void> {
    this.#findings = await this.findings();
    await this.#engine.driver.navigate().refresh();
  }

  async close(): Promise<void> {
    await this.#engine.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async evaluate<Argument, Result>(
    call: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result> {
    // As JSON, in which what is not there stays so.
    const script = `return Promise.resolve((${call})(JSON.parse(arguments[0])))
      .then((result) => JSON.stringify(result) ?? "null")`;
    const json = JSON.stringify(argument) ?? "null";
    return JSON.parse(await this.#engine.driver.executeScript<string>(script, json));
  }

  async until<Argument>(isSo: (argument: Argument) => boolean, argument: Argument): Promise<void> {
    const until = Date.now() + this.#patienceMs;
    while (!(await this.evaluate(isSo, argument))) {
      if (Date.now() > until) throw new Error(`never came about: ${isSo}`);
      await wait(POLL_MS);
    }
  }

  async addCookie(cookie: Cookie): Promise<void> {
    await this.#engine.driver.manage().addCookie(cookie);
  }

  async setOffline(): Promise<void> {
    throw new Error("a WebDriver cannot take the network away");
  }

  async findings(): Promise<string[]> {
    const fresh = await this.evaluate(() => globalThis.problems.splice(0), undefined);
    return [...this.#findings.splice(0), ...fresh];
  }
}

/** Serves the app's own server to a page of another origin: each function at its name. */
async function serve(app: AppServer): Promise<Server> {
  const server = createServer();
  server.on("request", async (request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    try {
      response.end(await answerOf(app, request));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

async function answerOf(app: AppServer, request: IncomingMessage): Promise<string> {
  const [chatId, agent] = JSON.parse(await text(request));
  return request.url === "/mintToken" ? app.mintToken(chatId) : app.startSession(chatId, agent);
}
