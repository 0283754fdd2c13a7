// Both packages in one program: each type is the same in both, save what stands here. What is
// `Missing` here has yet to come.
import type * as Published from "@trigger.dev/sdk/chat";
import type * as PublishedReact from "@trigger.dev/sdk/chat/react";
import type * as Ours from "trigger-chat-transport";
import type * as OursReact from "trigger-chat-transport/react";
import type * as OursServer from "trigger-chat-transport/server";
import type * as agents from "./app/agents.js";
import { type Equal, proves } from "./app/equal.js";

type Message = agents.Message;
type User = { userId: string; model?: string };

proves<{
  AccessTokenParams: Equal<Ours.AccessTokenParams, Published.AccessTokenParams>;
  ChatActionOptions: Equal<Ours.ChatActionOptions, Published.ChatActionOptions>;
  ChatActionSettlement: Equal<Ours.ChatActionSettlement, Published.ChatActionSettlement>;
  ChatBaseURLResolver: Equal<Ours.ChatBaseURLResolver, Published.ChatBaseURLResolver>;
  ChatFetchOverride: Equal<Ours.ChatFetchOverride, Published.ChatFetchOverride>;
  ChatInputChunk: Equal<Ours.ChatInputChunk, Published.ChatInputChunk>;
  ChatInputChunkOfAgent: Equal<
    Ours.ChatInputChunk<Message, User>,
    Published.ChatInputChunk<Message, User>
  >;
  ChatSessionPersistedState: Equal<
    Ours.ChatSessionPersistedState,
    Published.ChatSessionPersistedState
  >;
  ChatTaskWirePayload: Equal<Ours.ChatTaskWirePayload, Published.ChatTaskWirePayload>;
  ChatTaskWirePayloadOfAgent: Equal<
    Ours.ChatTaskWirePayload<Message, User>,
    Published.ChatTaskWirePayload<Message, User>
  >;
  ChatTransportEndpoint: Equal<Ours.ChatTransportEndpoint, Published.ChatTransportEndpoint>;
  ChatTransportEndpointContext: Equal<
    Ours.ChatTransportEndpointContext,
    Published.ChatTransportEndpointContext
  >;
  ChatTransportEvent: Equal<Ours.ChatTransportEvent, Published.ChatTransportEvent>;
  ChatTransportSendSource: Equal<Ours.ChatTransportSendSource, Published.ChatTransportSendSource>;
  StartSessionParams: Equal<Ours.StartSessionParams, Published.StartSessionParams>;
  StartSessionParamsOfAgent: Equal<
    Ours.StartSessionParams<User>,
    Published.StartSessionParams<User>
  >;
  StartSessionResult: Equal<Ours.StartSessionResult, Published.StartSessionResult>;
}>();

// The options: ours have more.
type OurOptions =
  | ("coalesce" | "sendTimeoutSeconds" | "stopOnAbort")
  | ("streamSource" | "withCredentials");
type SharedOption = keyof Published.TriggerChatTransportOptions;

proves<{
  added: Equal<
    Exclude<keyof Ours.TriggerChatTransportOptions, keyof Published.TriggerChatTransportOptions>,
    OurOptions
  >;
  missing: Equal<
    Exclude<keyof Published.TriggerChatTransportOptions, keyof Ours.TriggerChatTransportOptions>,
    never
  >;
  shared: Equal<
    Pick<Ours.TriggerChatTransportOptions, SharedOption>,
    Pick<Published.TriggerChatTransportOptions, SharedOption>
  >;
  sharedOfAgent: Equal<
    Pick<Ours.TriggerChatTransportOptions<User>, SharedOption>,
    Pick<Published.TriggerChatTransportOptions<User>, SharedOption>
  >;
}>();

/** Whether the hook's options are the same for an agent. */
type SameForHook<Name extends keyof typeof agents> = Equal<
  Pick<OursReact.UseTriggerChatTransportOptions<(typeof agents)[Name]>, SharedOption>,
  Pick<PublishedReact.UseTriggerChatTransportOptions<(typeof agents)[Name]>, SharedOption>
>;

// Where optional members may be undefined, ours are stricter for data that is optional as a whole:
// the published ones take any record beside it.
proves<{ [Name in Exclude<keyof typeof agents, "withOptionalData">]: SameForHook<Name> }>();
proves<{
  anyAgent: Equal<
    Pick<OursReact.UseTriggerChatTransportOptions, SharedOption>,
    Pick<PublishedReact.UseTriggerChatTransportOptions, SharedOption>
  >;
}>();

// The class.
type OurMembers =
  | "addConnectionStateListener"
  | "close"
  | "connectionState"
  | "removeConnectionStateListener"
  | "resumeStreamIsReplay"
  | "retryNow";
type SharedMember = keyof Published.TriggerChatTransport;

proves<{
  added: Equal<
    Exclude<keyof Ours.TriggerChatTransport, keyof Published.TriggerChatTransport>,
    OurMembers
  >;
  missing: Equal<
    Exclude<keyof Published.TriggerChatTransport, keyof Ours.TriggerChatTransport>,
    never
  >;
}>();
proves<{
  [Name in SharedMember]: Equal<
    Ours.TriggerChatTransport[Name],
    Published.TriggerChatTransport[Name]
  >;
}>();

// What is there at run time.

proves<{
  added: Equal<Exclude<keyof typeof Ours, keyof typeof Published>, "ChatTransport">;
  missing: Equal<Exclude<keyof typeof Published, keyof typeof Ours>, never>;
  addedHooks: Equal<
    Exclude<keyof typeof OursReact, keyof typeof PublishedReact>,
    "useConnectionState"
  >;
  missingHooks: Equal<Exclude<keyof typeof PublishedReact, keyof typeof OursReact>, never>;
}>();

