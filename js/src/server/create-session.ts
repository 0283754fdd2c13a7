import { apiErrorOf } from "./api-error.js";
import type { Environment } from "./environment.js";

/** How the runs of a session are started. */
export type SessionTriggerConfig = {
  /** The payload of each run; what a chat needs is written over it. */
  basePayload: Record<string, unknown>;
  /** The size of the machine that they run on. */
  machine?:
    | "micro"
    | "small-1x"
    | "small-2x"
    | "medium-1x"
    | "medium-2x"
    | "large-1x"
    | "large-2x"
    | undefined;
  /** The queue that they wait in. */
  queue?: string | undefined;
  /** The names of the limits that each run holds: two at most. */
  concurrency?: string[] | undefined;
  /** Gives each run a pool of its own under the limits that are counted by key. */
  concurrencyKey?: string | undefined;
  /** Beside the chat's own tag; ten with it, at most. */
  tags?: string[] | undefined;
  /** How often a run that fails is started. */
  maxAttempts?: number | undefined;
  /** In seconds. */
  maxDuration?: number | undefined;
  /** The version that every run is pinned to. */
  lockToVersion?: string | undefined;
  /** The deployment that the runs are pinned to; `null`: none. */
  externalDeploymentId?: string | null;
  /** Where they run. */
  region?: string | undefined;
  /** How long a run waits for the next message. */
  idleTimeoutInSeconds?: number | undefined;
  /** How long a run may wait to be started. */
  ttl?: string | number | undefined;
};

/** What a session is created with. */
export type NewSession = {
  taskId: string;
  chatId: string;
  clientData: Record<string, unknown> | undefined;
  triggerConfig: SessionTriggerConfig | undefined;
  idleTimeoutInSeconds: number | undefined;
};

/** What is read of the answer. */
export type CreatedSession = { runId: string };

const DEFAULT_API_URL = "https://api.trigger.dev";

/** The published client's numbers. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 1_000;
const PAUSE_GROWTH = 1.6;
const MOST_TAGS = 10;
const LONGEST_TAG = 128;

/** How long one attempt may take; the same as for an append. */
const ATTEMPT_PATIENCE_MS = 30_000;

/**
 * Creates the session of a chat, or finds it, and triggers its first run. It is tried again where the
 * network or the service fails: the chat's id makes a repeat harmless.
 */
export async function createSession(
  { secretKey, apiURL = DEFAULT_API_URL, branch }: Environment,
  session: NewSession,
): Promise<CreatedSession> {
  const url = `${apiURL.replace(/\/$/, "")}/api/v1/sessions`;
  const request = {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Authorization: `Bearer ${secretKey}`,
      "x-trigger-source": "sdk",
      ...(branch === undefined ? {} : { "x-trigger-branch": branch }),
    },
    body: JSON.stringify(bodyOf(session)),
  };
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt === ATTEMPTS;
    const answer = await ask(url, request).catch((error: unknown) => {
      if (isLast) throw error;
    });
    if (answer?.ok) return read(answer);
    if (answer && (isLast || !isTransient(answer.status))) {
      throw await apiErrorOf(answer, "Creating the session");
    }
    await answer?.body?.cancel();
    await pause(attempt);
  }
}

async function ask(url: string, request: RequestInit): Promise<Response> {
  return globalThis.fetch(url, { ...request, signal: AbortSignal.timeout(ATTEMPT_PATIENCE_MS) });
}

async function read(answer: Response): Promise<CreatedSession> {
  const body = await answer.json().catch(() => undefined);
  if (typeof body?.runId === "string") return body;
  throw new Error("Something between here and the service answered in its place.");
}

function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** A little less by chance, so that many do not come back in step. */
function pause(attempt: number): Promise<void> {
  const longest = FIRST_PAUSE_MS * PAUSE_GROWTH ** (attempt - 1);
  return new Promise((resolve) => setTimeout(resolve, longest * (1 - Math.random() / 4)));
}

function bodyOf({ taskId, chatId, clientData, triggerConfig, idleTimeoutInSeconds }: NewSession) {
  const { basePayload, tags, externalDeploymentId, ...runs }: Partial<SessionTriggerConfig> =
    triggerConfig ?? {};
  return {
    type: "chat.agent",
    externalId: chatId,
    taskIdentifier: taskId,
    triggerConfig: {
      ...runs,
      idleTimeoutInSeconds: idleTimeoutInSeconds ?? runs.idleTimeoutInSeconds,
      externalDeploymentId: externalDeploymentId ?? undefined,
      tags: tagsOf(chatId, tags),
      basePayload: { trigger: "preload", ...basePayload, chatId, ...metadataOf(clientData) },
    },
  };
}

function metadataOf(clientData: NewSession["clientData"]) {
  return clientData ? { metadata: clientData } : {};
}

function tagsOf(chatId: string, tags: string[] = []): string[] {
  const tag = `chat:${chatId}`;
  return (tag.length <= LONGEST_TAG ? [tag, ...tags] : tags).slice(0, MOST_TAGS);
}
