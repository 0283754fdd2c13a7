import type { TriggerChatTransportOptions } from "./types.js";

/**
 * Refuses options that an `EventSource` cannot meet. Whether there is one counts where it is used: a
 * server that renders the page has none.
 */
export function checkStreamSource(
  { streamSource, fetch, headers, baseURL }: Partial<TriggerChatTransportOptions> = {},
  hasEventSource = true,
): void {
  if (streamSource !== "eventsource") return;
  if (fetch || headers || baseURL === undefined || !hasEventSource) {
    throw new TypeError(
      '`streamSource: "eventsource"` needs `baseURL` and an EventSource, and excludes `fetch` and `headers`.',
    );
  }
}
