// One message, by a transport made for it, as a page that has stored a session's token does. Runs in the
// page.
import type { TriggerChatTransport as PublishedTransport } from "@trigger.dev/sdk/chat";
import type { TriggerChatTransport as OurTransport } from "trigger-chat-transport";

/** What both packages export by that name. */
export type TransportClass = typeof PublishedTransport | typeof OurTransport;

/** A transport with a chat below this URL. */
export function transportTo(Transport: TransportClass, baseURL: string, options = {}) {
  return new Transport({
    task: "bench",
    baseURL,
    accessToken: () => "token",
    sessions: { chat: { publicAccessToken: "token", isStreaming: false } },
    ...options,
  });
}

/** Sends it to a chat below this URL; gives the transport, and the stream to come. */
export function send(Transport: TransportClass, baseURL: string, options = {}) {
  const transport = transportTo(Transport, baseURL, options);
  const stream = transport.sendMessages({
    trigger: "submit-message",
    chatId: "chat",
    messageId: undefined,
    messages: [{ id: "message", role: "user", parts: [{ type: "text", text: "Hello" }] }],
    abortSignal: undefined,
  });
  return { transport, stream };
}
