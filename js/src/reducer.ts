/**
 * The AI SDK's own reducer. `ai` is an optional peer, and loaded when messages are first built: who
 * builds none needs no `ai`. Only the name in the braces is taken, so that bundlers can leave out the
 * rest. `what` needs it, should it be missing.
 */
export async function loadReducer(what: string) {
  try {
    const { readUIMessageStream } = await import("ai");
    return readUIMessageStream;
  } catch (cause) {
    throw new Error(
      `${what} need the package \`ai\`, and it could not be loaded: install it beside trigger-chat-transport.`,
      { cause },
    );
  }
}
