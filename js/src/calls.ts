// The app's calls that send something: what they are given is checked, and made into the text that goes
// out. It is made once, so that every retry of a send has the same bytes.
//
// The text is built here because here its parts are values: in WebAssembly, where they would be texts,
// the same took four times the code (docs/performance.md).
import { abortError } from "../../src/browser/host.js";
import { checkCallback, isFilled } from "./options.js";
import type { ChatSessionPersistedState, TriggerChatTransportOptions } from "./types.js";

/** Something of the app's, which nobody has checked. */
type Given = Readonly<Record<string, unknown>>;

/** A send, as the core takes it. */
type Send = {
  chatId: string;
  source: unknown;
  messageId?: unknown;
  /** One record of `.in`. */
  body: string;
  /** What the app's own route takes, where the app has one and may need it. */
  headStart?: string | undefined;
};

/**
 * Checks what every call with options has: a chat, and a signal that is not aborted yet.
 *
 * @throws A `TypeError` that says what is wrong, or an `AbortError`.
 */
export function checkCall(call: object | undefined | null): asserts call is { chatId: string } {
  const { chatId, abortSignal } = (call ?? {}) as { chatId?: unknown; abortSignal?: AbortSignal };
  if (abortSignal?.aborted) throw abortError();
  if (!isFilled(chatId)) {
    throw new TypeError("`chatId` is required, a string that is not empty.");
  }
}

/**
 * Makes a send of the options of `sendMessages`: a message, the wish for the last answer anew, or an
 * action, for which the AI SDK has no `trigger`.
 *
 * @throws As `checkCall` does.
 */
export function sendOf(
  options: TriggerChatTransportOptions,
  call: object,
  sessionOf: (chatId: string) => ChatSessionPersistedState | undefined,
): Send {
  checkCall(call);
  const { chatId, abortSignal, onSettled, trigger, messages, messageId, ...rest } =
    call as Given & { chatId: string };
  checkCallback("onSettled", onSettled);
  const stopOnAbort = options.stopOnAbort !== false;
  const metadata = mergedMetadata(options, rest.metadata);
  const send = { chatId, abortSignal, onSettled, stopOnAbort };
  const body = rest.body as Given | undefined;
  const action = body?.action;
  if (action !== undefined || trigger === "action") {
    if (JSON.stringify(action) === undefined) {
      throw new TypeError("`action` is required: a value that JSON can hold.");
    }
    // It belongs to no message.
    const text = record({ chatId, trigger: "action", action, metadata });
    return { ...send, source: "action", body: text };
  }
  const isSubmit = trigger === "submit-message";
  if (!isSubmit && trigger !== "regenerate-message") {
    throw new TypeError('`trigger` has to be "submit-message" or "regenerate-message".');
  }
  const last = Array.isArray(messages) ? messages.at(-1) : undefined;
  if (isSubmit && last === undefined) {
    throw new TypeError('"submit-message" needs at least one message in `messages`.');
  }
  const extra = typeof body === "object" ? body : undefined;
  const message = isSubmit && { message: slim(last) };
  const fixed = { chatId, trigger, messageId, metadata };
  return {
    ...{ ...send, source: trigger, messageId: messageId ?? last?.id },
    body: record({ ...extra, ...message, ...fixed }),
    headStart:
      options.headStart && !sessionOf(chatId)
        ? JSON.stringify({ ...extra, headStartMessages: messages, ...fixed })
        : undefined,
  };
}

/**
 * The same for a message that is added to a running turn. It rides whole. With `false` for
 * its metadata it is no message but a record of `.in`, and goes as it is.
 *
 * @throws A `TypeError` where there is no message.
 */
export function pendingOf(
  options: TriggerChatTransportOptions,
  chatId: string,
  message: { id?: string },
  metadata: object | false | undefined,
): Send {
  if (message == null) throw new TypeError("`message` is required: the message to add.");
  if (metadata === false) return { chatId, source: "steer", body: JSON.stringify(message) };
  const payload = { message, chatId, trigger: "submit-message" };
  return {
    ...{ chatId, source: "steer", messageId: message.id },
    body: record({ ...payload, metadata: mergedMetadata(options, metadata) }),
  };
}

/** A record of `.in` that holds a message, or something in its place. */
function record(payload: object): string {
  return JSON.stringify({ kind: "message", payload });
}

/** A call's metadata over the transport's client data; none where there is neither. */
function mergedMetadata({ clientData }: TriggerChatTransportOptions, metadata: unknown) {
  return clientData || metadata ? { ...clientData, ...(metadata as object) } : undefined;
}

/**
 * Reduces an assistant message with resolved tool parts to those parts, each to its resolution: the
 * agent has the rest. Any other message stays as it is.
 *
 * Rule of the published client (`slimSubmitMessageForWire`); it keeps an answer to a tool under the
 * size limit of an append.
 */
function slim(message: Given | null): unknown {
  const { id, role, parts } = message ?? {};
  if (role !== "assistant" || !Array.isArray(parts)) return message;
  const kept = parts.flatMap(slimPart);
  return kept.length > 0 ? { id, role, parts: kept } : message;
}

/** The part, reduced, where it is a resolved tool part. */
function slimPart(part: Given | null): object[] {
  const { type, toolCallId, state, toolName, output, errorText, approval } = part ?? {};
  const isDynamic = type === "dynamic-tool";
  if (!isDynamic && !String(type).startsWith("tool-")) return [];
  const call = { type, toolCallId, state, ...(isDynamic && { toolName }) };
  switch (state) {
    case "output-available":
      return [{ ...call, output, approval }];
    case "output-error":
      return [{ ...call, errorText, approval }];
    case "approval-responded":
    case "output-denied":
      return [{ ...call, approval }];
    default:
      return [];
  }
}
