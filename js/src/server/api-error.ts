/** A refusal of the service. The core's errors have the same members. */
export type TriggerApiError = Error & { status: number; code?: string; closedReason?: string };

/** Makes the error of an answer that is a refusal; `doing` begins its sentence. */
export async function apiErrorOf(response: Response, doing: string): Promise<TriggerApiError> {
  const { status } = response;
  const refusal = refusalIn(await response.text().catch(() => ""));
  const detail = text(refusal.error) ?? "the service gave no reason";
  const error = new Error(`${doing} failed with status ${status}: ${detail}`);
  const code = text(refusal.code);
  const closedReason = text(refusal.closedReason);
  return Object.assign(error, {
    name: "TriggerApiError",
    status,
    ...(code === undefined ? {} : { code }),
    ...(closedReason === undefined ? {} : { closedReason }),
  });
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
