// Both packages' `AgentChat` against servers of their own, and what each asks of its server.
import { configure } from "@trigger.dev/sdk";
import {
  type ChatSession,
  AgentChat as PublishedChat,
  type ChatStream as PublishedStream,
} from "@trigger.dev/sdk/chat";
import type { UIMessageChunk } from "ai";
import { AgentChat as OurChat } from "trigger-chat-transport";
import { afterAll, beforeAll, onTestFinished, vi } from "vitest";
import { BUILD_TIMEOUT_MS, type SessionServer, startServer } from "../support/server";

export const KEY = "tr_dev_agent_chat";

type Answer = Pick<PublishedStream, keyof PublishedStream>;

/** The surface that both have: their types differ in what is private alone. */
export type Chat = Omit<PublishedChat, "sendMessage" | "sendAction"> & {
  sendMessage(...args: Parameters<PublishedChat["sendMessage"]>): Promise<Answer>;
  sendAction(...args: Parameters<PublishedChat["sendAction"]>): Promise<Answer>;
};
export type Options = ConstructorParameters<typeof PublishedChat>[0];

export const names = ["ours", "published"] as const;
export type Name = (typeof names)[number];

/** A place where one of the two clients is at home. */
export type Home = { server: SessionServer; open(options: Options): Chat };

/** Starts a server for a client. The published one is told of it by its global configuration. */
async function homeOf(name: Name): Promise<Home> {
  const server = await startServer({ secretKey: KEY });
  const open = (options: Options): Chat => {
    if (name === "ours") return new OurChat({ baseURL: server.url, secretKey: KEY, ...options });
    configure({ accessToken: KEY, baseURL: server.url });
    return new PublishedChat(options);
  };
  return { server, open };
}

/** A home for each client, from before the first test of a file until its last one. */
export function homesOfAll(): Record<Name, Home> {
  const homes = {} as Record<Name, Home>;
  beforeAll(async () => {
    for (const name of names) homes[name] = await homeOf(name);
  }, BUILD_TIMEOUT_MS);
  afterAll(async () => {
    for (const name of names) await homes[name]?.server.stop();
  });
  return homes;
}

/** Words so slow that the answer stands still after its first three chunks, until it is stopped. */
export const STUCK = "Tell me a story: 200 words at 10000 ms";
/** A short story. The number of its words tells it from others. */
export const told = (words: number) => `Tell me a story: ${words} words at 1 ms`;

/** Reads a stream to its end. */
export async function read(stream: ReadableStream<UIMessageChunk> | null) {
  const chunks: UIMessageChunk[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return chunks;
}

/** Reads the first chunks, and lets others read on. */
export async function readSome(stream: ReadableStream<UIMessageChunk> | null, count: number) {
  if (!stream) throw new Error("there is nothing to read");
  const reader = stream.getReader();
  const chunks: UIMessageChunk[] = [];
  while (chunks.length < count) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
  }
  reader.releaseLock();
  return chunks;
}

export const textOf = (chunks: UIMessageChunk[]): string =>
  chunks.map((chunk) => (chunk.type === "text-delta" ? chunk.delta : "")).join("");

/** What a client has asked of its server: what is random in it has a name. */
export type Asked = {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
};

const COMPARED = [
  ...["accept", "authorization", "content-type", "last-event-id", "timeout-seconds"],
  ...["x-part-id", "x-peek-settled", "x-trigger-branch", "x-trigger-source"],
];

/** Records what is asked from now on, until the test is over. */
export function recorded(): Asked[] {
  const asked: Asked[] = [];
  const { fetch } = globalThis;
  vi.stubGlobal("fetch", (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init);
    const headers = [...request.headers].filter(([name]) => COMPARED.includes(name));
    const { pathname, search } = new URL(request.url);
    asked.push({
      method: request.method,
      path: pathname + search,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, named(value)])),
      body: typeof init?.body === "string" ? JSON.parse(named(init.body)) : undefined,
    });
    return fetch(input, init);
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  return asked;
}

function named(text: string): string {
  return text
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/g, "(uuid)")
    .replace(/\b(msg|steer)-\d{13}(-\w+)?/g, "$1");
}

/** A session as an app stores it: as JSON. */
export const stored = (session: ChatSession): ChatSession => JSON.parse(JSON.stringify(session));
