// What leaves for the service when an app sends: where to, with which headers, and with which body.
import type { UIMessage } from "ai";
import { describe, expect, vi } from "vitest";
import { agree, differ } from "./clients";
import { said, stored, word } from "./conversation";
import { settle } from "./scripted-service";

const APPEND_HEADERS = {
  "content-type": "application/json",
  authorization: "Bearer stored",
  "x-trigger-source": "sdk",
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function assistant(...parts: object[]): UIMessage {
  return { id: "answer", role: "assistant", metadata: { kept: false }, parts } as UIMessage;
}

describe("payloads", () => {
  agree("a submit is one append with the last message, and one stream", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("", { messages: [said("old"), said("new")] });
    const append = await app.service.append();
    expect(append).toMatchObject({ method: "POST", path: "/realtime/v1/sessions/chat/in/append" });
    expect(append.headers).toEqual({ ...APPEND_HEADERS, "x-part-id": expect.stringMatching(UUID) });
    expect(append.text).toBe(
      JSON.stringify({
        kind: "message",
        payload: { message: said("new"), chatId: "chat", trigger: "submit-message" },
      }),
    );
    append.accept(0);
    const request = await app.service.out();
    expect(request).toMatchObject({ method: "GET", path: "/realtime/v1/sessions/chat/out" });
    expect(request.headers).toEqual({
      accept: "text/event-stream",
      authorization: "Bearer stored",
      "timeout-seconds": "120",
    });
    request.stream().chunks(word("yes")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("yes")]);
    expect(app.service.requests).toHaveLength(2);
  });

  agree("a regenerate ships no message, and the id of the answer", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.regenerate({ messageId: "answer-1" });
    const append = await app.service.append();
    expect(append.body).toEqual({
      kind: "message",
      payload: { chatId: "chat", trigger: "regenerate-message", messageId: "answer-1" },
    });
    append.refuse(400);
  });

  agree("a submit may name the message that it replaces", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.send("hello", { messageId: "user-1" });
    const append = await app.service.append();
    expect(append.payload).toMatchObject({ messageId: "user-1", message: said("hello") });
    append.refuse(400);
  });

  agree("each send has a part id of its own", async ({ open }) => {
    const app = open({ sessions: stored() });
    const first = await app.turn("one", 0);
    const second = await app.turn("two", 1);
    expect(second.append.partId).toMatch(UUID);
    expect(second.append.partId).not.toBe(first.append.partId);
  });

  agree("fields of the body ride along, and the fixed ones win", async ({ open }) => {
    const app = open({ sessions: stored(), clientData: { plan: "free" } });
    const body = {
      ...{ model: "x", tools: [{ a: null }], gone: undefined },
      ...{ chatId: "other", trigger: "close", message: 1, messageId: "y", metadata: 2 },
    };
    app.send("hello", { body, messageId: "user-1" });
    const append = await app.service.append();
    expect(append.payload).toStrictEqual({
      ...{ model: "x", tools: [{ a: null }] },
      ...{ message: said("hello"), chatId: "chat", trigger: "submit-message" },
      ...{ messageId: "user-1", metadata: { plan: "free" } },
    });
    append.refuse(400);
  });

  agree("a fixed field that the call leaves out hides the one in the body", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.send("hello", { body: { messageId: "y", metadata: 2 } });
    const append = await app.service.append();
    expect(Object.keys(append.payload).sort()).toEqual(["chatId", "message", "trigger"]);
    append.refuse(400);
  });

  agree("an app's own `message` rides along where the call ships none", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.regenerate({ body: { message: "kept" } });
    const append = await app.service.append();
    expect(append.payload).toMatchObject({ message: "kept", trigger: "regenerate-message" });
    append.refuse(400);
  });

  agree("a fixed field stays where the body has it", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.send("hello", { body: { trigger: 1, model: "x" } });
    const append = await app.service.append();
    expect(Object.keys(append.payload)).toEqual(["trigger", "model", "message", "chatId"]);
    append.refuse(400);
  });

  agree("a submit without a message is rejected, and nothing leaves", async ({ open }) => {
    const app = open({ sessions: stored() });
    expect((await app.send("", { messages: [] }).rejected()).message).toMatch(/submit-message/);
    expect(app.service.requests).toEqual([]);
    expect(app.events).toEqual([]);
  });
});