// Server to server. What is private in a class is part of its type, so members are held side by side;
// `sendMessage` and `sendAction` give such a class.
type WithAnswers = "sendMessage" | "sendAction";
type AgentMember = Exclude<keyof Published.AgentChat, WithAnswers>;
type SharedAgentOption = Exclude<keyof Published.AgentChatOptions, "triggerConfig">;
type SameForAgentChat<Agent> = Equal<
  Pick<Ours.AgentChatOptions<Agent>, SharedAgentOption>,
  Pick<Published.AgentChatOptions<Agent>, SharedAgentOption>
>;

proves<{
  ChatSession: Equal<Ours.ChatSession, Published.ChatSession>;
  ChatStreamResult: Equal<Ours.ChatStreamResult, Published.ChatStreamResult>;
  ChatToolCall: Equal<Ours.ChatToolCall, Published.ChatToolCall>;
  ChatToolResult: Equal<Ours.ChatToolResult, Published.ChatToolResult>;
  addedOption: Equal<
    Exclude<keyof Ours.AgentChatOptions, keyof Published.AgentChatOptions>,
    "secretKey"
  >;
  anyAgent: SameForAgentChat<unknown>;
  triggerConfig: Equal<
    Ours.AgentChatOptions["triggerConfig"],
    Published.AgentChatOptions["triggerConfig"]
  >;
  members: Equal<keyof Ours.AgentChat, keyof Published.AgentChat>;
  streamMembers: Equal<keyof Ours.ChatStream, keyof Published.ChatStream>;
  server: Equal<keyof typeof OursServer, "AgentChat" | "ChatStream">;
}>();
proves<{ [Name in keyof typeof agents]: SameForAgentChat<(typeof agents)[Name]> }>();
proves<{
  [Name in AgentMember]: Equal<Ours.AgentChat[Name], Published.AgentChat[Name]>;
}>();
proves<{
  [Name in WithAnswers]: Equal<
    Parameters<Ours.AgentChat[Name]>,
    Parameters<Published.AgentChat[Name]>
  >;
}>();
proves<{
  [Name in keyof Published.ChatStream]: Equal<Ours.ChatStream[Name], Published.ChatStream[Name]>;
}>();
proves<{
  ChatStream: Equal<
    ConstructorParameters<typeof Ours.ChatStream>,
    ConstructorParameters<typeof Published.ChatStream>
  >;
}>();

// The hooks, and the messages of sub-agents. Their options may be `undefined` outright, and where one
// is the transport, ours is taken.
type Takes<Options, PublishedOptions> = [PublishedOptions] extends [Options]
  ? Equal<keyof Options, keyof PublishedOptions>
  : false;
type PendingOptions = OursReact.UsePendingMessagesOptions<Message>;
type PublishedPendingOptions = PublishedReact.UsePendingMessagesOptions<Message>;

proves<{
  InjectedMessage: Equal<OursReact.InjectedMessage, PublishedReact.InjectedMessage>;
  LoadTranscriptResult: Equal<
    OursReact.LoadTranscriptResult<Message>,
    PublishedReact.LoadTranscriptResult<Message>
  >;
  PendingMessage: Equal<OursReact.PendingMessage, PublishedReact.PendingMessage>;
  SUB_AGENT_DATA_TYPE: Equal<typeof Ours.SUB_AGENT_DATA_TYPE, typeof Published.SUB_AGENT_DATA_TYPE>;
  SubAgentChunkBatch: Equal<Ours.SubAgentChunkBatch, Published.SubAgentChunkBatch>;
  SubAgentDataChunk: Equal<Ours.SubAgentDataChunk, Published.SubAgentDataChunk>;
  SubAgentMessages: Equal<Ours.SubAgentMessages<Message>, Published.SubAgentMessages<Message>>;
  SubAgentMessagesOptions: Takes<Ours.SubAgentMessagesOptions, Published.SubAgentMessagesOptions>;
  UseLoadTranscriptOptions: Takes<
    Omit<OursReact.UseLoadTranscriptOptions, "transport">,
    Omit<PublishedReact.UseLoadTranscriptOptions, "transport">
  >;
  UsePendingMessagesOptions: Takes<
    Omit<PendingOptions, "transport">,
    Omit<PublishedPendingOptions, "transport">
  >;
  UsePendingMessagesReturn: Equal<
    OursReact.UsePendingMessagesReturn,
    PublishedReact.UsePendingMessagesReturn
  >;
  createSubAgentMessages: Equal<
    ReturnType<typeof Ours.createSubAgentMessages<Message>>,
    ReturnType<typeof Published.createSubAgentMessages<Message>>
  >;
  seedTranscriptCursor: Equal<
    ReturnType<typeof OursReact.seedTranscriptCursor>,
    ReturnType<typeof PublishedReact.seedTranscriptCursor>
  >;
  useChatActions: Equal<typeof OursReact.useChatActions, typeof PublishedReact.useChatActions>;
  useLoadTranscript: Equal<
    ReturnType<typeof OursReact.useLoadTranscript<Message>>,
    ReturnType<typeof PublishedReact.useLoadTranscript<Message>>
  >;
  useSubAgentMessages: Equal<
    ReturnType<typeof OursReact.useSubAgentMessages<Message>>,
    ReturnType<typeof PublishedReact.useSubAgentMessages<Message>>
  >;
}>();
