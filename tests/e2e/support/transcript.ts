// What the service has of a conversation, told as the page's messages are: both can be held side by side.
import type { UIMessage, UIMessageChunk } from "ai";
import { type Turn, turnsOf } from "../chaos/records";
import { eventually } from "../demo-support";
import type { SessionServer } from "./server";

/** A message: each part in one line. */
export interface Told {
  id: string;
  role: string;
  parts: string[];
}

/** A message of the page. */
export function told({ id, role, parts }: UIMessage): Told {
  const line = (part: UIMessage["parts"][number]) => {
    if (part.type === "text") return `text ${part.text}`;
    return "toolCallId" in part ? `${part.type} ${part.toolCallId} ${part.state}` : part.type;
  };
  return { id, role, parts: parts.map(line) };
}

/** The conversation as the service has it. It keeps one turn: each has to be read before the next. */
export class Transcript {
  #server: SessionServer;
  #chatId: string;
  #hasApprovals: boolean;
  #messages: Told[] = [];
  #asked = 0;

  constructor(server: SessionServer, chatId: string, hasApprovals: boolean) {
    this.#server = server;
    this.#chatId = chatId;
    this.#hasApprovals = hasApprovals;
  }

  /** All messages, as soon as the turn is over that answers the last one which has landed. */
  async read(): Promise<Told[]> {
    const inputs = await this.#server.inputs(this.#chatId);
    const asked = inputs.filter(({ data }) => data.kind === "message").slice(this.#asked);
    this.#asked += asked.length;
    if (asked.length > 1) throw new Error("a turn was not read");
    for (const { seqNum, data } of asked) {
      const { trigger, message } = data.payload ?? {};
      if (trigger === "regenerate-message") this.#messages.pop();
      else if (message?.role === "user") this.#messages.push(told(message));
      else if (message) decide(this.#messages, message);
      const turn = await this.#turnOf(seqNum);
      const chunks = turn.chunks.map((text) => JSON.parse(text) as UIMessageChunk);
      const isKnown = ({ type }: UIMessageChunk) => this.#hasApprovals || type !== approval;
      goOn(this.#messages, chunks.filter(isKnown));
    }
    return this.#messages;
  }

  #turnOf(seqNum: number): Promise<Turn> {
    return eventually(`the end of the turn of ${this.#chatId}`, async () => {
      const turn = turnsOf((await this.#server.settledOutput(this.#chatId)) ?? "").at(-1);
      return turn !== undefined && turn.lastInput >= seqNum && turn;
    });
  }
}

/** AI SDK 5 knows of none. */
const approval = "tool-approval-request";

/** Takes in what has become of the calls of the last message. */
function decide(messages: Told[], { parts }: UIMessage): void {
  for (const part of parts) {
    if ("toolCallId" in part) setState(messages.at(-1)?.parts ?? [], part.toolCallId, part.state);
  }
}

/** Adds what a turn says: a message, or more of the last one. */
function goOn(messages: Told[], chunks: UIMessageChunk[]): void {
  const id = chunks.find((chunk) => chunk.type === "start")?.messageId ?? "";
  let message = messages.at(-1);
  if (message?.id !== id) {
    message = { id, role: "assistant", parts: [] };
    messages.push(message);
  }
  const { parts } = message;
  const texts = new Map<string, number>();
  for (const chunk of chunks) {
    switch (chunk.type) {
      case "start-step":
        parts.push("step-start");
        break;
      case "text-start":
        texts.set(chunk.id, parts.push("text ") - 1);
        break;
      case "text-delta":
        parts[texts.get(chunk.id) ?? -1] += chunk.delta;
        break;
      case "tool-input-start":
        parts.push(`tool-${chunk.toolName} ${chunk.toolCallId} input-streaming`);
        break;
      case "tool-input-available":
        setState(parts, chunk.toolCallId, "input-available");
        break;
      case "tool-approval-request":
        setState(parts, chunk.toolCallId, "approval-requested");
        break;
      case "tool-output-available":
        setState(parts, chunk.toolCallId, "output-available");
        break;
    }
  }
}

function setState(parts: string[], callId: string, state: string): void {
  const place = parts.map((part) => part.split(" ")[1]).lastIndexOf(callId);
  const [type] = (parts[place] ?? "").split(" ");
  parts[place] = `${type} ${callId} ${state}`;
}
