import { useState } from "react";
import type { TriggerChatTransport } from "trigger-chat-transport";

/** What the page asks of an agent besides answering; see the session server's README. */
type Action = { type: "undo" } | { type: "close"; reason?: string };

/**
 * Actions that are turns without words, so they go past `useChat`: its status and messages are none
 * of their business. One at a time.
 */
export function useChatAction(transport: TriggerChatTransport, chatId: string) {
  const [isActing, setActing] = useState(false);
  const [failed, setFailed] = useState<Action["type"]>();

  /** Gives whether the agent has done it. */
  async function act(action: Action): Promise<boolean> {
    setFailed(undefined);
    setActing(true);
    try {
      const stream = await transport.sendAction(chatId, action);
      const reader = stream.getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        if (next.value.type === "error") throw new Error(next.value.errorText);
      }
      return true;
    } catch (error) {
      console.warn(error);
      setFailed(action.type);
      return false;
    } finally {
      setActing(false);
    }
  }

  return { act, isActing, failed, forget: () => setFailed(undefined) };
}
