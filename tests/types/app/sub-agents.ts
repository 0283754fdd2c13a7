// An app that shows the agents that its agent asks, without React.
import {
  createSubAgentMessages,
  SUB_AGENT_DATA_TYPE,
  type SubAgentChunkBatch,
  type SubAgentDataChunk,
  type SubAgentMessages,
  type SubAgentMessagesOptions,
} from "@trigger.dev/sdk/chat";
import type { UIMessage } from "ai";
import type { Message } from "./agents.js";

const options: SubAgentMessagesOptions = { throttleMs: 50, onChange: () => {} };
const messages: SubAgentMessages<Message> = createSubAgentMessages<Message>(options);
const plain = createSubAgentMessages();

const batch: SubAgentChunkBatch = {
  toolCallId: "call",
  seq: 0,
  chunks: [{ type: "text-delta", id: "t", delta: "Hi" }],
};
const chunk: SubAgentDataChunk = { type: SUB_AGENT_DATA_TYPE, data: batch, transient: true };

messages.onData(chunk);
messages.onData({ type: "data-other" });
messages.get("call") satisfies Message | undefined;
plain.get("call") satisfies UIMessage | undefined;
messages.dispose();

SUB_AGENT_DATA_TYPE satisfies "data-subagent";
// @ts-expect-error: a batch has its place
({ toolCallId: "call", chunks: [] }) satisfies SubAgentChunkBatch;
