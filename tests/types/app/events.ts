// An app that counts what its transport tells: no event may be forgotten.
import type { ChatTransportEvent, ChatTransportSendSource } from "@trigger.dev/sdk/chat";
import type {
  ChatTransportEvent as EventForReact,
  ChatTransportSendSource as SourceForReact,
} from "@trigger.dev/sdk/chat/react";
import { type Equal, proves } from "./equal.js";

export function describe(event: ChatTransportEvent): string {
  event.chatId satisfies string;
  event.timestamp satisfies number;
  switch (event.type) {
    case "message-sent":
      event.partId satisfies string | undefined;
      event.bodyBytes satisfies number | undefined;
      return `${describeSource(event.source)} ${event.messageId ?? ""} ${event.durationMs} ms`;
    case "message-send-failed":
      return `${describeSource(event.source)} ${event.error.message} ${event.status ?? 0}`;
    case "stream-connected":
      return event.resumed ? `from ${event.lastEventId ?? "the start"}` : "";
    case "first-chunk":
      event.chunkType satisfies string | undefined;
      return `${event.sinceSendMs ?? 0} ms`;
    case "turn-completed":
      return event.sessionInEventId ?? event.lastEventId ?? "";
    case "stream-error":
      return `${event.error.message} ${event.status ?? 0}`;
    case "session-closed":
      event.source satisfies "stream" | "append";
      return event.reason ?? "";
    case "run-pending-version":
      return event.source satisfies "start" | "send" | "head-start" | "upgrade";
    default:
      event satisfies never;
      return "";
  }
}

function describeSource(source: ChatTransportSendSource): string {
  switch (source) {
    case "submit-message":
    case "regenerate-message":
    case "steer":
    case "action":
    case "stop":
    case "head-start":
      return source;
    default:
      return source satisfies never;
  }
}

/** One kind of event, by its type. */
type Failure = Extract<ChatTransportEvent, { type: "message-send-failed" }>;

/** A test's own event. */
export const failure: Failure = {
  type: "message-send-failed",
  chatId: "c",
  timestamp: 0,
  source: "steer",
  error: new Error("offline"),
  durationMs: 1,
};

// @ts-expect-error: a failure has its error
export const incomplete: ChatTransportEvent = {
  type: "stream-error",
  chatId: "c",
  timestamp: 0,
};

proves<{
  event: Equal<EventForReact, ChatTransportEvent>;
  source: Equal<SourceForReact, ChatTransportSendSource>;
}>();
