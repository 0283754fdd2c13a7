// What an app infers from its agents' types.
import type { InferChatClientData, InferChatUIMessage } from "@trigger.dev/sdk/chat";
import type { InferChatUIMessage as MessageForReact } from "@trigger.dev/sdk/chat/react";
import type { UIMessage } from "ai";
import type * as agents from "./agents.js";
import { type Equal, proves } from "./equal.js";

type User = { userId: string; model?: string | undefined };
type AnyRecord = Record<string, unknown>;

type DataOf<Name extends keyof typeof agents> = InferChatClientData<(typeof agents)[Name]>;
type MessageOf<Name extends keyof typeof agents> = InferChatUIMessage<(typeof agents)[Name]>;

proves<{
  withoutSchema: Equal<DataOf<"withoutSchema">, AnyRecord>;
  withZod: Equal<DataOf<"withZod">, User>;
  withValibot: Equal<DataOf<"withValibot">, User>;
  withArkType: Equal<DataOf<"withArkType">, { userId: string; model?: string }>;
  withDefaults: Equal<DataOf<"withDefaults">, { limit?: number | undefined; since: string }>;
  withUnion: Equal<DataOf<"withUnion">, { plan: "free" } | { plan: "paid"; seats: number }>;
  // Whether the schema takes `undefined` as well is lost where optional members do.
  withOptionalData: Equal<Exclude<DataOf<"withOptionalData">, undefined>, { userId: string }>;
  withText: Equal<DataOf<"withText">, string>;
  withMessage: Equal<DataOf<"withMessage">, { userId: string }>;
  withTools: Equal<DataOf<"withTools">, { unit: "celsius" | "fahrenheit" }>;
  custom: Equal<DataOf<"custom">, { userId: string }>;
  customWithMessage: Equal<DataOf<"customWithMessage">, undefined>;
  raw: Equal<DataOf<"raw">, { userId: string }>;
  noChat: Equal<DataOf<"noChat">, AnyRecord>;
  eachOfTwo: Equal<DataOf<"custom" | "withUnion">, DataOf<"custom"> | DataOf<"withUnion">>;
  unknown: Equal<InferChatClientData<unknown>, AnyRecord>;
  none: Equal<InferChatClientData<never>, never>;
}>();

proves<{
  withoutSchema: Equal<MessageOf<"withoutSchema">, UIMessage>;
  withZod: Equal<MessageOf<"withZod">, UIMessage>;
  withMessage: Equal<MessageOf<"withMessage">, agents.Message>;
  withTools: Equal<MessageOf<"withTools">, agents.ToolMessage>;
  custom: Equal<MessageOf<"custom">, UIMessage>;
  customWithMessage: Equal<MessageOf<"customWithMessage">, agents.Message>;
  raw: Equal<MessageOf<"raw">, agents.Message>;
  noChat: Equal<MessageOf<"noChat">, UIMessage>;
  eachOfTwo: Equal<MessageOf<"raw" | "withTools">, agents.Message | agents.ToolMessage>;
  unknown: Equal<InferChatUIMessage<unknown>, UIMessage>;
  none: Equal<InferChatUIMessage<never>, never>;
  forReact: Equal<MessageForReact<typeof agents.withMessage>, agents.Message>;
  defaultForReact: Equal<MessageForReact<typeof agents.withZod>, UIMessage>;
}>();

/** A component that is given its agent as a type parameter. */
export type Chat<TAgent> = {
  messages: InferChatUIMessage<TAgent>[];
  clientData: InferChatClientData<TAgent>;
};

declare const chat: Chat<typeof agents.withMessage>;
chat.messages[0]?.metadata?.tag satisfies string | undefined;
// @ts-expect-error: there is no such member in the agent's client data
chat.clientData.nobody;
