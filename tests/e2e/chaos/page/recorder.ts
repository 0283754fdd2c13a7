import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import type { TriggerChatTransport } from "trigger-chat-transport";
import type { Recording } from "./contract";

/** The transport as `useChat` sees it; every chunk that it hands on is written down. */
export function recorded(
  transport: TriggerChatTransport,
  recordings: Recording[],
): ChatTransport<UIMessage> & { close(): void } {
  return {
    sendMessages: async (options) =>
      tapped(await transport.sendMessages(options), begin("send", recordings)),
    reconnectToStream: async (options) => {
      const stream = await transport.reconnectToStream(options);
      return stream && tapped(stream, begin("resume", recordings));
    },
    resumeStreamIsReplay: transport.resumeStreamIsReplay,
    close: () => transport.close(),
  };
}

function begin(call: Recording["call"], recordings: Recording[]): Recording {
  const recording: Recording = { call, chunks: [] };
  recordings.push(recording);
  return recording;
}

/** The same stream; it asks for a chunk only when it is asked for one. */
function tapped(stream: ReadableStream<UIMessageChunk>, recording: Recording) {
  const reader = stream.getReader();
  return new ReadableStream<UIMessageChunk>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            recording.end = "closed";
            return controller.close();
          }
          recording.chunks.push(JSON.stringify(value));
          controller.enqueue(value);
        } catch (error) {
          recording.end = `failed: ${error}`;
          controller.error(error);
        }
      },
      cancel(reason) {
        recording.end = "cancelled";
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
