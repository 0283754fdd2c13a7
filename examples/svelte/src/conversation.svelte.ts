import { Chat } from "@ai-sdk/svelte";
import type { UIMessage } from "ai";
import { onDestroy } from "svelte";
import { openChat } from "../../shared/chat";

/** A chat for the component's life. */
export function conversation(chatId: string) {
  const { transport, messages, saveMessages } = openChat<UIMessage>(chatId);
  const chat = new Chat({ id: chatId, messages, transport });
  // A turn that runs is replayed whole.
  if (messages.length > 0) void chat.resumeStream();
  // For that reason a part of an answer is not saved.
  $effect(() => {
    if (chat.status !== "streaming") saveMessages(chat.messages);
  });
  // Lets go of the stream. The turn goes on at the server.
  onDestroy(() => transport.dispose());
  return { chat, stop: () => transport.stopGeneration(chatId) };
}
