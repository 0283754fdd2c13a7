import { isToken } from "../../src/browser/host.js";
import { checkStreamSource } from "./stream-source.js";
import type {
  ChatConnectionState,
  ChatSessionPersistedState,
  TriggerChatTransportOptions,
} from "./types.js";

/** What a core tells its transport, beside what it tells the app. None of it may throw. */
export type CoreObserver = {
  /** How the connection of a chat is, when it changes. */
  onConnection(chatId: string, state: ChatConnectionState): void;
  /** The session of a chat has changed. */
  onSession?(chatId: string): void;
};

/** A transport's options as its core has them. */
export type CoreOptions = TriggerChatTransportOptions &
  CoreObserver & {
    /** The sessions that the app had stored. */
    stored: [chatId: string, session: ChatSessionPersistedState][];
  };

/**
 * Checks the options of a transport and copies them, for later changes are made in the copy. A stored
 * session without a token restores nothing: the session is started as if it were new.
 *
 * @throws A `TypeError` that names the option that is missing or of the wrong type.
 */
export function coreOptions(
  options: TriggerChatTransportOptions | undefined,
  observer: CoreObserver,
): CoreOptions {
  // What an app without types may give.
  const given: Partial<Record<keyof TriggerChatTransportOptions, unknown>> = options ?? {};
  const { task, accessToken, baseURL, headStart } = given;
  if (!isFilled(task)) {
    throw new TypeError("`task` is required: the id of the agent's task, a string.");
  }
  if (accessToken == null) {
    throw new TypeError("`accessToken` is required: a function that gives a session token.");
  }
  if (!["string", "function", "undefined"].includes(typeof baseURL)) {
    throw new TypeError("`baseURL` has to be a string, or a function that gives one.");
  }
  if (headStart != null && !isFilled(headStart)) {
    throw new TypeError("`headStart` has to be a URL, a string.");
  }
  for (const name of [
    "accessToken",
    "startSession",
    "fetch",
    "onSessionChange",
    "onEvent",
  ] as const) {
    checkCallback(name, given[name]);
  }
  const checked = options as TriggerChatTransportOptions;
  const { EventSource } = globalThis as Record<string, unknown>;
  checkStreamSource(checked, Boolean(EventSource));
  const stored = Object.entries(checked.sessions ?? {}).filter(([, session]) => hasToken(session));
  return { ...checked, ...observer, stored };
}

/** @throws A `TypeError` where there is one, and it is no function. */
export function checkCallback(name: string, value: unknown): void {
  if (value != null && typeof value !== "function") {
    throw new TypeError(`\`${name}\` has to be a function.`);
  }
}

/** Whether there is a token that a header can hold. */
export function hasToken(session: Partial<ChatSessionPersistedState> | null | undefined): boolean {
  return isToken(session?.publicAccessToken);
}

export function isFilled(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
