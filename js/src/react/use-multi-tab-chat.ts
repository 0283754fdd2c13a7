import type { TriggerChatTransport } from "../transport.js";
import { React } from "./peer.js";

/** What the hook needs of a transport. */
export type MultiTabTransport = Pick<
  TriggerChatTransport,
  | "isReadOnly"
  | "addReadOnlyListener"
  | "removeReadOnlyListener"
  | "broadcastMessages"
  | "addMessagesListener"
  | "removeMessagesListener"
>;

/**
 * Keeps a chat the same in all tabs: while one of them sends and reads an answer, the others are
 * read-only, and show its messages live. Needs `multiTab` on the transport.
 *
 * @param messages The chat's messages here, as `useChat` has them.
 * @param setMessages Shows those of another tab.
 */
export function useMultiTabChat<T = unknown>(
  transport: MultiTabTransport,
  chatId: string,
  messages: T[],
  setMessages: (messages: T[]) => void,
): {
  /** Whether another tab speaks for the chat. */
  isReadOnly: boolean;
} {
  const subscribe = React.useCallback(
    (onChange: () => void) => {
      transport.addReadOnlyListener(onChange);
      return () => transport.removeReadOnlyListener(onChange);
    },
    [transport],
  );
  const isReadOnly = React.useSyncExternalStore(
    subscribe,
    () => transport.isReadOnly(chatId),
    () => false,
  );
  React.useEffect(() => {
    const listener = (id: string, theirs: unknown[]) => {
      if (id === chatId) setMessages(theirs as T[]);
    };
    transport.addMessagesListener(listener);
    return () => transport.removeMessagesListener(listener);
  }, [transport, chatId, setMessages]);
  React.useEffect(
    () => transport.broadcastMessages(chatId, messages),
    [transport, chatId, messages],
  );
  return { isReadOnly };
}
