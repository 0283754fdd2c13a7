// What a page asks of the app's own server. A real app would ask who is there first.
import type { UIMessage } from "ai";
import type { ChatSessionPersistedState } from "trigger-chat-transport";

type Sessions = Record<string, ChatSessionPersistedState>;

/** The actions of an app with this agent. */
export function serverActions(agent: string) {
  return {
    async mintToken(chatId: string): Promise<string> {
      return (await call("POST", `/${chatId}/token`)).text();
    },
    /** Stores the session as well, for the next page load. */
    async startSession({ chatId, clientData }: { chatId: string; clientData: unknown }) {
      const start = await call("POST", `/${chatId}/start`, { taskId: agent, clientData });
      const session: { publicAccessToken: string } = await start.json();
      await call("PUT", `/${chatId}/session`, session);
      return session;
    },
  };
}

export async function loadMessages(chatId: string): Promise<UIMessage[]> {
  return (await (await call("GET", `/${chatId}`)).json()).messages;
}

/** In the form that the transport takes. */
export async function loadSessions(chatId: string): Promise<Sessions> {
  const { session } = await (await call("GET", `/${chatId}`)).json();
  return session ? { [chatId]: session } : {};
}

export async function deleteSession(chatId: string): Promise<void> {
  await call("PUT", `/${chatId}/session`, null);
}

/** Signs whoever is there in again, where the app's own login still holds. */
export async function renewCookie(): Promise<void> {
  await fetch("/sign-in", { method: "POST" });
}

async function call(method: string, path: string, body?: unknown): Promise<Response> {
  const response = await fetch(`/app/chats${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`The app's server says ${response.status}.`);
  return response;
}
