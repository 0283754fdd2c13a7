// What the page keeps over a reload.
import type { UIMessage } from "ai";
import type { ChatSessionPersistedState } from "trigger-chat-transport";
import type { Recording } from "./contract";

export function saveMessages(chatId: string, messages: UIMessage[]): void {
  sessionStorage.setItem(`messages of ${chatId}`, JSON.stringify(messages));
}

export function saveSession(chatId: string, session: ChatSessionPersistedState | null): void {
  sessionStorage.setItem(`session of ${chatId}`, JSON.stringify(session));
}

export function saveRecordings(chatId: string, recordings: Recording[]): void {
  sessionStorage.setItem(`recordings of ${chatId}`, JSON.stringify(recordings));
}

/** What the page had recorded before it was left; the streams that were open then are marked. */
export function storedRecordings(chatId: string): Recording[] {
  const recordings = JSON.parse(sessionStorage.getItem(`recordings of ${chatId}`) ?? "[]");
  return recordings.map((recording: Recording) => ({ end: "left", ...recording }));
}

/** The history, which ends with a question while an answer is written, and the state to resume from. */
export function stored(chatId: string): {
  messages: UIMessage[];
  sessions: Record<string, ChatSessionPersistedState>;
} {
  const messages = JSON.parse(sessionStorage.getItem(`messages of ${chatId}`) ?? "[]");
  const session = JSON.parse(sessionStorage.getItem(`session of ${chatId}`) ?? "null");
  return { messages, sessions: session ? { [chatId]: session } : {} };
}
