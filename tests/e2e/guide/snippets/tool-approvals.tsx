// A tool that asks first: a person says yes or no, and the answer goes on by itself.
import { useChat } from "@ai-sdk/react";
import { lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { type InferChatUIMessage, useTriggerChatTransport } from "trigger-chat-transport/react";
import type { approval } from "../app/agents";
import { Composer, Said, setting, show } from "../app/page";
import { serverActions } from "../app/server-actions";

type Message = InferChatUIMessage<typeof approval>;

const { mintToken, startSession } = serverActions("approval");

function Chat() {
  const transport = useTriggerChatTransport<typeof approval>({
    task: "approval",
    accessToken: ({ chatId }) => mintToken(chatId),
    startSession: ({ chatId, clientData }) => startSession({ chatId, clientData }),
  });
  const { messages, sendMessage, addToolApprovalResponse, status } = useChat<Message>({
    id: setting("chat"),
    transport,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  const approve = (id: string) => void addToolApprovalResponse({ id, approved: true });
  const deny = (id: string) =>
    void addToolApprovalResponse({ id, approved: false, reason: "Not today" });

  const show = (part: Message["parts"][number]) => {
    if (part.type === "text") return <p key={part.text}>{part.text}</p>;
    if (part.type !== "tool-send_email") return null;
    if (part.state !== "approval-requested") return <i key={part.toolCallId}>{part.state}</i>;
    const { id } = part.approval;
    return (
      <fieldset key={part.toolCallId}>
        <legend>{part.input.to}</legend>
        <pre>{part.input.subject}</pre>
        <button type="button" onClick={() => approve(id)}>
          Approve
        </button>
        <button type="button" onClick={() => deny(id)}>
          Deny
        </button>
      </fieldset>
    );
  };
  return (
    <>
      {messages.map(({ id, role, parts }) => (
        <Said key={id} by={role}>
          {parts.map(show)}
        </Said>
      ))}
      <Composer status={status} onSend={(text) => void sendMessage({ text })} />
    </>
  );
}

show(<Chat />);
