// An app's component, as the README has it, for each of its agents.
import { useChat } from "@ai-sdk/react";
import type { AnyTask } from "@trigger.dev/sdk";
import {
  type InferChatUIMessage,
  type UseTriggerChatTransportOptions,
  useTriggerChatTransport,
} from "@trigger.dev/sdk/chat/react";
import type { ReactNode } from "react";
import type * as agents from "./agents.js";

const accessToken = ({ chatId }: { chatId: string }): string => chatId;

export function Chat({ chatId }: { chatId: string }): ReactNode {
  const transport = useTriggerChatTransport<typeof agents.withMessage>({
    task: "with-message",
    accessToken,
    startSession: async ({ taskId, clientData }) => {
      clientData.userId satisfies string;
      return { publicAccessToken: taskId };
    },
    clientData: { userId: "u" },
  });
  transport.setClientData({ userId: "another" });
  const { messages, sendMessage, status } = useChat<agents.Message>({ id: chatId, transport });
  const parts = messages.flatMap((message) => {
    message.metadata?.tag satisfies string | undefined;
    return message.parts.map((part) =>
      part.type === "data-progress" ? part.data.percent.toFixed() : part.type,
    );
  });
  return (
    <button type="button" disabled={status !== "ready"} onClick={() => sendMessage({ text: "Hi" })}>
      {parts}
    </button>
  );
}

export function ChatWithTools(): ReactNode {
  const transport = useTriggerChatTransport<typeof agents.withTools>({
    task: "with-tools",
    accessToken,
    clientData: { unit: "celsius" },
  });
  const { messages } = useChat<InferChatUIMessage<typeof agents.withTools>>({ transport });
  return messages.flatMap((message) =>
    message.parts.map((part) =>
      part.type === "tool-weather" && part.state === "output-available"
        ? `${part.input.city} ${part.output.celsius}`
        : null,
    ),
  );
}

/** What an app gets wrong, its compiler tells. */
export function useWrongly(): void {
  useTriggerChatTransport<typeof agents.withZod>({
    // @ts-expect-error: another agent's id
    task: "with-valibot",
    accessToken,
  });
  useTriggerChatTransport<typeof agents.withZod>({
    task: "with-zod",
    accessToken,
    // @ts-expect-error: `userId` is missing
    clientData: { model: "m" },
  });
  useTriggerChatTransport<typeof agents.withValibot>({
    task: "with-valibot",
    accessToken,
    // @ts-expect-error: `userId` is a text
    clientData: { userId: 1 },
  });
  useTriggerChatTransport<typeof agents.withArkType>({
    task: "with-arktype",
    accessToken,
    // @ts-expect-error: no such member
    clientData: { userId: "u", nobody: true },
  });
  useTriggerChatTransport<typeof agents.withDefaults>({
    task: "with-defaults",
    accessToken,
    // @ts-expect-error: the page gives what the schema takes, not what it makes of it
    clientData: { since: new Date() },
  });
  useTriggerChatTransport<typeof agents.withUnion>({
    task: "with-union",
    accessToken,
    // @ts-expect-error: a paid plan has seats
    clientData: { plan: "paid" },
  });
  // @ts-expect-error: a callback for the token is a must
  useTriggerChatTransport<typeof agents.withoutSchema>({ task: "without-schema" });
  // @ts-expect-error: so is the task
  useTriggerChatTransport<typeof agents.withoutSchema>({ accessToken });
  // @ts-expect-error: not an agent
  useTriggerChatTransport<{ name: string }>({ task: "none", accessToken });
}

/** What is right. */
export function useRightly(): void {
  useTriggerChatTransport({ task: "any", accessToken, clientData: { anything: 1 } });
  useTriggerChatTransport<typeof agents.withoutSchema>({
    task: "without-schema",
    accessToken,
    clientData: { anything: 1 },
    startSession: async ({ clientData }) => ({ publicAccessToken: String(clientData.userId) }),
  });
  useTriggerChatTransport<typeof agents.withZod>({ task: "with-zod", accessToken });
  useTriggerChatTransport<typeof agents.withZod>({
    task: "with-zod",
    accessToken,
    clientData: { userId: "u" },
  });
  useTriggerChatTransport<typeof agents.withValibot>({
    task: "with-valibot",
    accessToken,
    clientData: { userId: "u", model: undefined },
  });
  useTriggerChatTransport<typeof agents.withArkType>({
    task: "with-arktype",
    accessToken,
    clientData: { userId: "u", model: "m" },
    startSession: async ({ clientData }) => ({ publicAccessToken: clientData.userId }),
  });
  useTriggerChatTransport<typeof agents.withDefaults>({
    task: "with-defaults",
    accessToken,
    clientData: { since: "2026-01-01" },
  });
  useTriggerChatTransport<typeof agents.withUnion>({
    task: "with-union",
    accessToken,
    clientData: { plan: "paid", seats: 2 },
  });
  useTriggerChatTransport<typeof agents.withOptionalData>({
    task: "with-optional-data",
    accessToken,
  });
  // What is no record in the schema is any record here.
  useTriggerChatTransport<typeof agents.withText>({
    task: "with-text",
    accessToken,
    clientData: { anything: 1 },
  });
  useTriggerChatTransport<typeof agents.custom>({
    task: "custom",
    accessToken,
    clientData: { userId: "u" },
  });
  useTriggerChatTransport<typeof agents.raw>({
    task: "raw",
    accessToken,
    clientData: { userId: "u" },
  });
  useTriggerChatTransport<typeof agents.noChat>({ task: "no-chat", accessToken });
  useTriggerChatTransport<typeof agents.withZod | typeof agents.withArkType>({
    task: Math.random() < 0.5 ? "with-zod" : "with-arktype",
    accessToken,
    clientData: { userId: "u" },
  });
}

/** An app's own hooks around this one. */
export function useMyTransport(
  options: Omit<UseTriggerChatTransportOptions<typeof agents.withZod>, "task" | "accessToken">,
) {
  return useTriggerChatTransport<typeof agents.withZod>({
    ...options,
    task: "with-zod",
    accessToken,
  });
}

export function useAgent<TAgent extends AnyTask>(options: UseTriggerChatTransportOptions<TAgent>) {
  return useTriggerChatTransport<TAgent>(options);
}
