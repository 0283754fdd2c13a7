// Coming back to a turn that may be running.

import {
  lastAssistantMessageIsCompleteWithApprovalResponses as isDecided,
  type UIMessage,
} from "ai";
import type { ChatSessionPersistedState, TriggerChatTransport } from "trigger-chat-transport";

/**
 * What waits for an answer: a reload may have come before the word that it had arrived. Without
 * `isStreaming` the transport asks the server. A seq there is of a turn that was stopped.
 */
export function resumable(
  session: ChatSessionPersistedState,
  messages: UIMessage[],
): ChatSessionPersistedState {
  const isWaiting = messages.at(-1)?.role === "user" || isDecided({ messages });
  if (session.activeInputSeq !== undefined || !isWaiting) return session;
  const { isStreaming: _, ...rest } = session;
  return rest;
}

/**
 * The transport as `useChat` takes it. A turn is replayed whole, and `useChat` then puts its message
 * in the place of what it has of it. But a turn that acts on a decision goes on in the message that
 * asked, and that is no part of the replay: it has to be kept.
 */
export function resumingWith(transport: TriggerChatTransport, messages: UIMessage[]) {
  if (!isDecided({ messages })) return transport;
  const { sendMessages, reconnectToStream } = transport;
  return { sendMessages, reconnectToStream, resumeStreamIsReplay: false };
}
