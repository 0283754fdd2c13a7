// A transcript that the app loads by itself says where the live stream has to begin.
import { describe, expect } from "vitest";
import { agree } from "./clients";
import { stored, word } from "./conversation";

describe("where the session is there", () => {
  agree("it becomes the cursor of one that has none, and is told", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.client.seedResumeCursor("chat", "41");
    const state = { publicAccessToken: "stored", lastEventId: "41", isStreaming: false };
    expect(app.states).toEqual([state]);
    expect(app.state).toEqual(state);
    app.service.nextSeq = 42;
    const { request } = await app.turn("hello", 0);
    expect(request.headers["last-event-id"]).toBe("41");
  });

  agree("it never moves a cursor that is there, and tells nothing", async ({ open }) => {
    const app = open({ sessions: stored({ lastEventId: "50" }) });
    app.client.seedResumeCursor("chat", "41");
    app.client.seedResumeCursor("chat", "60");
    expect(app.states).toEqual([]);
    expect(app.state?.lastEventId).toBe("50");
  });

  agree("it is the start of a running turn that has none", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true }) });
    app.client.seedResumeCursor("chat", "41");
    expect(app.states).toEqual([
      { publicAccessToken: "stored", lastEventId: "41", isStreaming: true },
    ]);
    const answer = app.resume();
    const request = await app.service.out();
    expect(request.headers["last-event-id"]).toBe("41");
    app.service.nextSeq = 42;
    request.stream().chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });
});

describe("where there is no session yet", () => {
  agree("it is held, untold, until the first message starts one", async ({ open }) => {
    const app = open();
    app.client.seedResumeCursor("chat", "41");
    expect(app.states).toEqual([]);
    expect(app.state).toBeUndefined();
    app.service.nextSeq = 42;
    const { request } = await app.turn("hello", 0);
    expect(request.headers["last-event-id"]).toBe("41");
    expect(app.states[0]).toEqual({
      ...{ publicAccessToken: "started-1", lastEventId: "41", isStreaming: false },
    });
  });

  agree("it is held until the app starts one", async ({ open }) => {
    const app = open();
    app.client.seedResumeCursor("chat", "41");
    expect(await app.client.start("chat")).toEqual({
      ...{ publicAccessToken: "started-1", lastEventId: "41", isStreaming: false },
    });
    expect(app.states).toHaveLength(1);
  });

  agree("it is held until a token makes one", async ({ open }) => {
    const app = open({ startSession: undefined });
    app.client.seedResumeCursor("chat", "41");
    app.service.nextSeq = 42;
    const { request } = await app.turn("hello", 0);
    expect(request.headers["last-event-id"]).toBe("41");
  });

  agree("it is held until a state without a cursor is set", async ({ open }) => {
    const app = open();
    app.client.seedResumeCursor("chat", "41");
    app.client.setSession("chat", { publicAccessToken: "set", isStreaming: true });
    const state = { publicAccessToken: "set", lastEventId: "41", isStreaming: true };
    expect(app.states).toEqual([state]);
    expect(app.state).toEqual(state);
  });

  agree("a state that is set with a cursor wins, and the held one is gone", async ({ open }) => {
    const app = open();
    app.client.seedResumeCursor("chat", "41");
    app.client.setSession("chat", { publicAccessToken: "set", lastEventId: "50" });
    expect(app.state).toEqual({ publicAccessToken: "set", lastEventId: "50" });
    app.client.setSession("chat", { publicAccessToken: "set" });
    expect(app.state).toEqual({ publicAccessToken: "set" });
  });

  agree("of two, the later one is held", async ({ open }) => {
    const app = open();
    app.client.seedResumeCursor("chat", "41");
    app.client.seedResumeCursor("chat", "42");
    expect(await app.client.start("chat")).toMatchObject({ lastEventId: "42" });
  });
});

agree("it is of one chat alone, and can be called without the object", async ({ open }) => {
  const app = open({ sessions: stored() });
  const { seedResumeCursor } = app.client;
  seedResumeCursor("another", "41");
  expect(app.state?.lastEventId).toBeUndefined();
  await app.client.start("another");
  expect(app.client.getSession("another")).toMatchObject({ lastEventId: "41" });
});
