import type { UIMessage } from "ai";
import {
  type SubAgentMessages,
  type SubAgentMessagesOptions,
  SubAgentStore,
} from "../sub-agents.js";
import { React } from "./peer.js";

/**
 * The messages of sub-agents while they work. `onData` goes to `useChat`; `get` takes the id of the
 * parent's tool call, and renders again when it has something new. A call that is over, or one of a
 * page that was reloaded, has its message in the tool part's `output`.
 */
export function useSubAgentMessages<TUIMessage extends UIMessage = UIMessage>(
  options?: Pick<SubAgentMessagesOptions, "throttleMs">,
): Pick<SubAgentMessages<TUIMessage>, "onData" | "get"> {
  const [store] = React.useState(() => new SubAgentStore<TUIMessage>(options?.throttleMs));
  const messages = React.useSyncExternalStore(store.subscribe, store.messages, store.messages);
  return React.useMemo(
    // `get` is new with the messages: what is memoized over it would else show old ones.
    () => ({ onData: store.onData, get: (toolCallId: string) => messages.get(toolCallId) }),
    [store, messages],
  );
}
