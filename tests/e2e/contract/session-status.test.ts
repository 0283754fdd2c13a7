// Whether the conversation is over, and why.
import { expect } from "vitest";
import { agree } from "./clients";
import { stored } from "./conversation";
import { control } from "./scripted-service";

agree("a chat is open as long as nothing else is known", async ({ open }) => {
  const app = open({ sessions: stored() });
  for (const chatId of ["chat", "another"]) {
    expect(app.client.sessionStatus(chatId)).toBe("open");
    expect(app.client.sessionClosedReason(chatId)).toBeUndefined();
  }
});

agree("a stored state says that it is closed, and why", async ({ open }) => {
  const app = open({ sessions: stored({ closed: true, closedReason: "done" }) });
  expect(app.client.sessionStatus("chat")).toBe("closed");
  expect(app.client.sessionClosedReason("chat")).toBe("done");
});

agree("a refused message closes it", async ({ open }) => {
  const app = open({ sessions: stored() });
  const answer = app.send("hello");
  (await app.service.append()).refuseAsClosed("all is said");
  await answer.rejected();
  expect(app.client.sessionStatus("chat")).toBe("closed");
  expect(app.client.sessionClosedReason("chat")).toBe("all is said");
});

agree("a record closes it, before the event is told", async ({ open }) => {
  const seen: string[] = [];
  const app = open({ sessions: stored() });
  app.client.setOnEvent(({ type }) => seen.push(`${type}: ${app.client.sessionStatus("chat")}`));
  const { answer, out } = await app.ask("hello", 0);
  out.batch(control("session-closed"));
  await answer.closed();
  expect(seen.at(-1)).toBe("session-closed: closed");
  expect(app.client.sessionClosedReason("chat")).toBeUndefined();
});

agree("the boundary of a turn closes it", async ({ open }) => {
  const app = open({ sessions: stored() });
  const { answer, out } = await app.ask("hello", 0);
  out.turnComplete(0, { "session-closed": "true", "session-closed-reason": "done" });
  await answer.closed();
  expect(app.client.sessionStatus("chat")).toBe("closed");
  expect(app.client.sessionClosedReason("chat")).toBe("done");
});

agree("a flag that is not `true` closes nothing", async ({ open }) => {
  const app = open({ sessions: stored() });
  const { answer, out } = await app.ask("hello", 0);
  out.turnComplete(0, { "session-closed": "false", "session-closed-reason": "done" });
  await answer.closed();
  expect(app.client.sessionStatus("chat")).toBe("open");
});

agree("both can be asked without the client's object", async ({ open }) => {
  const app = open({ sessions: stored({ closed: true, closedReason: "done" }) });
  const { sessionStatus, sessionClosedReason } = app.client;
  expect([sessionStatus("chat"), sessionClosedReason("chat")]).toEqual(["closed", "done"]);
});
