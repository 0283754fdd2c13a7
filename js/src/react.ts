"use client";

import { settle } from "./departure.js";
import { React } from "./react/peer.js";
import { idle, type TriggerChatTransport } from "./transport.js";
import type {
  AnyChatTask,
  ChatConnectionState,
  TriggerChatTransportOptions,
  UseTriggerChatTransportOptions,
} from "./types.js";

export type {
  ChatConnectionState,
  ChatTransportEvent,
  ChatTransportSendSource,
  InferChatUIMessage,
  UseTriggerChatTransportOptions,
} from "./types.js";

/**
 * Makes one transport for the component's life. The callbacks, `clientData` and `fetch` follow each
 * render; all other options are those of the first.
 *
 * Call it in the component that calls `useChat`. When that unmounts, or is given another chat, the
 * transport lets go of the streams, and turns go on at the server. The `stop()` of `useChat` stops
 * the turn, a resumed one too, but in an effect, where it looks like leaving: there, call
 * `transport.stopGeneration`.
 */
export function useTriggerChatTransport<TTask extends AnyChatTask = AnyChatTask>(
  options: UseTriggerChatTransportOptions<TTask>,
): TriggerChatTransport {
  // The agent's type has been checked above; inside, its client data is any record.
  const plain = options as unknown as TriggerChatTransportOptions;
  const { accessToken, startSession, onSessionChange, onEvent, clientData, fetch } = plain;
  const [{ transport, leave, stay }] = React.useState(() => settle(plain));
  // After every render, and so before the effects of `useChat`, which is called with the transport:
  // React runs the cleanups of a component in the order of its hooks.
  React.useEffect(() => {
    stay();
    return leave;
  });
  React.useEffect(() => transport.setAccessToken(accessToken), [transport, accessToken]);
  React.useEffect(() => transport.setStartSession(startSession), [transport, startSession]);
  React.useEffect(
    () => transport.setOnSessionChange(onSessionChange),
    [transport, onSessionChange],
  );
  React.useEffect(() => transport.setOnEvent(onEvent), [transport, onEvent]);
  React.useEffect(() => transport.setClientData(clientData), [transport, clientData]);
  React.useEffect(() => transport.setFetch(fetch), [transport, fetch]);
  return transport;
}

/** How a chat's connection is, for a page to show. Renders again when it changes. */
export function useConnectionState(
  transport: TriggerChatTransport,
  chatId: string,
): ChatConnectionState {
  const subscribe = React.useCallback(
    (onChange: () => void) => {
      transport.addConnectionStateListener(onChange);
      return () => transport.removeConnectionStateListener(onChange);
    },
    [transport],
  );
  const state = () => transport.connectionState(chatId);
  return React.useSyncExternalStore(subscribe, state, () => idle);
}

export type {
  InjectedMessage,
  PendingMessage,
  UsePendingMessagesOptions,
  UsePendingMessagesReturn,
} from "./react/pending-messages.js";
export { useChatActions } from "./react/use-chat-actions.js";
export {
  type LoadTranscriptResult,
  seedTranscriptCursor,
  type UseLoadTranscriptOptions,
  useLoadTranscript,
} from "./react/use-load-transcript.js";
export { type MultiTabTransport, useMultiTabChat } from "./react/use-multi-tab-chat.js";
export { usePendingMessages } from "./react/use-pending-messages.js";
export { useSubAgentMessages } from "./react/use-sub-agent-messages.js";
