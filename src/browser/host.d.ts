import type { ChatMachine } from "../../target/wasm-pack/trigger_chat_transport.js";

/** One chat: its machine, whose orders it carries out. See `host.js` for its calls and facts. */
export class ChatHost {
  constructor(options: object, chatId: string, machine: ChatMachine);
  // biome-ignore lint/suspicious/noExplicitAny: each call has a result of its own.
  call(type: string, options: object): Promise<any>;
  tell(fact: { type: string; [member: string]: unknown }): void;
  // biome-ignore lint/suspicious/noExplicitAny: it is read from JSON.
  session(): any;
}

/** Whether a header can hold it. */
export function isToken(value: unknown): value is string;

/** What a call is rejected with when nobody waits for it any more. */
export function abortError(): Error;
