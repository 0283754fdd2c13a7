// A session that the service no longer has, and that the app cannot create anew, is told as `null`.
import { expect } from "vitest";
import { agree, differ } from "./clients";
import { stored, word } from "./conversation";
import { settle } from "./scripted-service";

differ("lost-session-is-told", {
  ours: [
    "a message to it tells `null`, and nothing is left of the chat",
    async ({ open }) => {
      const app = open({ sessions: stored({ lastEventId: "41" }), startSession: undefined });
      const answer = app.send("hello");
      (await app.service.append()).refuse(404);
      await answer.rejected();
      expect(app.states).toEqual([null]);
      expect(app.client.getSession("chat")).toBeUndefined();
    },
  ],
  published: [
    "a message to it tells nothing, and the stored state stays",
    async ({ open }) => {
      const app = open({ sessions: stored({ lastEventId: "41" }), startSession: undefined });
      const answer = app.send("hello");
      (await app.service.append()).refuse(404);
      await answer.rejected();
      expect(app.states).toEqual([]);
      expect(app.state).toMatchObject({ publicAccessToken: "stored", lastEventId: "41" });
    },
  ],
});

differ("lost-session-is-told", {
  ours: [
    "a stream of it tells `null`, and fails",
    async ({ open }) => {
      const app = open({ sessions: stored({ isStreaming: true }), startSession: undefined });
      const answer = app.resume();
      (await app.service.out()).refuse(404);
      expect(await answer.failed()).toMatchObject({ name: "TriggerApiError", status: 404 });
      await settle();
      expect(app.states.at(-1)).toBeNull();
      expect(app.client.getSession("chat")).toBeUndefined();
    },
  ],
  published: [
    "a stream of it fails, and the stored state stays",
    async ({ open }) => {
      const app = open({ sessions: stored({ isStreaming: true }), startSession: undefined });
      const answer = app.resume();
      (await app.service.out()).refuse(404);
      expect(await answer.failed()).toMatchObject({ name: "TriggerApiError", status: 404 });
      expect(app.states).toEqual([{ publicAccessToken: "stored", isStreaming: false }]);
    },
  ],
});

agree("a session that can be created anew is not told as lost", async ({ open }) => {
  const app = open({ sessions: stored() });
  const answer = app.send("hello");
  (await app.service.append()).refuse(404);
  (await app.service.append()).accept(0);
  (await app.service.out()).stream().turnComplete(0);
  await answer.closed();
  expect(app.states).not.toContain(null);
});

differ("leave-together", {
  ours: [
    "a stream of it that was refused before the message landed is asked for again",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const answer = app.send("hello");
      const append = await app.service.append();
      (await app.service.out()).refuse(404);
      await settle();
      append.accept(0);
      (await app.service.out()).stream().chunks(word("a")).turnComplete(0);
      expect(await answer.closed()).toEqual([word("a")]);
      expect([app.starts, app.states.at(-1)?.isStreaming]).toEqual([[], false]);
    },
  ],
});

differ("lost-session-is-told", {
  ours: [
    "a message to its running turn tells `null`, and is false",
    async ({ open }) => {
      const app = open({ sessions: stored(), startSession: undefined });
      const message = { id: "m", role: "user" as const, parts: [] };
      const delivered = app.client.sendPendingMessage("chat", message);
      (await app.service.append()).refuse(404);
      expect(await delivered).toBe(false);
      expect(app.states).toEqual([null]);
    },
  ],
});

agree("a failing `startSession` leaves what is stored, for the next try", async ({ open }) => {
  const startSession = () => Promise.reject(new RangeError("the app says no"));
  const app = open({ sessions: stored(), startSession });
  const answer = app.send("hello");
  (await app.service.append()).refuse(404);
  expect(await answer.rejected()).toBeInstanceOf(RangeError);
  expect(app.states).toEqual([]);
  expect(app.state).toEqual({ publicAccessToken: "stored", isStreaming: false });
});
