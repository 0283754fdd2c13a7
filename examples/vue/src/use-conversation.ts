import { Chat } from "@ai-sdk/vue";
import type { UIMessage } from "ai";
import { onScopeDispose, watchEffect } from "vue";
import { openChat } from "../../shared/chat";

/** A chat for the component's life. */
export function useConversation(chatId: string) {
  const { transport, messages, saveMessages } = openChat<UIMessage>(chatId);
  const chat = new Chat({ id: chatId, messages, transport });
  // A turn that runs is replayed whole.
  if (messages.length > 0) void chat.resumeStream();
  // For that reason a part of an answer is not saved.
  watchEffect(() => {
    if (chat.status !== "streaming") saveMessages(chat.messages);
  });
  // Lets go of the stream. The turn goes on at the server.
  onScopeDispose(() => transport.dispose());
  return { chat, stop: () => transport.stopGeneration(chatId) };
}
