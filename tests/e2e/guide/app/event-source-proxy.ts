// A proxy before the service, for pages that read answers by `EventSource`: a route handler for any
// server that has the web's `Request` and `Response`, such as Next.

type Settings = {
  /** The service's address. */
  service: string;
  secretKey: string;
  /** Whether whoever has this cookie may read and write this chat. */
  mayUse(cookie: string | null, chatId: string): boolean | Promise<boolean>;
};

const channels = /\/realtime\/v1\/sessions\/([^/]+)\/(out|in\/append|in\/records)$/;

const settled = new TextEncoder().encode("event: settled\ndata: true\n\n");

/** Makes the handler of `GET` and `POST`. */
export function chatProxy({ service, secretKey, mayUse }: Settings) {
  return async (request: Request): Promise<Response> => {
    const { pathname, search, searchParams } = new URL(request.url);
    const [path, chatId = "", channel] = channels.exec(pathname) ?? [];
    if (!path) return new Response(null, { status: 404 });
    const isAllowed = await mayUse(request.headers.get("Cookie"), decodeURIComponent(chatId));
    if (!isAllowed) return new Response(null, { status: 401 });

    const asked = {
      Authorization: `Bearer ${secretKey}`,
      Accept: request.headers.get("Accept"),
      "Content-Type": request.headers.get("Content-Type"),
      "X-Part-Id": request.headers.get("X-Part-Id"),
      "X-Trigger-Source": request.headers.get("X-Trigger-Source"),
      "Last-Event-ID": searchParams.get("lastEventId"),
      "X-Peek-Settled": searchParams.get("peekSettled"),
      "Timeout-Seconds": searchParams.get("timeoutSeconds"),
    };
    const answer = await fetch(service + path + (channel === "in/records" ? search : ""), {
      method: request.method,
      headers: Object.entries(asked).filter((header): header is [string, string] => !!header[1]),
      body: request.method === "POST" ? await request.text() : null,
      // Who leaves the page leaves the service, too.
      signal: request.signal,
    });

    const headers = new Headers({ "Cache-Control": "no-cache, no-transform" });
    for (const name of ["Content-Type", "Retry-After", "X-Accel-Buffering"]) {
      const value = answer.headers.get(name);
      if (value) headers.set(name, value);
    }
    const isSettled = answer.headers.get("X-Session-Settled") === "true";
    const body = isSettled && answer.body ? answer.body.pipeThrough(settledFirst()) : answer.body;
    return new Response(body, { status: answer.status, headers });
  };
}

/** An `EventSource` shows no headers: what the service says in one is said by an event. */
function settledFirst(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({ start: (controller) => controller.enqueue(settled) });
}
