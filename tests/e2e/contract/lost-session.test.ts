// A session that the service no longer has, and that the app cannot create anew, is told as `null`.
import { expect } from "vitest";
import { agree, differ } from "./clients";
import { stored } from "./conversation";
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
