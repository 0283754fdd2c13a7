import { React } from "./peer.js";
import { useLatest } from "./use-latest.js";

/**
 * Sends actions through `useChat`, so that what an action answers is a turn like any other: it streams
 * into the messages, and `status`, `error` and `stop` are about it.
 *
 * What an action changes in the history at the server, an undo for instance, is for the app to change
 * with `setMessages`.
 */
export function useChatActions(options: {
  /** `useChat`'s own. */
  sendMessage: (
    message: undefined,
    options?: { body?: object; headers?: Record<string, string> | Headers },
  ) => Promise<void> | void;
}): {
  /** Resolves when `useChat` is done with the action. The same function for the component's life. */
  sendAction: (action: unknown) => Promise<void>;
} {
  const sendMessage = useLatest(options.sendMessage);
  const sendAction = React.useCallback(
    // An action that travels in `body` is one to the transport: it sends no message.
    async (action: unknown) => sendMessage.current(undefined, { body: { action } }),
    [sendMessage],
  );
  return { sendAction };
}
