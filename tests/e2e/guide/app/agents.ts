// The app's agents, as its server has them: their pages import the types alone. Those that answer in
// the tests are the session server's, of the same ids.
import { chat, type InferChatUIMessageFromTools } from "@trigger.dev/sdk/ai";
import { stepCountIs, streamText, tool, type UIMessage } from "ai";
import { z } from "zod";

const model = "a-provider/a-model";

export const echo = chat.agent({
  id: "echo",
  actionSchema: z.discriminatedUnion("type", [
    z.object({ type: z.literal("undo") }),
    z.object({ type: z.literal("rollback"), targetMessageId: z.string() }),
    z.object({ type: z.literal("summarize") }),
  ]),
  onAction: ({ action }) => {
    if (action.type === "undo") chat.history.slice(0, -2);
    if (action.type === "rollback") chat.history.rollbackTo(action.targetMessageId);
    return action.type === "summarize" ? chat.turn() : undefined;
  },
  run: async ({ messages, signal }) => streamText({ model, messages, abortSignal: signal }),
});

/** Its messages know which model wrote them, its data whose chat it is. */
export const story = chat.withUIMessage<UIMessage<{ model?: string }>>().agent({
  id: "story",
  clientDataSchema: z.object({ userId: z.string(), model: z.string().optional() }),
  onChatStart: async ({ clientData }) => {
    clientData.userId satisfies string;
  },
  run: async ({ messages, clientData, signal }) =>
    streamText({
      model: clientData?.model ?? model,
      messages,
      abortSignal: signal,
      stopWhen: stepCountIs(3),
    }),
});

type Injected = { messageIds: string[]; messages: { id: string; text: string }[] };

/** Notes in its answer what it was told meanwhile. */
export const steered = chat
  .withUIMessage<UIMessage<never, { "pending-message-injected": Injected }>>()
  .agent({
    id: "steered",
    run: async ({ messages, signal }) => streamText({ model, messages, abortSignal: signal }),
  });

const tools = {
  send_email: tool({
    description: "Sends an email, once a person has said yes.",
    inputSchema: z.object({ to: z.string(), subject: z.string(), body: z.string() }),
    needsApproval: true,
    execute: async ({ to }) => ({ sent: true, to }),
  }),
};

export const approval = chat.withUIMessage<InferChatUIMessageFromTools<typeof tools>>().agent({
  id: "approval",
  tools,
  run: async ({ messages, tools, signal }) =>
    streamText({ model, messages, tools, abortSignal: signal }),
});