describe("metadata", () => {
  agree("is the client data, with the call's own over it", async ({ open }) => {
    const app = open({ sessions: stored(), clientData: { plan: "free", nested: { a: 1 } } });
    app.send("hello", { metadata: { nested: { b: 2 }, gone: undefined } });
    const append = await app.service.append();
    expect(append.payload.metadata).toEqual({ plan: "free", nested: { b: 2 } });
    append.refuse(400);
  });

  agree("is the call's own where there is no client data", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.send("hello", { metadata: { tone: "dry" } });
    const append = await app.service.append();
    expect(append.payload.metadata).toEqual({ tone: "dry" });
    append.refuse(400);
  });

  agree("is absent where neither source has any", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.send("hello");
    const append = await app.service.append();
    expect(append.payload).not.toHaveProperty("metadata");
    append.refuse(400);
  });
});

describe("slimming", () => {
  agree("an answer to tools ships their resolution alone", async ({ open }) => {
    const app = open({ sessions: stored() });
    const tool = { toolCallId: "1", input: { city: "Köln" }, providerExecuted: false };
    const approval = { id: "a", approved: true };
    const message = assistant(
      { type: "text", text: "Let me look." },
      { type: "reasoning", text: "hm" },
      { ...tool, type: "tool-weather", state: "output-available", output: { c: 21 }, approval },
      { ...tool, type: "dynamic-tool", toolName: "find", state: "output-error", errorText: "no" },
      { ...tool, type: "tool-delete", state: "approval-responded", approval, output: "stale" },
      { ...tool, type: "tool-delete", state: "output-denied", errorText: "stale" },
      { ...tool, type: "tool-wait", state: "input-available" },
      { ...tool, type: "tool-wait", state: "approval-requested", approval },
    );
    app.send("", { messages: [said("go"), message] });
    const append = await app.service.append();
    const toolCallId = "1";
    expect(append.payload.message).toStrictEqual({
      id: "answer",
      role: "assistant",
      parts: [
        {
          type: "tool-weather",
          toolCallId,
          state: "output-available",
          output: { c: 21 },
          approval,
        },
        {
          ...{ type: "dynamic-tool", toolCallId, state: "output-error", toolName: "find" },
          errorText: "no",
        },
        { type: "tool-delete", toolCallId, state: "approval-responded", approval },
        { type: "tool-delete", toolCallId, state: "output-denied" },
      ],
    });
    append.refuse(400);
  });

  const whole: [string, UIMessage][] = [
    ["an answer without tools", assistant({ type: "text", text: "yes" })],
    [
      "an answer whose tools wait",
      assistant({ type: "tool-a", toolCallId: "1", state: "input-available", input: 1 }),
    ],
    [
      "a user's message",
      { ...assistant({ type: "tool-a", toolCallId: "1", state: "output-denied" }), role: "user" },
    ],
  ];
  for (const [what, message] of whole) {
    agree(`${what} ships whole`, async ({ open }) => {
      const app = open({ sessions: stored() });
      app.send("", { messages: [message] });
      const append = await app.service.append();
      expect(append.payload.message).toStrictEqual(message);
      append.refuse(400);
    });
  }
});

describe("headers", () => {
  agree("the app's own go with every request of a session", async ({ open }) => {
    const app = open({ sessions: stored(), headers: { "x-app": "demo" } });
    const { append, request } = await app.turn("hello", 0);
    expect([append.headers["x-app"], request.headers["x-app"]]).toEqual(["demo", "demo"]);
  });

  agree("the app's own never replace those of an append", async ({ open }) => {
    const headers = {
      ...{ "Content-Type": "text/plain", Authorization: "Bearer app" },
      ...{ "X-Part-Id": "mine", "x-trigger-source": "app" },
    };
    const app = open({ sessions: stored(), headers });
    app.send("hello");
    const append = await app.service.append();
    expect(append.headers).toEqual({ ...APPEND_HEADERS, "x-part-id": expect.stringMatching(UUID) });
    append.refuse(400);
  });

  differ("own-headers-win", {
    ours: [
      "the app's own never replace those of a stream, in whatever case",
      async ({ open }) => {
        const headers = { authorization: "Bearer app", ACCEPT: "*/*", "Timeout-Seconds": "1" };
        const app = open({ sessions: stored(), headers });
        const { request } = await app.turn("hello", 0);
        expect(request.headers).toMatchObject({
          ...{ accept: "text/event-stream", authorization: "Bearer stored" },
          "timeout-seconds": "120",
        });
      },
    ],
    published: [
      "the app's own replace those of a stream",
      async ({ open }) => {
        const app = open({
          sessions: stored(),
          headers: { Authorization: "Bearer app", Accept: "*/*" },
        });
        const { request } = await app.turn("hello", 0);
        expect(request.headers).toMatchObject({ accept: "*/*", authorization: "Bearer app" });
      },
    ],
  });

  agree("the window is as long as the app says", async ({ open }) => {
    const app = open({ sessions: stored(), streamTimeoutSeconds: 7 });
    const { request } = await app.turn("hello", 0);
    expect(request.headers["timeout-seconds"]).toBe("7");
  });

  agree("a later stream begins behind the last record", async ({ open }) => {
    const app = open({ sessions: stored() });
    await app.turn("one", 0);
    const { request } = await app.turn("two", 1);
    expect(request.headers["last-event-id"]).toBe("1");
  });

  agree("a send never peeks", async ({ open }) => {
    const app = open({ sessions: { chat: { publicAccessToken: "stored" } } });
    const { request } = await app.turn("one", 0);
    expect(request.headers).not.toHaveProperty("x-peek-settled");
  });
});

