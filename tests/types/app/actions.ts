// An app that sends actions, watches, and restores a transcript.
import {
  type ChatActionOptions,
  type ChatActionSettlement,
  TriggerChatTransport,
} from "@trigger.dev/sdk/chat";
import type { UIMessageChunk } from "ai";

const transport = new TriggerChatTransport({
  task: "my-agent",
  accessToken: () => "t",
  watch: true,
  headStart: "/api/chat",
});

export async function undo(abortSignal: AbortSignal): Promise<void> {
  const { sendAction, clearSupersedeGate, seedResumeCursor, sessionStatus, sessionClosedReason } =
    transport;
  const settled: ChatActionSettlement[] = [];
  const options: ChatActionOptions = {
    abortSignal,
    metadata: { userId: "u" },
    onSettled: (settlement) => settled.push(settlement),
  };
  const stream = await sendAction("c", { type: "undo" }, options);
  stream satisfies ReadableStream<UIMessageChunk>;
  await sendAction("c", "undo");
  await sendAction("c", undefined, {
    onSettled({ inputSeq, sessionInEventId, lastEventId }) {
      inputSeq satisfies number;
      sessionInEventId satisfies string;
      lastEventId satisfies string | undefined;
    },
  });
  // @ts-expect-error: no such option
  await sendAction("c", "undo", { timeout: 1 });

  clearSupersedeGate("c");
  seedResumeCursor("c", "7");
  // @ts-expect-error: a cursor is a text
  seedResumeCursor("c", 7);
  switch (sessionStatus("c")) {
    case "open":
      break;
    case "closed":
      sessionClosedReason("c") satisfies string | undefined;
  }
}
