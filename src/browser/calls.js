// @ts-check
// The app's calls that send something: what they are given is checked, and made into the text that goes
// out. It is made once, so that every retry of a send has the same bytes.
//
// The text is built here because here its parts are values: in WebAssembly, where they would be texts,
// the same took four times the code (docs/performance.md).

import { abortError, checkCallback, isFilled } from "./host.js";

/** @typedef {import("./host.js").Options} Options */

/**
 * Checks what every call with options has: a chat, and a signal that is not aborted yet.
 *
 * @param {any} call
 */
export function checkCall(call) {
  const { chatId, abortSignal } = call ?? {};
  if (abortSignal?.aborted) throw abortError();
  if (!isFilled(chatId)) {
    throw new TypeError("`chatId` is required, a string that is not empty.");
  }
}

/**
 * Makes a send of the options of `sendMessages`: a message, the wish for the last answer anew, or an
 * action, for which the AI SDK has no `trigger`. `headStart` is what the app's own route takes, where
 * the app has one and may need it.
 *
 * @param {Options} options
 * @param {any} call
 * @param {boolean} hasSession
 */
export function readSend(options, call, hasSession) {
  checkCall(call);
  const { chatId, abortSignal, onSettled, trigger, messages, messageId, body } = call;
  checkCallback("onSettled", onSettled);
  const stopOnAbort = options.stopOnAbort !== false;
  const metadata = mergedMetadata(options, call.metadata);
  const send = { chatId, abortSignal, onSettled, stopOnAbort };
  const { action } = body ?? {};
  if (action !== undefined || trigger === "action") {
    if (JSON.stringify(action) === undefined) {
      throw new TypeError("`action` is required: a value that JSON can hold.");
    }
    // It belongs to no message.
    const text = record({ chatId, trigger: "action", action, metadata });
    return { ...send, source: "action", body: text };
  }
  if (!["submit-message", "regenerate-message"].includes(trigger)) {
    throw new TypeError('`trigger` has to be "submit-message" or "regenerate-message".');
  }
  const last = Array.isArray(messages) ? messages.at(-1) : undefined;
  const isSubmit = trigger === "submit-message";
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
      options.headStart && !hasSession
        ? JSON.stringify({ ...extra, headStartMessages: messages, ...fixed })
        : undefined,
  };
}

/**
 * The same for a message that is added to a running turn. It rides whole. With `false` for
 * its metadata it is no message but a record of `.in`, and goes as it is.
 *
 * @param {Options} options
 * @param {any} call
 */
export function readPending(options, { chatId, message, metadata }) {
  if (message == null) throw new TypeError("`message` is required: the message to add.");
  if (metadata === false) return { chatId, source: "steer", body: JSON.stringify(message) };
  const payload = { message, chatId, trigger: "submit-message" };
  return {
    ...{ chatId, source: "steer", messageId: message.id },
    body: record({ ...payload, metadata: mergedMetadata(options, metadata) }),
  };
}

/**
 * A record of `.in` that holds a message, or something in its place.
 *
 * @param {object} payload
 */
function record(payload) {
  return JSON.stringify({ kind: "message", payload });
}

/**
 * A call's metadata over the transport's client data; none where there is neither.
 *
 * @param {Options} options
 * @param {any} metadata
 */
function mergedMetadata({ clientData }, metadata) {
  return clientData || metadata ? { ...clientData, ...metadata } : undefined;
}

/**
 * Reduces an assistant message with resolved tool parts to those parts, each to its resolution: the
 * agent has the rest. Any other message stays as it is.
 *
 * Rule of the published client (`slimSubmitMessageForWire`); it keeps an answer to a tool under the
 * size limit of an append.
 *
 * @param {any} message
 */
function slim(message) {
  const { id, role, parts } = message ?? {};
  if (role !== "assistant" || !Array.isArray(parts)) return message;
  const kept = parts.flatMap(slimPart);
  return kept.length > 0 ? { id, role, parts: kept } : message;
}

/**
 * The part, reduced, where it is a resolved tool part.
 *
 * @param {any} part
 */
function slimPart(part) {
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
