// What a page has that shows a chat, before it has a client.
export { useChat } from "@ai-sdk/react";
