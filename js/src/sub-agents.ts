import type { UIMessage, UIMessageChunk } from "ai";
import { loadReducer } from "./reducer.js";

/** The type of the data parts that carry a sub-agent's chunks in the stream of its parent. */
export const SUB_AGENT_DATA_TYPE = "data-subagent";

/** What such a part carries. */
export type SubAgentChunkBatch = {
  /** The parent's tool call that the sub-agent works for. */
  toolCallId: string;
  /** The number of this batch, from 0. */
  seq: number;
  /** What the sub-agent wrote since the batch before. */
  chunks: UIMessageChunk[];
};

/** Such a part, as the parent's stream has it. */
export type SubAgentDataChunk = {
  /** Tells it from other data parts. */
  type: typeof SUB_AGENT_DATA_TYPE;
  /** What it carries. */
  data: SubAgentChunkBatch;
  /** The AI SDK keeps no such part in a message. */
  transient: true;
};

/** Options of `createSubAgentMessages`. */
export type SubAgentMessagesOptions = {
  /** Changes are told and shown at most this often, in milliseconds. Default: 100. */
  throttleMs?: number | undefined;
  /** Called after messages have changed. */
  onChange?: (() => void) | undefined;
};

/** What `createSubAgentMessages` returns. */
export type SubAgentMessages<TUIMessage extends UIMessage = UIMessage> = {
  /** For `useChat`'s `onData`; takes every data part, and looks at those of sub-agents. */
  onData: (part: { type: string; data?: unknown }) => void;
  /** The message so far of the sub-agent of a tool call; `undefined` before there is any. */
  get: (toolCallId: string) => TUIMessage | undefined;
  /** Forgets every message and stops the timer, for good. */
  dispose: () => void;
};

const DEFAULT_THROTTLE_MS = 100;

/**
 * Rebuilds the messages of sub-agents while they work, from what `chat.forwardSubAgent` writes to the
 * stream of their parent. Needs the package `ai`. In React, use `useSubAgentMessages`.
 */
export function createSubAgentMessages<TUIMessage extends UIMessage = UIMessage>(
  options: SubAgentMessagesOptions = {},
): SubAgentMessages<TUIMessage> {
  let store: SubAgentStore<TUIMessage> | undefined = new SubAgentStore(options.throttleMs);
  const unsubscribe = store.subscribe(() => options.onChange?.());
  return {
    onData: (part) => store?.onData(part),
    get: (toolCallId) => store?.messages().get(toolCallId),
    dispose: () => {
      unsubscribe();
      store = undefined;
    },
  };
}

/**
 * The messages of sub-agents, by the tool call of their parent. Batches are reduced as they come;
 * what comes of it is shown when the timer says so, which runs only while somebody listens.
 */
export class SubAgentStore<TUIMessage extends UIMessage> {
  #throttleMs: number;
  #subAgents = new Map<string, SubAgent>();
  /** What is shown, and what has been reduced since. */
  #shown: ReadonlyMap<string, TUIMessage> = new Map();
  #reduced = new Map<string, TUIMessage>();
  #timer: Parameters<typeof clearTimeout>[0];
  #listeners = new Set<() => void>();
  #isFailureTold = false;

  constructor(throttleMs = DEFAULT_THROTTLE_MS) {
    this.#throttleMs = throttleMs;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#schedule();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  };

  /** The same map until there is something new to show. */
  messages = (): ReadonlyMap<string, TUIMessage> => this.#shown;

  onData = (part: { type: string; data?: unknown }): void => {
    if (part.type !== SUB_AGENT_DATA_TYPE) return;
    const { toolCallId, seq, chunks } = (part.data ?? {}) as Partial<SubAgentChunkBatch>;
    if (typeof toolCallId !== "string" || !Array.isArray(chunks)) return;
    let subAgent = this.#subAgents.get(toolCallId);
    if (!subAgent) {
      subAgent = new SubAgent();
      this.#subAgents.set(toolCallId, subAgent);
      this.#reduce(toolCallId, subAgent).catch(this.#tellFailure);
    }
    // A batch that comes again after a reconnect, or one behind a gap.
    if (seq !== subAgent.nextSeq) return;
    subAgent.nextSeq++;
    subAgent.push(chunks);
  };

  async #reduce(toolCallId: string, { chunks: stream }: SubAgent): Promise<void> {
    const readUIMessageStream = await loadReducer("The messages of sub-agents");
    // Ends where the reducer meets a chunk that it cannot make sense of: what was before it stays.
    for await (const message of readUIMessageStream<TUIMessage>({ stream })) {
      this.#reduced.set(toolCallId, message);
      this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#reduced.size === 0 || this.#listeners.size === 0) return;
    // biome-ignore lint/style/noRestrictedGlobals: it paces what is shown, and no request
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#shown = new Map([...this.#shown, ...this.#reduced]);
      this.#reduced.clear();
      for (const listener of this.#listeners) listener();
    }, this.#throttleMs);
  }

  #tellFailure = (error: unknown): void => {
    if (!this.#isFailureTold) console.error(error);
    this.#isFailureTold = true;
  };
}

/** The chunks of one sub-agent, on their way to the reducer. */
class SubAgent {
  nextSeq = 0;
  #waiting: UIMessageChunk[] = [];
  #wake: (() => void) | undefined;

  /** The reducer takes one at a time: deltas that wait for it become one, and cost it one step. */
  readonly chunks = new ReadableStream<UIMessageChunk>(
    {
      pull: async (controller) => {
        let chunk = this.#waiting.shift();
        while (chunk === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          chunk = this.#waiting.shift();
        }
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );

  push(chunks: UIMessageChunk[]): void {
    for (const chunk of chunks) {
      const last = this.#waiting.at(-1);
      const joined = last && joinedDeltas(last, chunk);
      if (joined) this.#waiting[this.#waiting.length - 1] = joined;
      else this.#waiting.push(chunk);
    }
    this.#wake?.();
  }
}

/** Two deltas of one part as one; `undefined` for all else. */
function joinedDeltas(first: UIMessageChunk, next: UIMessageChunk): UIMessageChunk | undefined {
  if (
    (first.type === "text-delta" || first.type === "reasoning-delta") &&
    (next.type === "text-delta" || next.type === "reasoning-delta") &&
    first.type === next.type &&
    first.id === next.id
  ) {
    return { ...first, ...next, delta: first.delta + next.delta };
  }
  if (
    first.type === "tool-input-delta" &&
    next.type === "tool-input-delta" &&
    first.toolCallId === next.toolCallId
  ) {
    return { ...next, inputTextDelta: first.inputTextDelta + next.inputTextDelta };
  }
  return undefined;
}
