// An app's agents, as its server has them. Its page imports their types alone.
import { task } from "@trigger.dev/sdk";
import { chat, type InferChatUIMessageFromTools } from "@trigger.dev/sdk/ai";
import type { ChatTaskWirePayload } from "@trigger.dev/sdk/chat";
import { tool, type UIMessage } from "ai";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";

const run = async (): Promise<void> => {};

const tools = {
  weather: tool({
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => ({ city, celsius: 21 }),
  }),
};

export type Message = UIMessage<{ tag: string }, { progress: { percent: number } }>;
export type ToolMessage = InferChatUIMessageFromTools<typeof tools>;

export const withoutSchema = chat.agent({ id: "without-schema", run });

export const withZod = chat.agent({
  id: "with-zod",
  clientDataSchema: z.object({ userId: z.string(), model: z.string().optional() }),
  tools,
  run,
});

export const withValibot = chat.agent({
  id: "with-valibot",
  clientDataSchema: v.parser(v.object({ userId: v.string(), model: v.optional(v.string()) })),
  run,
});

export const withArkType = chat.agent({
  id: "with-arktype",
  clientDataSchema: type({ userId: "string", "model?": "string" }),
  run,
});

/** What the page gives is not what the agent gets. */
export const withDefaults = chat.agent({
  id: "with-defaults",
  clientDataSchema: z.object({
    limit: z.number().default(5),
    since: z.string().transform((text) => new Date(text)),
  }),
  run,
});

export const withUnion = chat.agent({
  id: "with-union",
  clientDataSchema: z.discriminatedUnion("plan", [
    z.object({ plan: z.literal("free") }),
    z.object({ plan: z.literal("paid"), seats: z.number() }),
  ]),
  run,
});

export const withOptionalData = chat.agent({
  id: "with-optional-data",
  clientDataSchema: z.object({ userId: z.string() }).optional(),
  run,
});

/** Client data has to be an object; the published types let a schema of something else pass. */
export const withText = chat.agent({ id: "with-text", clientDataSchema: z.string(), run });

export const withMessage = chat
  .withUIMessage<Message>()
  .withClientData({ schema: z.object({ userId: z.string() }) })
  .agent({ id: "with-message", run });

export const withTools = chat.withUIMessage<ToolMessage>().agent({
  id: "with-tools",
  clientDataSchema: z.object({ unit: z.enum(["celsius", "fahrenheit"]) }),
  tools,
  run,
});

export const custom = chat.customAgent({
  id: "custom",
  clientDataSchema: z.object({ userId: z.string() }),
  run,
});

export const customWithMessage = chat.withUIMessage<Message>().customAgent({
  id: "custom-with-message",
  run,
});

export const raw = task({
  id: "raw",
  run: async (payload: ChatTaskWirePayload<Message, { userId: string }>) => payload.trigger,
});

export const noChat = task({ id: "no-chat", run: async (_payload: { url: string }) => 1 });
