// An answer that its agent broke off is over, and no replay brings the error back: it is saved with
// the answer, so that a part never looks like the whole.

import type { UIMessage } from "ai";

export function asBroken(message: UIMessage, reason: string): UIMessage {
  return {
    ...message,
    metadata: { ...(message.metadata as object | undefined), brokenBy: reason },
  };
}

/** Why the answer is not whole; unset where it is. */
export function reasonOf({ metadata }: UIMessage): string | undefined {
  const reason = (metadata as { brokenBy?: unknown } | undefined)?.brokenBy;
  return typeof reason === "string" ? reason : undefined;
}
