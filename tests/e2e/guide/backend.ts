// What an app has besides its page: its own server, and a proxy in front of the service.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer, text } from "node:stream/consumers";
import type { UIMessage } from "ai";
import { createParser } from "eventsource-parser";
import type { ChatInputChunk, ChatSessionPersistedState } from "trigger-chat-transport";
import { expect } from "vitest";
import { ServerRecords } from "../demo-support";
import type { SessionServer } from "../support/server";

/** What the app's server has of a chat, and what its agent's hooks write there: the test plays them. */
export class AppServer {
  #server: SessionServer;
  #chatId: string;
  #messages: UIMessage[] = [];

  constructor(server: SessionServer, chatId: string) {
    this.#server = server;
    this.#chatId = chatId;
  }

  async makeChat(agent: string): Promise<void> {
    await this.#put("", { agent });
  }

  async session(): Promise<unknown> {
    return (await (await fetch(this.#url)).json()).session;
  }

  async storeSession(session: ChatSessionPersistedState): Promise<void> {
    await this.#put("/session", session);
  }

  /** `onTurnStart`: stores what the person has said. */
  async turnStarts(): Promise<void> {
    const message = (await this.#server.inputs(this.#chatId)).at(-1)?.data.payload?.message;
    if (!message) throw new Error("nobody has said anything");
    this.#messages.push(message);
    await this.#put("/messages", this.#messages);
  }

  /** `onTurnComplete`: stores the answer, and how far it goes. */
  async turnCompletes(): Promise<void> {
    const { messageId = "", text } = await new ServerRecords(this.#server).lastTurn(this.#chatId);
    this.#messages.push({ id: messageId, role: "assistant", parts: [{ type: "text", text }] });
    await this.#put("/messages", this.#messages);
    const publicAccessToken = await this.#server.mintToken(this.#chatId);
    const lastEventId = await this.#lastBoundary();
    await this.storeSession({ publicAccessToken, lastEventId });
  }

  async #lastBoundary(): Promise<string> {
    const body = (await this.#server.settledOutput(this.#chatId)) ?? "";
    const boundaries: number[] = [];
    const parser = createParser({
      onEvent: ({ event, data }) => {
        if (event !== "batch") return;
        for (const { seq_num, headers } of JSON.parse(data).records) {
          if (headers?.[0]?.[0] === "trigger-control") boundaries.push(seq_num);
        }
      },
    });
    parser.feed(body);
    return String(boundaries.at(-1));
  }

  get #url(): string {
    return `${this.#server.url}/app/chats/${this.#chatId}`;
  }

  async #put(path: string, body: unknown): Promise<void> {
    const init = { method: "PUT", body: JSON.stringify(body) };
    expect((await fetch(this.#url + path, init)).ok).toBe(true);
  }
}

/**
 * An app's proxy in front of a service: adds to each message what only the app's server can know, and
 * takes nothing but requests to `in`.
 */
export async function startProxy(service: string) {
  const passed: string[] = [];
  const server = createServer((request, response) => {
    pass(service, request, response).then(
      () => passed.push(`${request.method} ${request.url}`),
      (error) => response.destroy(error),
    );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The requests that it has passed on, or refused. */
    passed,
    stop: () => void server.close(),
  };
}

/** The cookie of somebody who is signed in at the site. */
export const COOKIE = "user=ada";

/**
 * An app's site, with its pages, its login and a handler below `/chat`; what else there is comes from
 * the session server.
 */
export async function startSite(service: string, chat: (request: Request) => Promise<Response>) {
  const server = createServer((request, response) => {
    serve(service, chat, request, response).catch((error) => response.destroy(error));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function serve(
  service: string,
  chat: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  response: ServerResponse,
) {
  const { method = "GET", url = "/", headers } = incoming;
  if (url === "/sign-in") {
    const cookie = `${COOKIE}; Path=/chat; HttpOnly; SameSite=Lax`;
    return response.writeHead(204, { "Set-Cookie": cookie }).end();
  }
  const left = new AbortController();
  response.on("close", () => left.abort());
  const body = method === "GET" ? null : new Uint8Array(await buffer(incoming));
  const init = { method, body, headers: headers as HeadersInit, signal: left.signal };
  const answer = url.startsWith("/chat/")
    ? await chat(new Request(`http://${headers.host}${url}`, init))
    : await fetch(service + url, { method, body });
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.flushHeaders();
  for await (const bytes of answer.body ?? []) response.write(bytes);
  return response.end();
}

async function pass(service: string, request: IncomingMessage, response: ServerResponse) {
  response.setHeader("Access-Control-Allow-Origin", "*");
  response.setHeader("Access-Control-Allow-Headers", "*, Authorization");
  if (request.method === "OPTIONS") return response.writeHead(204).end();
  if (!request.url?.endsWith("/in/append")) return response.writeHead(404).end();
  const record: ChatInputChunk<UIMessage, object> = JSON.parse(await text(request));
  if (record.kind === "message") {
    record.payload.metadata = { ...record.payload.metadata, country: "IS" };
  }
  const headers = new Headers();
  for (const name of ["authorization", "content-type", "x-part-id", "x-trigger-source"]) {
    headers.set(name, String(request.headers[name]));
  }
  const body = JSON.stringify(record);
  const answer = await fetch(service + request.url, { method: "POST", headers, body });
  response.writeHead(answer.status, { "Content-Type": "application/json" });
  return response.end(await answer.text());
}
