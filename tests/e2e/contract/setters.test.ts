// What can be changed while the client lives, and what can be called without it.
import { describe, expect } from "vitest";
import { agree, differ } from "./clients";
import { type Client, pass, said, stored, word } from "./conversation";
import { ScriptedService, settle } from "./scripted-service";

describe("setters are live", () => {
  agree(
    "`setFetch`: the next message goes by it, and the stream's next connection",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const { answer, out } = await app.ask("hello", 0);
      out.chunks(word("a"));
      await answer.received(1);
      const other = new ScriptedService();
      app.client.setFetch(other.fetch);
      const delivered = app.client.sendPendingMessage("chat", said("and this"));
      (await other.append()).accept(1);
      expect(await delivered).toBe(true);
      out.cut();
      await pass(5_000);
      other.nextSeq = 1;
      (await other.out()).stream().chunks(word("b")).turnComplete(1);
      expect(await answer.closed()).toEqual([word("a"), word("b")]);
      expect(app.service.requests).toHaveLength(2);
    },
  );

  agree("`setFetch`: a stream that is resumed goes by it", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true }) });
    const other = new ScriptedService();
    app.client.setFetch(other.fetch);
    const answer = app.resume();
    (await other.out()).stream().turnComplete(0);
    await answer.closed();
    expect(app.service.requests).toEqual([]);
  });

  agree("`setClientData`: the next message and the next start have it", async ({ open }) => {
    const app = open({ clientData: { plan: "free" } });
    app.client.setClientData({ plan: "paid" });
    const { append } = await app.turn("hello", 0);
    expect(append.payload.metadata).toEqual({ plan: "paid" });
    expect(app.starts).toMatchObject([{ clientData: { plan: "paid" } }]);
    app.client.setClientData(undefined);
    const second = await app.turn("again", 1);
    expect(second.append.payload).not.toHaveProperty("metadata");
  });

  agree("`setAccessToken`: the next refresh asks it", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.client.setAccessToken(async () => "from the new one");
    app.send("hello");
    (await app.service.append()).refuse(401);
    const again = await app.service.append();
    expect(again.token).toBe("from the new one");
    expect(app.refreshes).toEqual([]);
    again.refuse(400);
  });

  agree("`setStartSession`: the next start asks it", async ({ open }) => {
    const app = open();
    app.client.setStartSession(async () => ({ publicAccessToken: "from the new one" }));
    expect(await app.client.start("chat")).toMatchObject({ publicAccessToken: "from the new one" });
    expect(app.starts).toEqual([]);
    app.client.setStartSession(undefined);
    await expect(app.client.start("another")).rejects.toThrow("`startSession` is required");
  });

  agree("`setOnEvent`: the next event goes there, or nowhere", async ({ open }) => {
    const app = open({ sessions: stored() });
    const types: string[] = [];
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    expect(app.eventTypes).toEqual(["message-sent", "stream-connected", "first-chunk"]);
    app.client.setOnEvent(({ type }) => types.push(type));
    out.turnComplete(0);
    await answer.closed();
    expect(types).toEqual(["turn-completed"]);
    app.client.setOnEvent(undefined);
    await app.turn("again", 1);
    expect(app.events).toHaveLength(3);
    expect(types).toHaveLength(1);
  });

  agree("`setOnSessionChange`: the next state goes there, or nowhere", async ({ open }) => {
    const app = open({ sessions: stored() });
    const states: unknown[] = [];
    const { answer, out } = await app.ask("hello", 0);
    app.client.setOnSessionChange((chatId, state) => states.push([chatId, state?.isStreaming]));
    out.turnComplete(0);
    await answer.closed();
    expect(states).toEqual([["chat", false]]);
    app.client.setOnSessionChange(undefined);
    await app.turn("again", 1);
    expect([app.states.length, states.length]).toEqual([1, 1]);
  });
});

describe("without their object", () => {
  agree("`sendMessages` and `getSession` work", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { sendMessages, getSession } = app.client;
    const stream = sendMessages({
      ...{ trigger: "submit-message", chatId: "chat", messageId: undefined },
      ...{ messages: [said("hello")], abortSignal: undefined },
    });
    (await app.service.append()).accept(0);
    (await app.service.out()).stream().turnComplete(0);
    for await (const _ of await stream) expect.unreachable("there is no chunk");
    expect(getSession("chat")).toMatchObject({ lastEventId: "0", isStreaming: false });
  });

  agree("`reconnectToStream` works", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: false }) });
    const { reconnectToStream } = app.client;
    expect(await reconnectToStream({ chatId: "chat" })).toBeNull();
  });

  agree("`stopGeneration` works", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { stopGeneration } = app.client;
    const stopped = stopGeneration("chat");
    (await app.service.append()).accept(0);
    expect(await stopped).toBe(true);
  });

  agree("`sendPendingMessage` works", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { sendPendingMessage } = app.client;
    const delivered = sendPendingMessage("chat", said("and this"));
    (await app.service.append()).accept(0);
    expect(await delivered).toBe(true);
  });
});

describe("letting go", () => {
  agree("ends every stream well, and withdraws its request", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, request, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    app.client.dispose();
    expect(await answer.closed()).toEqual([word("a")]);
    await settle();
    expect(request.isAborted).toBe(true);
    expect(app.service.seen("append")).toHaveLength(1);
    expect(app.eventTypes).not.toContain("stream-error");
  });

  agree("may happen twice, and before anything was done", async ({ open }) => {
    const app = open();
    app.client.dispose();
    app.client.dispose();
    expect(app.service.requests).toEqual([]);
  });

  agree("forgets nothing: the next call brings the client back to life", async ({ open }) => {
    const app = open({ sessions: stored() });
    await app.turn("one", 0);
    app.client.dispose();
    const { append, request } = await app.turn("two", 1);
    expect([append.token, request.headers["last-event-id"]]).toEqual(["stored", "1"]);
  });

  agree("leaves a running turn to be resumed", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    app.client.dispose();
    await answer.closed();
    expect(app.state).toEqual({
      ...{ publicAccessToken: "stored", activeInputSeq: 0, isStreaming: true },
    });
  });

  differ("close-lets-go", {
    ours: [
      "is what `close` does, by which the AI SDK lets go of a chat",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, request } = await app.ask("hello", 0);
        (app.client as Client & { close(): void }).close();
        expect(await answer.closed()).toEqual([]);
        await settle();
        expect(request.isAborted).toBe(true);
        expect(app.state).toMatchObject({ isStreaming: true });
      },
    ],
    published: [
      "is nothing that the AI SDK can do",
      async ({ open }) => {
        expect(open().client).not.toHaveProperty("close");
      },
    ],
  });
});
