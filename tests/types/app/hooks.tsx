// An app that uses every hook that asks nothing of other tabs.
import { useChat } from "@ai-sdk/react";
import {
  type InjectedMessage,
  type LoadTranscriptResult,
  type PendingMessage,
  seedTranscriptCursor,
  type UseLoadTranscriptOptions,
  type UsePendingMessagesOptions,
  type UsePendingMessagesReturn,
  useChatActions,
  useLoadTranscript,
  usePendingMessages,
  useSubAgentMessages,
  useTriggerChatTransport,
} from "@trigger.dev/sdk/chat/react";
import type { UIMessage } from "ai";
import type { ReactNode } from "react";
import type * as agents from "./agents.js";

type Message = agents.Message;

export function Chat({ chatId }: { chatId: string }): ReactNode {
  const transport = useTriggerChatTransport<typeof agents.withMessage>({
    task: "with-message",
    accessToken: () => "t",
  });

  const load = async (params: {
    chatId: string;
    limit?: number;
  }): Promise<LoadTranscriptResult<Message>> => ({
    messages: [],
    cursors: { lastOutEventId: params.chatId },
  });
  const loadOptions: UseLoadTranscriptOptions = { transport, limit: 20 };
  const history = useLoadTranscript(chatId, load, loadOptions);
  history.messages satisfies Message[];
  history.isLoading satisfies boolean;
  history.error satisfies Error | undefined;
  history.nextCursor satisfies string | undefined;
  useLoadTranscript<Message>(undefined, load).messages satisfies Message[];
  seedTranscriptCursor(transport, chatId, { lastOutEventId: "7" }) satisfies boolean;
  seedTranscriptCursor({ seedResumeCursor: () => {} }, chatId, undefined);
  // @ts-expect-error: a cursor is a text
  seedTranscriptCursor(transport, chatId, { lastOutEventId: 7 });

  const subAgents = useSubAgentMessages<Message>({ throttleMs: 50 });
  useSubAgentMessages().get("call") satisfies UIMessage | undefined;
  const { messages, setMessages, sendMessage, status } = useChat<Message>({
    id: chatId,
    transport,
    messages: history.messages,
    onData: subAgents.onData,
  });
  subAgents.get("call") satisfies Message | undefined;

  const { sendAction } = useChatActions({ sendMessage });
  sendAction({ type: "undo" }) satisfies Promise<void>;

  const pendingOptions: UsePendingMessagesOptions<Message> = {
    transport,
    chatId,
    status,
    messages,
    setMessages,
    sendMessage,
    metadata: { model: "m" },
  };
  const pending: UsePendingMessagesReturn = usePendingMessages(pendingOptions);
  pending.steer("now");
  pending.queue("later");
  // @ts-expect-error: the chat's messages are a must
  usePendingMessages({ transport, chatId, status, setMessages, sendMessage });
  return pending.pending.map(({ id, text, mode, injected }: PendingMessage) => (
    <button type="button" key={id} onClick={() => pending.promoteToSteering(id)}>
      {mode satisfies "steering" | "queued"} {text} {String(injected)}
      {messages.flatMap((message) => message.parts.flatMap(textsInjectedBy(pending)))}
    </button>
  ));
}

function textsInjectedBy(pending: UsePendingMessagesReturn): (part: unknown) => string[] {
  return (part) => {
    if (!pending.isInjectionPoint(part)) return [];
    const injected: InjectedMessage[] = pending.getInjectedMessages(part);
    return [...pending.getInjectedMessageIds(part), ...injected.map(({ id, text }) => id + text)];
  };
}
