// What was written and not sent, or waits for the end of an answer: a reload gives it back.

export function readDraft(chatId: string): string {
  return sessionStorage.getItem(keyOf(chatId)) ?? "";
}

export function keepDraft(chatId: string, texts: string[]) {
  const draft = texts.filter((text) => text !== "").join("\n");
  if (draft) sessionStorage.setItem(keyOf(chatId), draft);
  else sessionStorage.removeItem(keyOf(chatId));
}

function keyOf(chatId: string): string {
  return `draft:${chatId}`;
}
