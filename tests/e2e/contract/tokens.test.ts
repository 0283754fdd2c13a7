// Tokens that the service no longer takes, on messages and on streams.
import { describe, expect } from "vitest";
import { agree, differ } from "./clients";
import { type App, pass, said, stored, word } from "./conversation";
import { settle } from "./scripted-service";

for (const status of [401, 403]) {
  describe(`a ${status}`, () => {
    agree("on a message asks for a token, and the same message goes again", async ({ open }) => {
      const app = open({ sessions: stored() });
      const answer = app.send("hello");
      const first = await app.service.append();
      first.refuse(status);
      const second = await app.service.append();
      expect(app.refreshes).toEqual([{ chatId: "chat" }]);
      expect([second.text, second.partId]).toEqual([first.text, first.partId]);
      expect(second.token).toBe("fresh-1");
      expect(app.states).toEqual([{ publicAccessToken: "fresh-1", isStreaming: false }]);
      second.accept(0);
      (await app.service.out()).stream().chunks(word("a")).turnComplete(0);
      expect(await answer.closed()).toEqual([word("a")]);
    });

    agree("on a fresh token too rejects the message", async ({ open }) => {
      const app = open({ sessions: stored() });
      const answer = app.send("hello");
      (await app.service.append()).refuse(status);
      (await app.service.append()).refuse(status);
      expect(await answer.rejected()).toMatchObject({ name: "TriggerApiError", status });
      expect(app.service.seen("append")).toHaveLength(2);
      expect(app.refreshes).toHaveLength(1);
    });

    agree("on a stream asks for a token, and the stream goes on", async ({ open }) => {
      const app = open({ sessions: stored({ isStreaming: true, lastEventId: "41" }) });
      app.service.nextSeq = 42;
      const answer = app.resume();
      (await app.service.out()).refuse(status);
      const second = await app.service.out();
      expect([second.token, second.headers["last-event-id"]]).toEqual(["fresh-1", "41"]);
      second.stream().chunks(word("a")).turnComplete(0);
      expect(await answer.closed()).toEqual([word("a")]);
      expect(app.states[0]).toMatchObject({ publicAccessToken: "fresh-1", isStreaming: true });
    });

    agree("on a stream with a fresh token too fails it", async ({ open }) => {
      const app = open({ sessions: stored({ isStreaming: true }) });
      const answer = app.resume();
      (await app.service.out()).refuse(status);
      (await app.service.out()).refuse(status);
      expect(await answer.failed()).toMatchObject({ name: "TriggerApiError", status });
      expect(app.events).toMatchObject([{ type: "stream-error", status }]);
      expect(app.refreshes).toHaveLength(1);
    });
  });
}

agree("a token that expires between two windows is renewed in the stream", async ({ open }) => {
  const app = open({ sessions: stored() });
  const { answer, out } = await app.ask("hello", 0);
  out.chunks(word("a"));
  await answer.received(1);
  out.done();
  await pass(5_000);
  (await app.service.out()).refuse(401);
  const renewed = await app.service.out();
  expect([renewed.token, renewed.headers["last-event-id"]]).toEqual(["fresh-1", "0"]);
  renewed.stream().chunks(word("b")).turnComplete(0);
  expect(await answer.closed()).toEqual([word("a"), word("b")]);
});

agree("a callback that throws rejects the message with what it threw", async ({ open }) => {
  const accessToken = () => Promise.reject(new RangeError("the app says no"));
  const app = open({ sessions: stored(), accessToken });
  const answer = app.send("hello");
  (await app.service.append()).refuse(401);
  expect(await answer.rejected()).toBeInstanceOf(RangeError);
});

agree("a callback that throws fails the stream with what it threw", async ({ open }) => {
  const accessToken = () => Promise.reject(new RangeError("the app says no"));
  const app = open({ sessions: stored({ isStreaming: true }), accessToken });
  const answer = app.resume();
  (await app.service.out()).refuse(401);
  expect(await answer.failed()).toBeInstanceOf(RangeError);
});

agree("a callback may give its token at once, without a promise", async ({ open }) => {
  const app = open({ sessions: stored(), accessToken: () => "at-once" });
  const answer = app.send("hello");
  (await app.service.append()).refuse(401);
  const again = await app.service.append();
  expect(again.token).toBe("at-once");
  again.accept(0);
  (await app.service.out()).stream().turnComplete(0);
  await answer.closed();
});

agree("no token shows in a URL or in an error", async ({ open }) => {
  const app = open({ sessions: stored({ publicAccessToken: "eyJ.secret" }) });
  const answer = app.send("hello");
  (await app.service.append()).refuse(400);
  const { message, stack } = await answer.rejected();
  expect(`${message} ${stack} ${app.service.requests.map(({ url }) => url)}`).not.toContain(
    "secret",
  );
});

/** Adds three messages at once, and gives whether each was delivered. The stored token has expired. */
async function deliverThree({ client, service }: App): Promise<boolean[]> {
  const texts = ["a", "b", "c"];
  const delivered = texts.map((text) => client.sendPendingMessage("chat", said(text)));
  for (;;) {
    await settle();
    if (service.untaken().length === 0) return Promise.all(delivered);
    const append = await service.append();
    if (append.token === "stored") append.refuse(401);
    else append.accept();
  }
}

differ("one-refresh", {
  ours: [
    "three messages that meet an expired token share one fresh one",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      expect(await deliverThree(app)).toEqual([true, true, true]);
      expect(app.refreshes).toHaveLength(1);
    },
  ],
  published: [
    "three messages that meet an expired token ask for a fresh one each",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      expect(await deliverThree(app)).toEqual([true, true, true]);
      expect(app.refreshes).toHaveLength(3);
    },
  ],
});

differ("one-refresh", {
  ours: [
    "a message and the request for its answer that both meet one share a fresh one",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const answer = app.send("hello");
      const [append, request] = [await app.service.append(), await app.service.out()];
      request.refuse(401);
      append.refuse(401);
      const again = await app.service.append();
      expect(again.token).toBe("fresh-1");
      again.accept(0);
      const resumed = await app.service.out();
      expect(resumed.token).toBe("fresh-1");
      resumed.stream().chunks(word("a")).turnComplete(0);
      expect(await answer.closed()).toEqual([word("a")]);
      expect(app.refreshes).toHaveLength(1);
    },
  ],
});
