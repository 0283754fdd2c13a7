// What the page and its driver agree on.
import type { UIMessage } from "ai";

/** A chat of the page. */
export interface ChatSetup {
  id: string;
  agent: "echo" | "story" | "reasoning";
  /** Whether deltas may be merged. Where not, chunks can be compared with the records one by one. */
  coalesces: boolean;
}

/** What reads the answers: by `eventsource` from the service's proxy, with a cookie in place of tokens. */
export const sources = ["fetch", "eventsource"] as const;

export type Source = (typeof sources)[number];

/** What the page is to be; it stands in the page's address. */
export interface Setup {
  /** Where the sessions are: an origin that is not the page's, as the real service is. */
  service: string;
  source: Source;
  chats: ChatSetup[];
  /** Where the app's own server is, if the driver cannot put its functions into the page. */
  app?: string;
}

/** A stream that the transport has given, and what came through it. */
export interface Recording {
  call: "send" | "resume";
  /** The chunks as JSON, so that nothing that is done to them later shows. */
  chunks: string[];
  /** `closed`, `cancelled`, `left` by a reload, or why it failed; none while it is open. */
  end?: string;
}

/** What a chat shows, and what came to it. */
export interface ChatView {
  messages: UIMessage[];
  status: "submitted" | "streaming" | "ready" | "error";
  error?: string;
  connection: string;
  /** How many messages were acknowledged since the page was loaded. */
  acknowledged: number;
  /** Of all streams, those before a reload too. */
  recordings: Recording[];
}

/** What the driver can do with a chat. */
export interface ChatControls {
  view(): ChatView;
  send(text: string, metadata: Record<string, number>): void;
  stop(): Promise<boolean>;
  retryNow(): void;
}

declare global {
  /** The page's chats, by id. */
  var chats: Record<string, ChatControls>;
  /** What has gone wrong in the page, as far as it sees that itself. */
  var problems: string[];
  /** The app's own server, which the driver plays: it is not what is put to the test. It sets the cookie. */
  function mintToken(chatId: string): Promise<string>;
  function startSession(chatId: string, agent: string): Promise<string>;
}