describe("where to", () => {
  agree("a base URL may end with a slash", async ({ open }) => {
    const app = open({ sessions: stored(), baseURL: "http://proxy.test/trigger/" });
    const { append, request } = await app.turn("hello", 0);
    expect(append.url).toBe("http://proxy.test/trigger/realtime/v1/sessions/chat/in/append");
    expect(request.url).toBe("http://proxy.test/trigger/realtime/v1/sessions/chat/out");
  });

  agree("without a base URL it is Trigger.dev's own", async ({ open }) => {
    const app = open({ sessions: stored(), baseURL: undefined });
    const { append, request } = await app.turn("hello", 0);
    expect(append.url).toBe("https://api.trigger.dev/realtime/v1/sessions/chat/in/append");
    expect(request.url).toBe("https://api.trigger.dev/realtime/v1/sessions/chat/out");
  });

  agree("a function picks the base URL by endpoint and chat", async ({ open }) => {
    const asked: object[] = [];
    const baseURL = vi.fn((context: { endpoint: string; chatId: string }) => {
      asked.push(context);
      return `http://${context.endpoint}.test/`;
    });
    const app = open({ sessions: stored(), baseURL });
    const { append, request } = await app.turn("hello", 0);
    expect(append.url).toBe("http://in.test/realtime/v1/sessions/chat/in/append");
    expect(request.url).toBe("http://out.test/realtime/v1/sessions/chat/out");
    expect(asked).toEqual([
      { endpoint: "in", chatId: "chat" },
      { endpoint: "out", chatId: "chat" },
    ]);
  });

  agree("a base URL of the stream's own wins for the stream", async ({ open }) => {
    const app = open({ sessions: stored(), streamBaseURL: "http://stream.test/" });
    const { append, request } = await app.turn("hello", 0);
    expect(append.url).toBe("http://sessions.test/realtime/v1/sessions/chat/in/append");
    expect(request.url).toBe("http://stream.test/realtime/v1/sessions/chat/out");
  });

  agree("a base URL of the stream's own wins over a function too", async ({ open }) => {
    const baseURL = ({ endpoint }: { endpoint: string }) => `http://${endpoint}.test`;
    const app = open({ sessions: stored(), baseURL, streamBaseURL: "http://stream.test" });
    const { append, request } = await app.turn("hello", 0);
    expect([append.url, request.url].map((url) => new URL(url).host)).toEqual([
      "in.test",
      "stream.test",
    ]);
  });

  agree("a chat id is percent-encoded", async ({ open }) => {
    const chatId = "ü/ä ?#%+&'()*!~日本";
    const path = `/realtime/v1/sessions/${encodeURIComponent(chatId)}`;
    const app = open({ sessions: { [chatId]: { publicAccessToken: "stored" } } });
    const answer = app.send("hello", { chatId });
    const append = await app.service.append();
    expect(append.url).toBe(`http://sessions.test${path}/in/append`);
    expect(append.payload.chatId).toBe(chatId);
    append.accept(0);
    const request = await app.service.out();
    expect(request.url).toBe(`http://sessions.test${path}/out`);
    request.stream().turnComplete(0);
    await answer.closed();
  });
});

