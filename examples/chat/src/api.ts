// The app's own server: what it remembers of each chat, and the two calls that need its secret key.

import type { UIMessage } from "ai";
import type { ChatSessionPersistedState } from "trigger-chat-transport";
import type { Agent } from "./agents";

export type ChatSummary = { id: string; title: string | null; agent: string };

export type StoredChat = {
  agent: string;
  messages: UIMessage[];
  session: ChatSessionPersistedState | null;
};

export class HttpError extends Error {
  readonly status: number;

  /** `reason` is the server's own, where it gave one. */
  constructor(status: number, what: string, reason: string | undefined) {
    super(`${what}: the server answered ${status}${reason ? `, ${reason}` : ""}.`);
    this.name = "HttpError";
    this.status = status;
  }
}

export async function listAgents(): Promise<Agent[]> {
  const response = await request("GET", "/agents");
  return response.json();
}

export async function listChats(): Promise<ChatSummary[]> {
  const response = await request("GET", "/chats");
  return response.json();
}

export function loadChat(id: string): Promise<StoredChat> {
  return inOrder(id, async () => {
    const response = await request("GET", path(id));
    return response.json();
  });
}

export async function createChat(id: string, agent: string): Promise<void> {
  await inOrder(id, () => request("PUT", path(id), { agent }));
}

export async function renameChat(id: string, title: string): Promise<void> {
  await inOrder(id, () => request("PUT", path(id), { title }));
}

/** The server makes the chat's title from the first message, unless it has one. */
export async function saveMessages(id: string, messages: UIMessage[]): Promise<void> {
  await inOrder(id, () => request("PUT", path(id, "messages"), messages));
}

export async function saveSession(
  id: string,
  session: ChatSessionPersistedState | null,
): Promise<void> {
  // `keepalive` lets the request outlive the page: a reload right after sending still finds it.
  await inOrder(id, () => request("PUT", path(id, "session"), session, { keepalive: true }));
}

export async function deleteChat(id: string): Promise<void> {
  await inOrder(id, () => request("DELETE", path(id)));
}

export function startSession(
  id: string,
  start: { taskId: string; clientData: unknown },
): Promise<{ publicAccessToken: string }> {
  return inOrder(id, async () => {
    const response = await request("POST", path(id, "start"), start);
    return response.json();
  });
}

export async function mintAccessToken(id: string): Promise<string> {
  const response = await request("POST", path(id, "token"));
  return response.text();
}

const lastCall = new Map<string, Promise<unknown>>();

/**
 * Calls about one chat leave one after the other. Two requests in flight may arrive in either
 * order, and an earlier state must never overwrite a later one.
 */
function inOrder<T>(id: string, call: () => Promise<T>): Promise<T> {
  const next = (lastCall.get(id) ?? Promise.resolve()).then(call, call);
  lastCall.set(id, next);
  return next;
}

function path(id: string, part?: "messages" | "session" | "start" | "token"): string {
  return `/chats/${encodeURIComponent(id)}${part ? `/${part}` : ""}`;
}

async function request(
  method: "GET" | "PUT" | "POST" | "DELETE",
  path: string,
  body?: unknown,
  options?: RequestInit,
): Promise<Response> {
  const response = await fetch(`/app${path}`, {
    ...options,
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
    }),
  });
  if (response.ok) return response;
  const refusal: { error?: string } | null = await response.json().catch(() => null);
  throw new HttpError(response.status, `${method} /app${path}`, refusal?.error);
}
