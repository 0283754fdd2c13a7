// For a stopped turn that died without its boundary: `clearSupersedeGate` has nothing held back.
import { expect } from "vitest";
import { agree } from "./clients";
import { type App, stored, word } from "./conversation";
import { settle } from "./scripted-service";

async function stopRunning(app: App): Promise<void> {
  const { answer, out } = await app.ask("hello", 0);
  out.chunks(word("a"));
  await answer.received(1);
  const stopped = app.client.stopGeneration("chat");
  (await app.service.append()).accept(1);
  expect(await stopped).toBe(true);
}

agree("the next turn is whole where the stopped one has no boundary", async ({ open }) => {
  const app = open({ sessions: stored() });
  await stopRunning(app);
  app.client.clearSupersedeGate("chat");
  const { answer, out } = await app.ask("next", 2);
  out.chunks(word("mine")).turnComplete(2);
  expect(await answer.closed()).toEqual([word("mine")]);
});

agree("a second stop behind it holds nothing back", async ({ open }) => {
  const app = open({ sessions: stored() });
  await stopRunning(app);
  app.client.clearSupersedeGate("chat");
  const stopped = app.client.stopGeneration("chat");
  (await app.service.append()).accept(2);
  expect(await stopped).toBe(true);
  const { answer, out } = await app.ask("next", 3);
  out.chunks(word("mine")).turnComplete(3);
  expect(await answer.closed()).toEqual([word("mine")]);
});

agree("the turn after it can be stopped, and is held back again", async ({ open }) => {
  const app = open({ sessions: stored() });
  await stopRunning(app);
  app.client.clearSupersedeGate("chat");
  const second = await app.ask("second", 2);
  second.out.chunks(word("b"));
  await second.answer.received(1);
  const stopped = app.client.stopGeneration("chat");
  (await app.service.append()).accept(3);
  expect(await stopped).toBe(true);
  const { answer, out } = await app.ask("third", 4);
  out.chunks(word("late")).turnComplete(3).chunks(word("mine")).turnComplete(4);
  expect(await answer.closed()).toEqual([word("mine")]);
});

agree("it asks nothing, tells nothing, and knows no chat that nobody knows", async ({ open }) => {
  const app = open({ sessions: stored() });
  app.client.clearSupersedeGate("chat");
  app.client.clearSupersedeGate("another");
  await settle();
  expect([app.service.requests, app.states, app.events]).toEqual([[], [], []]);
  expect(app.client.getSession("another")).toBeUndefined();
});

agree("it can be called without the client's object", async ({ open }) => {
  const app = open({ sessions: stored() });
  await stopRunning(app);
  const { clearSupersedeGate } = app.client;
  clearSupersedeGate("chat");
  await app.turn("next", 2);
});
