import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createSession, type NewSession } from "./create-session.js";

const environment = { secretKey: "key", apiURL: "http://service.test/", branch: undefined };
const session: NewSession = {
  taskId: "agent",
  chatId: "chat",
  clientData: undefined,
  triggerConfig: undefined,
  idleTimeoutInSeconds: undefined,
};
const created = { runId: "run_1", publicAccessToken: "token" };

type Answer = () => Response | Promise<Response>;
const offline: Answer = () => Promise.reject(new TypeError("fetch failed"));
const refusal =
  (status: number, body: unknown = { ok: false, error: "no" }): Answer =>
  () =>
    Response.json(body, { status });

/** The service answers with these, one after the other. */
function answering(...answers: Answer[]) {
  const fetch = vi.fn(async (..._request: [url: string, init: RequestInit]) => {
    const answer = answers.shift();
    if (!answer) throw new Error("asked once too often");
    return answer();
  });
  vi.stubGlobal("fetch", fetch);
  return { fetch, answers };
}

/** Lets every pause pass. */
async function outcome<T>(call: Promise<T>): Promise<T | Error> {
  const settled = call.catch((error: Error) => error);
  await vi.runAllTimersAsync();
  return settled;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("asks the service, with the key in a header alone", async () => {
  const { fetch } = answering(refusal(201, created));
  expect(await outcome(createSession(environment, session))).toMatchObject({ runId: "run_1" });
  const [url, init] = fetch.mock.calls[0] ?? [];
  expect(url).toBe("http://service.test/api/v1/sessions");
  expect(init).toMatchObject({ method: "POST", headers: { Authorization: "Bearer key" } });
  expect(JSON.parse(String(init?.body))).toEqual({
    type: "chat.agent",
    externalId: "chat",
    taskIdentifier: "agent",
    triggerConfig: { tags: ["chat:chat"], basePayload: { trigger: "preload", chatId: "chat" } },
  });
});

test("asks Trigger.dev's own service, where there is no other", async () => {
  const { fetch } = answering(refusal(200, created));
  await outcome(createSession({ ...environment, apiURL: undefined }, session));
  expect(fetch.mock.calls[0]?.[0]).toBe("https://api.trigger.dev/api/v1/sessions");
});

describe("what may pass is tried again", () => {
  test.each([408, 425, 429, 500, 503])("%s", async (status) => {
    const { answers } = answering(refusal(status), offline, refusal(201, created));
    expect(await outcome(createSession(environment, session))).toMatchObject(created);
    expect(answers).toEqual([]);
  });

  test("five times in all, and the last refusal is told", async () => {
    const { fetch } = answering(...Array.from({ length: 9 }, () => refusal(503)));
    expect(await outcome(createSession(environment, session))).toMatchObject({
      name: "TriggerApiError",
      status: 503,
      message: "Creating the session failed with status 503: no",
    });
    expect(fetch).toHaveBeenCalledTimes(5);
  });

  test("or what the network said", async () => {
    answering(...Array.from({ length: 5 }, () => offline));
    expect(await outcome(createSession(environment, session))).toMatchObject({
      message: "fetch failed",
    });
  });
});

describe("what does not pass is told at once", () => {
  test.each([400, 401, 403, 404, 413, 422])("%s", async (status) => {
    const { fetch } = answering(refusal(status, "no JSON object"));
    const error = await outcome(createSession(environment, session));
    expect(error).toMatchObject({ name: "TriggerApiError", status });
    expect(error).not.toHaveProperty("code");
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  test("a closed chat says so, and why", async () => {
    const closed = { ok: false, error: "closed", code: "session_closed", closedReason: "enough" };
    answering(refusal(409, closed));
    expect(await outcome(createSession(environment, session))).toMatchObject({
      status: 409,
      code: "session_closed",
      closedReason: "enough",
    });
  });

  test("an answer that is not the service's", async () => {
    answering(() => new Response("<html>Sign in</html>"));
    const error = await outcome(createSession(environment, session));
    expect(error).toMatchObject({
      message: "Something between here and the service answered in its place.",
    });
  });
});
