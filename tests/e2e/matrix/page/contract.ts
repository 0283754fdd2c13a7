// What the page and its test agree on.
import type { UIMessage } from "ai";

/** What the page's address says. */
export interface Scene {
  chat: string;
  agent: "model" | "approval";
  /** As apps are developed: StrictMode runs every effect twice. */
  mode: "strict" | "plain";
}

declare global {
  var reactVersion: string;
  /** The messages of `useChat`. */
  var messages: UIMessage[];
  /** What `useChat` has complained of. */
  var errors: string[];
}
