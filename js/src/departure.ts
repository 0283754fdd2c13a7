import { type ReconnectToStreamOptions, TriggerChatTransport } from "./transport.js";
import type { TriggerChatTransportOptions } from "./types.js";

/** A transport in a component, and what the component tells of itself. */
export type Resident = {
  transport: TriggerChatTransport;
  /**
   * The component takes its effects down; `useChat`, behind it, does so in the same breath. Where it
   * does not say at once that it stays, it is gone, and the transport lets go of everything.
   */
  leave(): void;
  /** Its effects are up again. */
  stay(): void;
};

/**
 * Makes the transport of a component with `useChat`, which aborts its signals when a person says
 * stop, and also when the component goes or is given another chat. Only a person stops the turn.
 */
export function settle(options: TriggerChatTransportOptions): Resident {
  let isLeaving = false;
  const transport = new TriggerChatTransport({ ...options, isLeaving: () => isLeaving });
  const stay = () => {
    isLeaving = false;
  };
  const leave = () => {
    isLeaving = true;
    // React takes all effects down in one go, and where they come up again (after each render, and
    // twice at first in StrictMode), it has them up before this.
    void Promise.resolve().then(() => {
      if (isLeaving) transport.dispose();
      stay();
    });
  };

  const { reconnectToStream, stopGeneration, getSession } = transport;
  const resumed = new Map<string, ReconnectToStreamOptions>();
  const stop = async (call: ReconnectToStreamOptions) => {
    if (isLeaving || options.stopOnAbort === false) return;
    // `resumeStream()` aborts the stream that it replaces, and asks for the next one at once.
    await undefined;
    const { chatId } = call;
    if (resumed.get(chatId) !== call || getSession(chatId)?.isStreaming === false) return;
    await stopGeneration(chatId);
  };
  transport.reconnectToStream = (call) => {
    const { chatId, abortSignal, stopOnAbort } = call;
    resumed.set(chatId, call);
    // Anyone may read along; but to a person with `useChat` a resumed answer is as good as any.
    if (stopOnAbort === undefined) abortSignal?.addEventListener("abort", () => void stop(call));
    return reconnectToStream(call);
  };
  return { transport, leave, stay };
}
