/** A refusal of the service. The core's errors have the same members. */
export type TriggerApiError = Error & { status: number; code?: string; closedReason?: string };

/** Makes the error of an answer that is a refusal; `doing` begins its sentence. */
export async function apiErrorOf(response: Response, doing: string): Promise<TriggerApiError> {
  const { status } = response;
  const { error, code, closedReason } = refusalIn(await response.text().catch(() => ""));
  const detail = text(error) ?? "the service gave no reason";
  return apiError(`${doing} failed with status ${status}: ${detail}`, status, code, closedReason);
}

/** The error of whoever writes to a chat that is known to be closed. */
export function closedError(chatId: string, reason: string | undefined): TriggerApiError {
  const detail = reason === undefined ? "" : `: ${reason}`;
  return apiError(`Chat session ${chatId} is closed${detail}`, 409, "session_closed", reason);
}

/** Members that are no text with something in it are absent. */
function apiError(
  message: string,
  status: number,
  code: unknown,
  closedReason: unknown,
): TriggerApiError {
  const members = Object.entries({ code: text(code), closedReason: text(closedReason) });
  const told = Object.fromEntries(members.filter(([, value]) => value !== undefined));
  return Object.assign(new Error(message), { name: "TriggerApiError", status }, told);
}

function refusalIn(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
