// An app's own tests run under fake timers: every clock and timer has to be looked up when it is used.
// All of these tests do, and these here are about time itself. How long a wait is, only its bounds say.
import { describe, expect, vi } from "vitest";
import { agree, differ } from "./clients";
import { NOW, pass, stored, word } from "./conversation";
import { settle } from "./scripted-service";

describe("fake time", () => {
  agree("stands still until the test moves it, and no connection is retried", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    out.cut();
    await settle();
    expect(app.service.seen("out")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5_000);
    (await app.service.out()).stream().turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });

  agree("drives a reconnect through its backoff, wait by wait", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    (await app.service.out()).fail();
    for (let attempt = 2; attempt <= 12; attempt++) {
      await pass(5_000);
      expect(app.service.seen("out")).toHaveLength(attempt);
      (await app.service.out()).fail();
    }
    await pass(5_000);
    (await app.service.out()).stream().chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });

  agree("runs out for a stream that sends nothing: it is connected anew", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, request, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    await pass(59_000);
    expect(request.isAborted).toBe(false);
    await pass(6_000 + 10_000);
    expect(request.isAborted).toBe(true);
    const next = await app.service.out();
    expect(next.headers["last-event-id"]).toBe("0");
    next.stream().turnComplete(0);
    await answer.closed();
  });

  agree("runs out for a stream whose headers never come", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    const request = await app.service.out();
    await pass(29_000);
    expect(request.isAborted).toBe(false);
    await pass(1_000 + 5_000);
    expect(request.isAborted).toBe(true);
    (await app.service.out()).stream().turnComplete(0);
    await answer.closed();
  });

  agree("is what events tell, and what they measure", async ({ open }) => {
    const app = open({ sessions: stored() });
    vi.setSystemTime(NOW + 86_400_000);
    const answer = app.send("hello");
    const append = await app.service.append();
    await vi.advanceTimersByTimeAsync(123);
    append.accept(0);
    await settle();
    (await app.service.out()).stream().turnComplete(0);
    await answer.closed();
    expect(app.events[0]).toMatchObject({ timestamp: NOW + 86_400_123, durationMs: 123 });
  });

  agree("leaves no timer behind when a turn is over", async ({ open }) => {
    await open({ sessions: stored() }).turn("hello", 0);
    await settle();
    expect(vi.getTimerCount()).toBe(0);
  });

  agree(
    "leaves no timer behind when the client is let go between two attempts",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const { answer, out } = await app.ask("hello", 0);
      out.cut();
      await settle();
      expect(vi.getTimerCount()).toBeGreaterThan(0);
      app.client.dispose();
      await pass(5_000);
      expect(vi.getTimerCount()).toBe(0);
      expect(await answer.closed()).toEqual([]);
      expect(app.service.seen("out")).toHaveLength(1);
    },
  );
});

