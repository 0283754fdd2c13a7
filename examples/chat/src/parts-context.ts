import type { UIMessage } from "ai";
import { createContext } from "react";
import type { UsePendingMessagesReturn } from "trigger-chat-transport/react";

type Parts = Pick<UsePendingMessagesReturn, "isInjectionPoint" | "getInjectedMessages"> & {
  /** The message so far of the agent that works inside a tool call. */
  subAgentOf: (toolCallId: string) => UIMessage | undefined;
  /** Unset where nothing can be decided any more. */
  onDecide: ((approvalId: string, approved: boolean) => void) | undefined;
};

/** What some parts of messages need of their chat. Messages that hold none need not render again. */
export const PartsContext = createContext<Parts>({
  isInjectionPoint: () => false,
  getInjectedMessages: () => [],
  subAgentOf: () => undefined,
  onDecide: undefined,
});
