import type { UIMessage } from "ai";
import { React } from "./peer.js";
import { useLatest } from "./use-latest.js";

/** What the app's server gives of a conversation: what `chat.createLoadTranscriptAction` returns. */
export type LoadTranscriptResult<TUIMessage extends UIMessage = UIMessage> = {
  /** The messages of this page, the oldest first. */
  messages: TUIMessage[];
  /** Where the session stood when these messages were stored. */
  cursors?: {
    /** The place in its output; a stream can begin there. */
    lastOutEventId?: string;
    /** The place in its input. */
    lastInEventId?: string;
  };
  /** Names the page before this one; absent on the first page of the conversation. */
  nextCursor?: string;
};

/** A transport whose stream can be told where to begin. */
type ResumableTransport = {
  seedResumeCursor(chatId: string, lastEventId: string): void;
};

/** Options of `useLoadTranscript`. */
export type UseLoadTranscriptOptions = {
  /** Its stream of this chat will begin where the transcript ends. */
  transport?: ResumableTransport | undefined;
  /** How many messages to load. */
  limit?: number | undefined;
};

/** What came of one load, and of which. */
type Loaded<TUIMessage> = {
  chatId: string;
  limit: number | undefined;
  messages: TUIMessage[];
  error: Error | undefined;
  nextCursor: string | undefined;
};

// One array for all that is empty: effects that depend on the messages do not run again for it.
const noMessages: never[] = [];

/**
 * Lets the chat's stream begin where the transcript ends, so that nothing in it is streamed again. The
 * transport applies it now, or once there is a session.
 *
 * @returns Whether the transcript has a cursor.
 */
export function seedTranscriptCursor(
  transport: ResumableTransport,
  chatId: string,
  cursors: { lastOutEventId?: string } | undefined,
): boolean {
  if (!cursors?.lastOutEventId) return false;
  transport.seedResumeCursor(chatId, cursors.lastOutEventId);
  return true;
}

/**
 * Loads a conversation for a page to show before its chat connects, and anew when `chatId` or `limit`
 * changes. `load` may be a new function in each render; without a `chatId` nothing is loaded.
 */
export function useLoadTranscript<TUIMessage extends UIMessage = UIMessage>(
  chatId: string | undefined,
  load: (params: { chatId: string; limit?: number }) => Promise<LoadTranscriptResult<TUIMessage>>,
  options?: UseLoadTranscriptOptions,
): {
  /** The messages that were loaded; empty before. */
  messages: TUIMessage[];
  /** Whether a load is under way. */
  isLoading: boolean;
  /** Why the last load failed, where it did. */
  error: Error | undefined;
  /** For the next call of the action, as `before`: the page before this one. */
  nextCursor: string | undefined;
} {
  const limit = options?.limit;
  const latest = useLatest({ load, transport: options?.transport });
  const [loaded, setLoaded] = React.useState<Loaded<TUIMessage>>();

  React.useEffect(() => {
    if (chatId === undefined) return;
    let isWanted = true;
    const tell = (outcome: Partial<Loaded<TUIMessage>>) => {
      if (!isWanted) return;
      const nothing = { messages: noMessages, error: undefined, nextCursor: undefined };
      setLoaded({ ...nothing, ...outcome, chatId, limit });
    };
    // A function of its own, so that a `load` that throws is the same as one that rejects.
    const run = async () => {
      const result = await latest.current.load({ chatId, ...(limit !== undefined && { limit }) });
      if (!isWanted) return;
      const { transport } = latest.current;
      // First the cursor: what shows the messages may connect at once.
      if (transport) seedTranscriptCursor(transport, chatId, result.cursors);
      tell({ messages: result.messages, nextCursor: result.nextCursor });
    };
    run().catch((error) => tell({ error: asError(error) }));
    return () => {
      isWanted = false;
      // Whoever comes back to this chat waits for it anew.
      setLoaded(undefined);
    };
  }, [chatId, limit, latest]);

  // What belongs to another chat is not shown, not even until the effects have run.
  const current = loaded?.chatId === chatId && loaded?.limit === limit ? loaded : undefined;
  return {
    messages: current?.messages ?? noMessages,
    isLoading: chatId !== undefined && !current,
    error: current?.error,
    nextCursor: current?.nextCursor,
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
