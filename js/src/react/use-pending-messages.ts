import type { UIMessage } from "ai";
import { React } from "./peer.js";
import {
  getInjectedMessageIds,
  getInjectedMessages,
  isInjectionPoint,
  PendingMessages,
  pendingOf,
  type UsePendingMessagesOptions,
  type UsePendingMessagesReturn,
} from "./pending-messages.js";

/**
 * Lets the user write while an answer streams. `steer` tells the running turn, `queue` keeps a message
 * for the next one; when the turn ends, what it has not taken in is sent as one message.
 */
export function usePendingMessages<TUIMessage extends UIMessage = UIMessage>(
  options: UsePendingMessagesOptions<TUIMessage>,
): UsePendingMessagesReturn {
  const { chatId, messages } = options;
  const [store] = React.useState(() => new PendingMessages(options));
  // Before all other effects: one of them may call `steer`, for the chat that is shown now.
  React.useInsertionEffect(() => store.commit(options));
  React.useEffect(() => store.follow());
  const waiting = React.useSyncExternalStore(store.subscribe, store.waiting, store.waiting);
  const pending = React.useMemo(
    () => pendingOf(waiting, chatId, messages),
    [waiting, chatId, messages],
  );
  return React.useMemo(
    () => ({
      pending,
      steer: store.steer,
      queue: store.queue,
      promoteToSteering: store.promoteToSteering,
      isInjectionPoint,
      getInjectedMessageIds,
      getInjectedMessages,
    }),
    [pending, store],
  );
}
