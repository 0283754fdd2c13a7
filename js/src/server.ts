export {
  AgentChat,
  type AgentChatOptions,
  type ChatSession,
} from "./server/agent-chat.js";
export {
  ChatStream,
  type ChatStreamResult,
  type ChatToolCall,
  type ChatToolResult,
} from "./server/chat-stream.js";
export type { SessionTriggerConfig } from "./server/create-session.js";
export type { InferChatClientData, InferChatUIMessage } from "./types.js";
