// What the page and its driver agree on.

export type ClientName = "ours" | "published";

/** What a tab is to be; it stands in the page's address. */
export interface Setup {
  client: ClientName;
  chat: string;
  /** Whether the page has Web Locks; a page over plain http on a network has none. */
  hasLocks: boolean;
  /** Whether it measures how long messages take from tab to tab, while it sends its own. */
  isRacing: boolean;
}

/** What a tab shows, and what has come to it. */
export interface View {
  isReadOnly: boolean;
  hasClaim: boolean;
  status: "submitted" | "streaming" | "ready" | "error";
  /** The messages, each as "user: …" or "assistant: …". */
  messages: string[];
  /** What came of each message that was sent from here: `"sent"`, or why not. */
  outcomes: string[];
  /** When it became read-only, or was free again, by the clock. */
  changes: { isReadOnly: boolean; at: number }[];
  /** Of each time that the page was shown, whether it came out of the back/forward cache. */
  isFromCache: boolean[];
  /** The longest that a racing tab's last ping took to another one and back, in milliseconds. */
  slowestPing: number;
}

declare global {
  var tab: {
    view(): View;
    /** Sends a message, at that time by the clock, or at once. */
    send(text: string, at?: number): void;
    /** Asks for the turn that may be running. */
    resume(): Promise<void>;
  };
  /** Bytes that all tabs have put on the channel, by the type of message. Of the page that counts. */
  var bytes: Record<string, number>;
}
