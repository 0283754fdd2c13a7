import type { UIMessage, UIMessageChunk } from "ai";
import { loadReducer } from "../reducer.js";

/** A tool call of an answer. */
export type ChatToolCall = {
  /** The tool's name. */
  toolName: string;
  /** The call's id, which its result has too. */
  toolCallId: string;
  /** What the tool was called with. */
  input: unknown;
};

/** What a tool call came to. */
export type ChatToolResult = {
  /** The call's id. */
  toolCallId: string;
  /** What the tool gave. */
  output: unknown;
};

/** A whole answer. */
export type ChatStreamResult = {
  /** All text of the answer, in one piece. */
  text: string;
  /** The tools that were called, in their order. */
  toolCalls: ChatToolCall[];
  /** What they gave, where they have. */
  toolResults: ChatToolResult[];
};

/**
 * The answer of one turn, to be read in one of these ways: chunk by chunk with `for await`, as the
 * `stream` that it is, message by message with `messages()`, or at its end with `result()` or `text()`.
 * Who leaves a loop lets the stream go; the turn goes on, and `AgentChat.reconnect` reads it anew.
 */
export class ChatStream {
  #stream: ReadableStream<UIMessageChunk>;
  #result: Promise<ChatStreamResult> | undefined;

  /** @param onAssistantMessage Told the whole message, when all of the answer has been read. */
  constructor(
    stream: ReadableStream<UIMessageChunk>,
    onAssistantMessage?: (message: UIMessage) => void,
  ) {
    if (!onAssistantMessage) {
      this.#stream = stream;
      return;
    }
    const [own, observed] = stream.tee();
    this.#stream = own;
    lastMessageOf(observed).then(
      (message) => message && onAssistantMessage(message),
      // Whoever reads the other branch is told of its failure.
      () => {},
    );
  }

  /** The stream itself, for the tools of the AI SDK. */
  get stream(): ReadableStream<UIMessageChunk> {
    return this.#stream;
  }

  /** The chunks of the answer, for `for await`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<UIMessageChunk> {
    return this.#stream[Symbol.asyncIterator]();
  }

  /**
   * The message so far, after almost every chunk. Each is a copy of the whole: for short answers. Needs
   * the package `ai`.
   */
  messages(): AsyncGenerator<UIMessage, void, unknown> {
    return messagesOf(this.#stream);
  }

  /** Reads the answer to its end. */
  result(): Promise<ChatStreamResult> {
    this.#result ??= this.#read();
    return this.#result;
  }

  /** Reads the answer to its end, and gives its text. */
  async text(): Promise<string> {
    return (await this.result()).text;
  }

  async #read(): Promise<ChatStreamResult> {
    const result: ChatStreamResult = { text: "", toolCalls: [], toolResults: [] };
    for await (const chunk of this) {
      if (chunk.type === "text-delta") {
        result.text += chunk.delta;
      } else if (chunk.type === "tool-input-available") {
        const { toolName, toolCallId, input } = chunk;
        result.toolCalls.push({ toolName, toolCallId, input });
      } else if (chunk.type === "tool-output-available") {
        const { toolCallId, output } = chunk;
        result.toolResults.push({ toolCallId, output });
      }
    }
    return result;
  }
}

async function lastMessageOf(
  stream: ReadableStream<UIMessageChunk>,
): Promise<UIMessage | undefined> {
  let last: UIMessage | undefined;
  for await (const message of messagesOf(stream)) last = message;
  return last;
}

/** The reducer takes the failure of a stream for its end: here it is one, as it is elsewhere. */
async function* messagesOf(
  stream: ReadableStream<UIMessageChunk>,
): AsyncGenerator<UIMessage, void, unknown> {
  const readUIMessageStream = await loadReducer("The messages of a chat stream");
  const reader = stream.getReader();
  let failure: { error: unknown } | undefined;
  const chunks = new ReadableStream<UIMessageChunk>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        failure = { error };
        controller.close();
      }
    },
  });
  try {
    for await (const message of readUIMessageStream({ stream: chunks })) yield message;
  } finally {
    // Nothing to do where it is over.
    reader.cancel().catch(() => {});
  }
  if (failure) throw failure.error;
}
