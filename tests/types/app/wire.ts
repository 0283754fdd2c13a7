// An app whose own server writes and reads the session's input.
import type { ChatInputChunk, ChatTaskWirePayload } from "@trigger.dev/sdk/chat";
import type { Message } from "./agents.js";

type User = { userId: string };

export function read(chunk: ChatInputChunk<Message, User>): string | undefined {
  switch (chunk.kind) {
    case "message":
      chunk.payload.metadata satisfies User | undefined;
      chunk.payload.message satisfies Message | undefined;
      return chunk.payload.message?.metadata?.tag;
    case "stop":
      return chunk.message;
    case "handover":
      return chunk.isFinal ? chunk.messageId : chunk.partialAssistantMessage[0]?.role;
    case "handover-skip":
      return undefined;
    default:
      return chunk satisfies never;
  }
}

export const close: ChatInputChunk = {
  kind: "message",
  payload: { chatId: "c", trigger: "close" },
};

// @ts-expect-error: no such trigger
export const wrong: ChatTaskWirePayload = { chatId: "c", trigger: "open" };
