// What a chat needs in any framework: a transport, and what to keep of the chat for a reload.
import { type ChatSessionPersistedState, TriggerChatTransport } from "trigger-chat-transport";

/** The agent that answers; `?agent=echo` chooses another one of the server's. */
const agent = new URLSearchParams(location.search).get("agent") ?? "story";

/** The chat that the address names; without a name, a new one. */
export function chatOfTheAddress(): string {
  if (location.hash === "") history.replaceState(null, "", `#${crypto.randomUUID()}`);
  return location.hash.slice(1);
}

/** A chat as it was left, and a transport that goes on there. */
export function openChat<Message>(chatId: string) {
  const stored = read<Message>(chatId);
  const transport = new TriggerChatTransport({
    task: agent,
    baseURL: location.origin,
    accessToken: async () => (await post(chatId, "token", {})).text(),
    startSession: async ({ taskId, clientData }) =>
      (await post(chatId, "start", { taskId, clientData })).json(),
    sessions: stored.session ? { [chatId]: stored.session } : {},
    onSessionChange: (_, session) => write(chatId, { session }),
  });
  const saveMessages = (messages: Message[]) => write(chatId, { messages });
  return { transport, messages: stored.messages ?? [], saveMessages };
}

/** What a message says. */
export function textOf({ parts }: { parts: { type: string; text?: string }[] }): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

// The app's own server has the secret key.
async function post(chatId: string, what: "token" | "start", body: object): Promise<Response> {
  const response = await fetch(`/app/chats/${chatId}/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return response;
}

// A real app keeps this at its server.
type Stored<Message> = { messages?: Message[]; session?: ChatSessionPersistedState | null };

function read<Message>(chatId: string): Stored<Message> {
  return JSON.parse(localStorage.getItem(chatId) ?? "{}");
}

function write<Message>(chatId: string, change: Stored<Message>): void {
  localStorage.setItem(chatId, JSON.stringify({ ...read(chatId), ...change }));
}