describe("a send over a bad network", () => {
  differ("sends-are-retried", {
    ours: [
      "goes out again until it lands, wait by wait, as the same message",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        const first = await app.service.append();
        const fail = (["fail", "refuse"] as const).map(
          (how) => (exchange: typeof first) =>
            how === "fail" ? exchange.fail() : exchange.refuse(503),
        );
        first.fail();
        for (let attempt = 2; attempt <= 8; attempt++) {
          await settle();
          expect(app.service.seen("append")).toHaveLength(attempt - 1);
          await pass(5_000);
          const again = await app.service.append();
          expect([again.text, again.partId]).toEqual([first.text, first.partId]);
          if (attempt === 8) again.accept(0);
          else fail[attempt % 2]?.(again);
        }
        (await app.service.out()).stream().turnComplete(0);
        await answer.closed();
        expect(app.eventTypes.filter((type) => type.startsWith("message"))).toEqual([
          "message-sent",
        ]);
      },
    ],
    published: [
      "is rejected at its first failure",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        (await app.service.append()).fail();
        expect(await answer.rejected()).toBeInstanceOf(TypeError);
        await pass(60_000);
        expect(app.service.requests).toHaveLength(1);
      },
    ],
  });

  differ("sends-are-retried", {
    ours: [
      "is given up when its time is over",
      async ({ open }) => {
        const app = open({ sessions: stored(), sendTimeoutSeconds: 20 });
        const answer = app.send("hello");
        (await app.service.append()).refuse(503);
        for (let waited = 0; waited < 20_000 && answer.state === "promised"; waited += 100) {
          await pass(100);
          for (const exchange of app.service.untaken()) {
            if (exchange.startsWith("POST")) (await app.service.append()).refuse(503);
          }
        }
        await pass(5_000);
        expect(await answer.rejected()).toMatchObject({ name: "TriggerApiError", status: 503 });
        expect(app.eventTypes).toEqual(["message-send-failed"]);
        expect(app.service.seen("append").length).toBeGreaterThan(4);
      },
    ],
  });

  differ("sends-are-retried", {
    ours: [
      "waits for as long as the service asks",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        (await app.service.append()).refuse(429, {}, { "Retry-After": "20" });
        await pass(19_000);
        expect(app.service.seen("append")).toHaveLength(1);
        await pass(6_000);
        (await app.service.append()).accept(0);
        (await app.service.out()).stream().turnComplete(0);
        await answer.closed();
      },
    ],
  });

  differ("sends-are-retried", {
    ours: [
      "whose repeat is acknowledged without a number looks for it among the records",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        const first = await app.service.append();
        first.fail();
        await pass(5_000);
        (await app.service.append()).accept();
        const question = await app.service.records();
        expect(question).toMatchObject({ method: "GET", token: "stored" });
        expect(question.path).toBe("/realtime/v1/sessions/chat/in/records");
        question.answer(200, { records: [{ data: {}, id: first.partId, seqNum: 5 }] });
        const out = (await app.service.out()).stream();
        await answer.opened();
        expect(app.state?.activeInputSeq).toBe(5);
        out.turnComplete(5);
        await answer.closed();
      },
    ],
  });

  differ("sends-are-retried", {
    ours: [
      "that is never answered is withdrawn, and goes out again",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        const first = await app.service.append();
        await pass(36_000);
        expect(first.isAborted).toBe(true);
        const second = await app.service.append();
        expect(second.partId).toBe(first.partId);
        second.accept(0);
        (await app.service.out()).stream().turnComplete(0);
        await answer.closed();
      },
    ],
    published: [
      "that is never answered waits for ever",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        await app.service.append();
        await pass(3_600_000);
        expect(answer.state).toBe("promised");
        expect(app.service.requests).toHaveLength(1);
      },
    ],
  });
});

agree("a token that is refreshed late holds the message back, and no longer", async ({ open }) => {
  const accessToken = () =>
    new Promise<string>((resolve) => setTimeout(() => resolve("fresh"), 10_000));
  const app = open({ sessions: stored(), accessToken });
  const answer = app.send("hello");
  (await app.service.append()).refuse(401);
  await pass(9_999);
  expect(app.service.seen("append")).toHaveLength(1);
  await pass(1);
  const again = await app.service.append();
  expect(again.token).toBe("fresh");
  again.accept(0);
  (await app.service.out()).stream().turnComplete(0);
  await answer.closed();
});

/** A token that says how long it lives. */
function tokenFor(minutes: number): string {
  const life = { iat: Date.now() / 1_000, exp: Date.now() / 1_000 + minutes * 60 };
  return ["e30", btoa(JSON.stringify(life)).replaceAll("=", ""), "x"].join(".");
}

differ("tokens-in-time", {
  ours: [
    "a token that is about to expire is renewed beside the message, and the next one has it",
    async ({ open }) => {
      const app = open({ startSession: async () => ({ publicAccessToken: tokenFor(60) }) });
      await app.turn("one", 0);
      await pass(57 * 60_000);
      expect(app.refreshes).toEqual([]);
      await pass(60_000);
      await app.turn("two", 1);
      await settle();
      expect(app.refreshes).toHaveLength(1);
      const { append, request } = await app.turn("three", 2);
      expect([append.token, request.token]).toEqual(["fresh-1", "fresh-1"]);
      expect(app.refreshes).toHaveLength(1);
    },
  ],
  published: [
    "a token is renewed when the service refuses it",
    async ({ open }) => {
      const app = open({ startSession: async () => ({ publicAccessToken: tokenFor(60) }) });
      await app.turn("one", 0);
      await pass(58 * 60_000);
      await app.turn("two", 1);
      await app.turn("three", 2);
      expect(app.refreshes).toEqual([]);
    },
  ],
});
