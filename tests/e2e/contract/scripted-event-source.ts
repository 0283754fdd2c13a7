// The browser's `EventSource` as the standard has it, over a scripted service: a `GET` that is answered
// as any other request, whose body comes as events. Its own way to come again after a loss is there as
// well, so that a test can tell when nobody has ended it.
import { createParser } from "eventsource-parser";
import type { ScriptedService } from "./scripted-service";

/** How long the browser's own waits before it comes again. */
export const OWN_RETRY_MS = 3_000;

/** Makes the class for one service, and keeps what was made of it. */
export function scriptedEventSource(service: ScriptedService) {
  return class ScriptedEventSource extends EventTarget {
    static readonly made: ScriptedEventSource[] = [];
    readonly CONNECTING = 0;
    readonly OPEN = 1;
    readonly CLOSED = 2;
    readonly withCredentials: boolean;
    readyState = this.CONNECTING as 0 | 1 | 2;
    onopen: ((event: Event) => void) | null = null;
    #url: string;
    #abort = new AbortController();
    #lastEventId = "";

    constructor(url: string, { withCredentials = false } = {}) {
      super();
      this.#url = url;
      this.withCredentials = withCredentials;
      ScriptedEventSource.made.push(this);
      void this.#connect();
    }

    close(): void {
      this.readyState = this.CLOSED;
      this.#abort.abort();
    }

    async #connect(): Promise<void> {
      const cursor = this.#lastEventId ? { "Last-Event-ID": this.#lastEventId } : {};
      const init = { headers: { ...cursor }, signal: this.#abort.signal };
      try {
        const response = await service.globalFetch(this.#url, init);
        const type = response.headers.get("Content-Type");
        if (response.status !== 200 || type !== "text/event-stream") return this.#fail();
        this.readyState = this.OPEN;
        this.onopen?.(new Event("open"));
        await this.#read(response);
      } catch {
        // Lost: the same as a body that has ended.
      }
      if (this.readyState === this.CLOSED) return;
      this.readyState = this.CONNECTING;
      setTimeout(() => {
        if (this.readyState === this.CONNECTING) void this.#connect();
      }, OWN_RETRY_MS);
      this.dispatchEvent(new Event("error"));
    }

    async #read(response: Response): Promise<void> {
      const decoder = new TextDecoder();
      const parser = createParser({
        onEvent: ({ event = "message", data, id = this.#lastEventId }) => {
          this.#lastEventId = id;
          if (this.readyState === this.CLOSED) return;
          this.dispatchEvent(new MessageEvent(event, { data, lastEventId: id }));
        },
      });
      for await (const bytes of response.body ?? []) {
        parser.feed(decoder.decode(bytes, { stream: true }));
      }
    }

    #fail(): void {
      this.readyState = this.CLOSED;
      this.dispatchEvent(new Event("error"));
    }
  };
}
