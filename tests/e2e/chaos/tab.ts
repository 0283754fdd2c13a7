// A page in a browser profile of its own, as chaos drives it, whatever the browser.
import type { ChatSetup } from "./page/contract";
import type { Cookie } from "./service";

/** The app's own server, which the driver plays. Either gives what the page takes for a token. */
export interface AppServer {
  mintToken(chatId: string): Promise<string>;
  startSession(chatId: string, agent: ChatSetup["agent"]): Promise<string>;
}

export interface Tab {
  /** The requests since somebody emptied it, as far as the browser tells of them. */
  readonly requests: string[];
  /** Opens the page; where the driver cannot put functions into it, `app` says where they are served. */
  goto(address: (app?: string) => string): Promise<void>;
  reload(): Promise<void>;
  close(): Promise<void>;
  /** Calls a function in the page. It sees nothing but its argument, and both go as JSON. */
  evaluate<Argument, Result>(
    call: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
  /** Waits until it is so in the page. */
  until<Argument>(isSo: (argument: Argument) => boolean, argument: Argument): Promise<void>;
  addCookie(cookie: Cookie): Promise<void>;
  setOffline(isOffline: boolean): Promise<void>;
  /** What is new: words on the console, errors, tokens where they do not belong. */
  findings(): Promise<string[]>;
}

/** Where tabs are opened. */
export interface TabBrowser {
  open(app: AppServer, patienceMs: number): Promise<Tab>;
  close(): Promise<void>;
}
