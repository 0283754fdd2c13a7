import { useEffect, useRef } from "react";
import type { TriggerChatTransport } from "trigger-chat-transport";

/** Goes on with an answer that another tab was reading, once that tab is gone. */
export function useAbandoned(
  transport: TriggerChatTransport,
  chatId: string,
  isReadOnly: boolean,
  resumeStream: () => Promise<void>,
) {
  const wasReadOnly = useRef(false);
  useEffect(() => {
    const isLetGoOf = wasReadOnly.current && !isReadOnly;
    wasReadOnly.current = isReadOnly;
    if (isLetGoOf && transport.getSession(chatId)?.isStreaming) void resumeStream();
  }, [transport, chatId, isReadOnly, resumeStream]);
}