describe("fetch", () => {
  agree("the app's own is told the endpoint and the chat of each request", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { append, request } = await app.turn("hello", 0);
    expect(append.context).toEqual({ endpoint: "in", chatId: "chat" });
    expect(request.context).toEqual({ endpoint: "out", chatId: "chat" });
  });

  agree("without the app's own, the global one is looked up at each request", async ({ open }) => {
    const app = open({ sessions: stored(), fetch: undefined });
    vi.stubGlobal("fetch", app.service.globalFetch);
    try {
      const { append, request } = await app.turn("hello", 0);
      expect([append.context, request.context]).toEqual([undefined, undefined]);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  differ("sends-have-signals", {
    ours: [
      "a send can be withdrawn",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { append } = await app.turn("hello", 0);
        expect(append.signal).toBeInstanceOf(AbortSignal);
      },
    ],
    published: [
      "a send cannot be withdrawn",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { append } = await app.turn("hello", 0);
        expect(append.signal).toBeUndefined();
      },
    ],
  });

  differ("leave-together", {
    ours: [
      "the request for the answer leaves with the message",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        const append = await app.service.append();
        const out = (await app.service.out()).stream();
        out.chunks(word("early")).turnComplete(0);
        expect(answer.state).toBe("promised");
        append.accept(0);
        expect(await answer.closed()).toEqual([word("early")]);
      },
    ],
    published: [
      "the request for the answer leaves when the message has landed",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        app.send("hello");
        const append = await app.service.append();
        await expect(app.service.out()).rejects.toThrow("There is no request for out");
        append.refuse(400);
      },
    ],
  });

  differ("leave-together", {
    ours: [
      "a message that is refused takes the request for its answer with it",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        const request = await app.service.out();
        (await app.service.append()).refuse(400);
        await answer.rejected();
        expect(request.isAborted).toBe(true);
        expect(app.eventTypes).toEqual(["message-send-failed"]);
      },
    ],
  });
});

describe("a request for the answer that is refused before the message has landed", () => {
  differ("leave-together", {
    ours: [
      "fails the stream when the message lands",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        const append = await app.service.append();
        (await app.service.out()).refuse(410);
        await settle();
        expect([answer.state, app.eventTypes]).toEqual(["promised", []]);
        append.accept(0);
        expect(await answer.failed()).toMatchObject({ name: "TriggerApiError", status: 410 });
        expect(app.eventTypes).toEqual(["message-sent", "stream-error"]);
      },
    ],
  });

  differ("leave-together", {
    ours: [
      "leaves again when the session is created anew",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        const append = await app.service.append();
        (await app.service.out()).refuse(404);
        await settle();
        append.refuse(404);
        (await app.service.append()).accept(0);
        (await app.service.out()).stream().chunks(word("a")).turnComplete(0);
        expect(await answer.closed()).toEqual([word("a")]);
        expect(app.starts).toHaveLength(1);
      },
    ],
  });
});

describe("refusals", () => {
  for (const status of [400, 413, 422]) {
    agree(`a ${status} rejects the send at once, with what the service said`, async ({ open }) => {
      const app = open({ sessions: stored() });
      const answer = app.send("hello");
      (await app.service.append()).refuse(status, { code: "odd" });
      const error = await answer.rejected();
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ name: "TriggerApiError", status, code: "odd" });
      expect(app.service.seen("append")).toHaveLength(1);
      expect(app.state).toEqual({ publicAccessToken: "stored", isStreaming: false });
      expect(app.states).toEqual([]);
    });
  }

  for (const status of [429, 503]) {
    differ("sends-are-retried", {
      ours: [
        `a ${status} sends the same bytes again, under the same part id`,
        async ({ open }) => {
          const app = open({ sessions: stored() });
          const answer = app.send("hello");
          const first = await app.service.append();
          first.refuse(status);
          await vi.advanceTimersByTimeAsync(5_000);
          const second = await app.service.append();
          expect([second.text, second.headers]).toEqual([first.text, first.headers]);
          second.accept(0);
          (await app.service.out()).stream().chunks(word("yes")).turnComplete(0);
          expect(await answer.closed()).toEqual([word("yes")]);
        },
      ],
      published: [
        `a ${status} rejects the send`,
        async ({ open }) => {
          const app = open({ sessions: stored() });
          const answer = app.send("hello");
          (await app.service.append()).refuse(status);
          expect(await answer.rejected()).toMatchObject({ name: "TriggerApiError", status });
        },
      ],
    });
  }
});
