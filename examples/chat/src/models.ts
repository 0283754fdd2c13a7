import type { UIMessage } from "ai";

/** What a message can ask to be answered by. The built-in agents only say that they heard. */
export const models = ["Swift", "Steady", "Deep"] as const;

const [usual] = models;

/** What an answer says that it was written by. */
export function modelOf({ metadata }: UIMessage): string | undefined {
  const model = (metadata as { model?: unknown } | undefined)?.model;
  return typeof model === "string" ? model : undefined;
}

/** What to ask for next: what the chat was answered by last. */
export function latestModel(messages: UIMessage[]): string {
  return messages.map(modelOf).findLast((model) => model !== undefined) ?? usual;
}
