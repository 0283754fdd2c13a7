import { expect, test, vi } from "vitest";
import { ChatTransport } from "./index.js";
import type { TriggerChatTransportOptions } from "./types.js";

/** A service whose answers the test gives in turn, and the requests that came. */
function service(
  answer: (path: string, attempt: number) => Response,
  more: Partial<TriggerChatTransportOptions> = {},
) {
  const requests: { url: string; partId: string | undefined; body: unknown }[] = [];
  const fetch: TriggerChatTransportOptions["fetch"] = async (url, init, { endpoint }) => {
    if (endpoint === "out") return new Response(new ReadableStream());
    const path = url.replace(/^.*\/in\//, "").replace(/\?.*$/, "");
    const { "X-Part-Id": partId } = init.headers as Record<string, string>;
    requests.push({ url, partId, body: init.body });
    return answer(path, requests.filter((request) => request.url === url).length);
  };
  const transport = new ChatTransport({
    task: "agent",
    accessToken: () => "secret",
    baseURL: "http://sessions.test",
    sessions: { chat: { publicAccessToken: "secret", isStreaming: false, activeInputSeq: 3 } },
    fetch,
    ...more,
  });
  const send = () =>
    transport.sendMessages({
      ...{ trigger: "submit-message", chatId: "chat", messageId: undefined },
      messages: [{ id: "m", role: "user", parts: [] }],
      abortSignal: undefined,
    });
  return { transport, requests, send };
}

const busy = () => new Response("", { status: 503 });
const bare = () => Response.json({ ok: true });

test("a send that meets a passing refusal goes out again, the same under the same id", async () => {
  const { transport, requests, send } = service((_, attempt) =>
    attempt < 3 ? busy() : Response.json({ ok: true, seq: 4 }),
  );
  await send();
  expect(requests).toHaveLength(3);
  expect(new Set(requests.map(({ partId, body }) => `${partId} ${body}`)).size).toBe(1);
  expect(transport.getSession("chat")?.activeInputSeq).toBe(4);
  transport.dispose();
});

test("an app may want one attempt alone", async () => {
  const { requests, send } = service(busy, { sendTimeoutSeconds: 0 });
  await expect(send()).rejects.toMatchObject({ name: "TriggerApiError", status: 503 });
  expect(requests).toHaveLength(1);
});

test("an app's `null` for the time to send is as good as nothing", async () => {
  const sendTimeoutSeconds = null as unknown as number;
  const { transport, requests, send } = service(
    (_, attempt) => (attempt < 2 ? busy() : Response.json({ ok: true, seq: 4 })),
    { sendTimeoutSeconds },
  );
  await send();
  expect(requests).toHaveLength(2);
  transport.dispose();
});

test("a callback that throws is told on the console, and the chat goes on", async () => {
  const complain = vi.spyOn(console, "error").mockImplementation(() => {});
  const fault = new Error("of the app");
  const { transport, send } = service(() => Response.json({ ok: true, seq: 4 }), {
    onSessionChange: () => {
      throw fault;
    },
  });
  await send();
  expect(transport.getSession("chat")).toMatchObject({ activeInputSeq: 4, isStreaming: true });
  expect(complain).toHaveBeenCalledWith("A callback threw:", fault);
  transport.dispose();
  complain.mockRestore();
});

test("what was thrown reaches the caller, also where it has no text", async () => {
  const complain = vi.spyOn(console, "error").mockImplementation(() => {});
  const nothing = Object.create(null);
  const { send } = service(() => new Response("", { status: 401 }), {
    accessToken: () => Promise.reject(nothing),
    onEvent: () => {},
  });
  await expect(send()).rejects.toBe(nothing);
  complain.mockRestore();
});

test("a repeat that is acknowledged without its number is looked for among the records", async () => {
  const { transport, requests, send } = service((path, attempt) => {
    if (path === "append") return attempt === 1 ? busy() : bare();
    return Response.json({ records: [{ data: {}, id: requests[0]?.partId, seqNum: 5 }] });
  });
  await send();
  expect(requests.at(-1)?.url).toBe(
    "http://sessions.test/realtime/v1/sessions/chat/in/records?afterEventId=3",
  );
  expect(transport.getSession("chat")?.activeInputSeq).toBe(5);
  transport.dispose();
});

test("a send that cannot be proven is reported with its part id, and without a token", async () => {
  const { requests, send } = service(
    (path, attempt) => {
      if (path === "records") return Response.json({ records: [] });
      return attempt === 1 ? busy() : bare();
    },
    { sendTimeoutSeconds: 0.5 },
  );
  const error: Error = await send().then(
    () => expect.unreachable(),
    (error) => error,
  );
  const { partId } = requests[0] ?? {};
  expect(error).toMatchObject({ name: "TriggerApiError", code: "send_unproven", partId });
  expect(new Set(requests.flatMap(({ partId }) => partId ?? []))).toEqual(new Set([partId]));
  expect(`${error.message} ${requests.map(({ url }) => url)}`).not.toContain("secret");
});

test("a message that is too large is told with its size", async () => {
  const { requests, send } = service(() => new Response("", { status: 413 }));
  const error: Error = await send().then(
    () => expect.unreachable(),
    (error) => error,
  );
  expect(error).toMatchObject({ name: "TriggerApiError", status: 413 });
  expect(error.message).toContain(`${String(requests[0]?.body).length} bytes`);
  expect(error.message).toContain("1048576");
});

test("a clock that was ahead and is set right makes no stored token look expired", async () => {
  const claims = (seconds: number) => ({ iat: seconds, exp: seconds + 3_600 });
  const now = 1_800_000_000;
  const token = `e30.${btoa(JSON.stringify(claims(now))).replace(/=+$/, "")}.x`;
  const sessions = { chat: { publicAccessToken: token, isStreaming: false } };
  const fresh = vi.fn(() => "fresh");
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    for (const ahead of [86_400, 0]) {
      vi.setSystemTime((now + ahead) * 1_000);
      const accessToken = ahead ? () => "fresh" : fresh;
      const { transport, send } = service(() => Response.json({ ok: true, seq: 4 }), {
        ...{ sessions, accessToken },
      });
      await send();
      transport.dispose();
    }
    expect(fresh).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
});

test("a token that no header can hold is refused in words, and is not among them", async () => {
  const accessToken = () => "secret\nsecret";
  const { send, requests } = service(bare, { accessToken, sessions: {} });
  await expect(send()).rejects.toThrow(/^`accessToken` has to give a token/);
  const startSession = async () => ({ publicAccessToken: accessToken() });
  const started = service(bare, { startSession, sessions: {} });
  await expect(started.send()).rejects.toThrow(/^`startSession` has to give/);
  const state = { publicAccessToken: accessToken() };
  expect(() => started.transport.setSession("chat", state)).toThrow(
    /^`publicAccessToken` is required/,
  );
  expect(requests).toEqual([]);
});
