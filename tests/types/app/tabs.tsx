// An app in many tabs.
import { useChat } from "@ai-sdk/react";
import { useMultiTabChat, useTriggerChatTransport } from "@trigger.dev/sdk/chat/react";
import { type ReactNode, useEffect } from "react";
import type * as agents from "./agents.js";

export function Chat({ chatId }: { chatId: string }): ReactNode {
  const transport = useTriggerChatTransport<typeof agents.withMessage>({
    task: "with-message",
    accessToken: () => "t",
    multiTab: true,
  });
  const { messages, setMessages } = useChat<agents.Message>({ id: chatId, transport });
  const { isReadOnly } = useMultiTabChat(transport, chatId, messages, setMessages);
  useEffect(() => {
    const onReadOnly = (id: string, isReadOnly: boolean): void => console.log(id, isReadOnly);
    const onMessages = (id: string, messages: unknown[]): void => console.log(id, messages.length);
    transport.addReadOnlyListener(onReadOnly);
    transport.addMessagesListener(onMessages);
    return () => {
      transport.removeReadOnlyListener(onReadOnly);
      transport.removeMessagesListener(onMessages);
    };
  }, [transport]);
  transport.broadcastMessages(chatId, messages);
  transport.isReadOnly(chatId) satisfies boolean;
  transport.hasClaim(chatId) satisfies boolean;
  return isReadOnly ? "read only" : null;
}
