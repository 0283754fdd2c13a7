// @ts-check
// Reads the service's event stream by the host's own `EventSource`, from a proxy of the app's that
// knows its users by a cookie. What comes is turned back into the text of an event stream, so that it
// is read as any other body is.

/** The names of the events that are read. An `EventSource` drops those that nobody listens to. */
const EVENTS = ["message", "batch", "ping", "error", "settled"];

const DONE = "[DONE]";

/** What a stream is asked for by: the members of the query, and the headers that they stand for. */
const QUERY = {
  lastEventId: "Last-Event-ID",
  peekSettled: "X-Peek-Settled",
  timeoutSeconds: "Timeout-Seconds",
};

/** How much text may wait unread, in UTF-16 units: an `EventSource` cannot be paused. */
const READ_AHEAD_LIMIT = 1 << 20;

/**
 * Makes what asks for one chat's event streams, in place of `fetch`. What it gives looks the same: it
 * fails where there is no network, and a refusal has its status.
 *
 * @param {RequestCredentials} credentials
 * @returns {(endpoint: string, headers: Record<string, string | undefined>, signal: AbortSignal) => Promise<Response>}
 */
export function eventSourceFetch(credentials) {
  let failedOpens = 0;
  return async (endpoint, headers, signal) => {
    const query = new URLSearchParams();
    for (const [name, header] of Object.entries(QUERY)) {
      const value = headers[header];
      if (value !== undefined) query.set(name, value);
    }
    const url = `${endpoint}?${query}`;
    try {
      const response = await open(url, credentials === "include", signal);
      failedOpens = 0;
      return response;
    } catch (error) {
      if (signal.aborted || ++failedOpens < 2) throw error;
      // An `EventSource` does not tell why it failed. Perhaps by a status; and where there is none to
      // complain of, this answer is the stream.
      return globalThis.fetch(url, {
        ...{ credentials, signal },
        headers: { Accept: "text/event-stream" },
      });
    }
  };
}

/**
 * Opens one connection. Whatever ends it ends its `EventSource` too, whose own way to come again knows
 * nothing of the cursor.
 *
 * @param {string} url
 * @param {boolean} withCredentials
 * @param {AbortSignal} signal
 * @returns {Promise<Response>}
 */
function open(url, withCredentials, signal) {
  const source = new EventSource(url, { withCredentials });
  let unread = "";
  let lastId = "";
  let end = `data: ${DONE}\n\n`;
  let isDone = false;
  let wake = () => {};
  return new Promise((resolve, reject) => {
    const lose = () => {
      source.close();
      reject(lost());
      wake();
    };
    /** @param {Event & { data?: string, lastEventId?: string }} event */
    const take = ({ type, data, lastEventId = "" }) => {
      // The connection's own `error`; the service's has data.
      if (data === undefined) return lose();
      // An `EventSource` carries an id on to the events that have none.
      const id = lastEventId === lastId ? "" : `id: ${lastEventId}\n`;
      lastId = lastEventId;
      const text = `event: ${type}\n${id}data: ${data.replaceAll("\n", "\ndata: ")}\n\n`;
      if (type === "settled") {
        // Said with the end, for it is true of a stream that was read to its end.
        end = text + end;
        return;
      }
      isDone = data === DONE;
      unread += isDone ? end : text;
      if (unread.length >= READ_AHEAD_LIMIT && !isDone) {
        // As if its window were over: the next one goes on behind what has been read by then.
        isDone = true;
        unread += `data: ${DONE}\n\n`;
      }
      if (isDone) source.close();
      wake();
    };
    for (const name of EVENTS) source.addEventListener(name, take);
    signal.addEventListener("abort", lose);
    const body = new ReadableStream(
      {
        async pull(controller) {
          if (!unread && source.readyState !== source.CLOSED) {
            await new Promise((resolve) => {
              wake = () => resolve(undefined);
            });
          }
          if (unread) controller.enqueue(new TextEncoder().encode(unread));
          else if (isDone) controller.close();
          else throw lost();
          unread = "";
        },
      },
      { highWaterMark: 0 },
    );
    source.onopen = () => resolve(new Response(body));
  });
}

function lost() {
  return new TypeError("The event source lost its connection.");
}
