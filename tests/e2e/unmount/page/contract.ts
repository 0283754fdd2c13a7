// What the page and its test agree on.
import type { ChatSessionPersistedState } from "trigger-chat-transport";

/** What is to be seen. */
export interface Scene {
  /**
   * Where the transport is: in the chat's own component, which is a room; in the one around it, a
   * house, of which one has `stopOnAbort: false`; or in none. Of rooms there are also some with a key,
   * within `Suspense`, and within `Activity`.
   */
  kind: "room" | "keyed room" | "suspense" | "activity" | "house" | "careful house" | "no house";
  chat: string;
  isOpen: boolean;
  /** Whether what is around a room hides it. */
  isHidden: boolean;
}

declare global {
  var reactVersion: string;
  /** What the app has stored, by chat. */
  var sessions: Record<string, ChatSessionPersistedState>;
  /** Renders the first scene. */
  function play(scene: Scene, isStrict: boolean): void;
  /** Goes on to the next. */
  function show(change: Partial<Scene>, inTransition: boolean): void;
}
