// Steering: a message that is added to the turn that runs.
import type { UIMessage } from "ai";
import { expect } from "vitest";
import { agree } from "./clients";
import { said, stored, word } from "./conversation";
import { settle } from "./scripted-service";

agree("a message is one append, and the open stream goes on", async ({ open }) => {
  const app = open({ sessions: stored(), clientData: { plan: "free" } });
  const { answer, out } = await app.ask("hello", 0);
  const states = app.states.length;
  const delivered = app.client.sendPendingMessage("chat", said("and this"), { tone: "dry" });
  const append = await app.service.append();
  expect(append.text).toBe(
    JSON.stringify({
      kind: "message",
      payload: {
        ...{ message: said("and this"), chatId: "chat", trigger: "submit-message" },
        metadata: { plan: "free", tone: "dry" },
      },
    }),
  );
  append.accept(1);
  expect(await delivered).toBe(true);
  expect(app.states).toHaveLength(states);
  expect(app.state).toMatchObject({ isStreaming: true, activeInputSeq: 0 });
  out.chunks(word("a")).turnComplete(0);
  expect(await answer.closed()).toEqual([word("a")]);
  expect(app.service.seen("out")).toHaveLength(1);
});

agree("metadata is absent where neither source has any", async ({ open }) => {
  const app = open({ sessions: stored() });
  const delivered = app.client.sendPendingMessage("chat", said("and this"));
  const append = await app.service.append();
  expect(append.payload).not.toHaveProperty("metadata");
  append.accept(0);
  expect(await delivered).toBe(true);
});

agree("an answer to tools ships whole", async ({ open }) => {
  const app = open({ sessions: stored() });
  const part = { type: "tool-a", toolCallId: "1", state: "output-available", input: 1, output: 2 };
  const message = { id: "answer", role: "assistant", parts: [part] } as UIMessage;
  void app.client.sendPendingMessage("chat", message);
  const append = await app.service.append();
  expect(append.payload.message).toStrictEqual(message);
  append.accept(0);
});

agree("without a session it is false, and nothing leaves", async ({ open }) => {
  const app = open();
  expect(await app.client.sendPendingMessage("chat", said("and this"))).toBe(false);
  await settle();
  expect([app.service.requests, app.starts, app.events]).toEqual([[], [], []]);
});

agree("a refusal is false, and the open stream goes on", async ({ open }) => {
  const app = open({ sessions: stored() });
  const { answer, out } = await app.ask("hello", 0);
  const delivered = app.client.sendPendingMessage("chat", said("and this"));
  (await app.service.append()).refuse(400);
  expect(await delivered).toBe(false);
  out.chunks(word("a")).turnComplete(0);
  expect(await answer.closed()).toEqual([word("a")]);
});

agree("an expired token is renewed, and the same message goes again", async ({ open }) => {
  const app = open({ sessions: stored() });
  const delivered = app.client.sendPendingMessage("chat", said("and this"));
  const first = await app.service.append();
  first.refuse(401);
  const second = await app.service.append();
  expect([second.partId, second.token]).toEqual([first.partId, "fresh-1"]);
  second.accept(0);
  expect(await delivered).toBe(true);
});
