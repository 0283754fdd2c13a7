// A server that talks to an agent.
import {
  AgentChat,
  type AgentChatOptions,
  type ChatSession,
  ChatStream,
  type ChatStreamResult,
  type ChatToolCall,
  type ChatToolResult,
} from "@trigger.dev/sdk/chat";
import type { UIMessage, UIMessageChunk } from "ai";
import type * as agents from "./agents.js";

const session: ChatSession = { lastEventId: "7" };
const options: AgentChatOptions<typeof agents.withZod> = {
  agent: "with-zod",
  id: "c",
  clientData: { userId: "u" },
  session,
  onTriggered: ({ runId, chatId }) => console.log(runId, chatId),
  onTurnComplete: ({ chatId, lastEventId }) => console.log(chatId, lastEventId),
  streamTimeoutSeconds: 60,
  baseURL: ({ endpoint, chatId }) => `https://${endpoint}.example.com/${chatId}`,
  fetch: (url, init, { endpoint, chatId }) => fetch(`${url}?${endpoint}${chatId}`, init),
};
// @ts-expect-error: `userId` is missing
options.clientData = { model: "m" };

export async function ask(signal: AbortSignal): Promise<void> {
  const chat = new AgentChat<typeof agents.withZod>(options);
  chat.id satisfies string;
  chat.session satisfies ChatSession;
  (await chat.preload({ idleTimeoutInSeconds: 60 })) satisfies ChatSession;
  const answer = await chat.sendMessage("Hi", { abortSignal: signal });
  answer satisfies ChatStream;
  answer.stream satisfies ReadableStream<UIMessageChunk>;
  for await (const chunk of answer) chunk satisfies UIMessageChunk;
  for await (const message of answer.messages()) message satisfies UIMessage;
  const { text, toolCalls, toolResults }: ChatStreamResult = await answer.result();
  text satisfies string;
  toolCalls satisfies ChatToolCall[];
  toolResults satisfies ChatToolResult[];
  (await answer.text()) satisfies string;
  await chat.sendRaw([], { trigger: "regenerate-message", abortSignal: signal });
  (await chat.sendAction({ type: "undo" })) satisfies ChatStream;
  (await chat.steer("Faster")) satisfies boolean;
  await chat.stop();
  (await chat.reconnect(signal)) satisfies ReadableStream<UIMessageChunk> | null;
  await chat.sendHandover({ partialAssistantMessage: [], isFinal: true });
  await chat.sendHandoverSkip();
  (await chat.close()) satisfies boolean;
  new ChatStream(new ReadableStream<UIMessageChunk>()).stream satisfies ReadableStream;
}
