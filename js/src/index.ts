export {
  AgentChat,
  type AgentChatOptions,
  type ChatSession,
  ChatStream,
  type ChatStreamResult,
  type ChatToolCall,
  type ChatToolResult,
} from "./server.js";
export {
  createSubAgentMessages,
  SUB_AGENT_DATA_TYPE,
  type SubAgentChunkBatch,
  type SubAgentDataChunk,
  type SubAgentMessages,
  type SubAgentMessagesOptions,
} from "./sub-agents.js";
export type {
  ConnectionStateListener,
  MessagesListener,
  ReadOnlyListener,
  ReconnectToStreamOptions,
  SendMessagesOptions,
} from "./transport.js";
export {
  createChatTransport,
  TriggerChatTransport as ChatTransport,
  TriggerChatTransport,
} from "./transport.js";
export type {
  AccessTokenParams,
  AnyChatTask,
  ChatActionOptions,
  ChatActionSettlement,
  ChatBaseURLResolver,
  ChatConnectionState,
  ChatFetchOverride,
  ChatInputChunk,
  ChatSessionPersistedState,
  ChatTaskWirePayload,
  ChatTransportEndpoint,
  ChatTransportEndpointContext,
  ChatTransportEvent,
  ChatTransportSendSource,
  InferChatClientData,
  InferChatUIMessage,
  StartSessionParams,
  StartSessionResult,
  TriggerChatTransportOptions,
} from "./types.js";
