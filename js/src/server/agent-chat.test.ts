import { afterEach, expect, test, vi } from "vitest";
import { AgentChat } from "./agent-chat.js";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("a chat can be made where there is no key; what needs one says so", async () => {
  vi.stubEnv("TRIGGER_SECRET_KEY", undefined);
  const chat = new AgentChat({ agent: "agent", session: { lastEventId: "7" } });
  expect(chat.session).toEqual({ lastEventId: "7" });
  const missing = "The secret key is missing";
  await expect(chat.sendMessage("hello")).rejects.toThrow(missing);
  await expect(chat.preload()).rejects.toThrow(missing);
  await expect(chat.steer("hello")).rejects.toThrow(missing);
  await expect(chat.stop()).rejects.toThrow(missing);
  await expect(chat.reconnect()).rejects.toThrow(missing);
  await expect(chat.sendHandoverSkip()).rejects.toThrow(missing);
});

test("a chat without a session does nothing that needs one", async () => {
  const chat = new AgentChat({ agent: "agent" });
  expect(chat.session).toEqual({});
  expect(await chat.steer("hello")).toBe(false);
  expect(await chat.close()).toBe(false);
  expect(await chat.reconnect()).toBeNull();
  await chat.stop();
});

test("each chat has an id of its own, also where the host has no crypto", () => {
  const ids = () => [1, 2].map(() => new AgentChat({ agent: "agent" }).id);
  expect(new Set(ids()).size).toBe(2);
  vi.stubGlobal("crypto", undefined);
  try {
    expect(new Set(ids()).size).toBe(2);
    for (const id of ids()) expect(id).toMatch(/^\w{16,}$/);
  } finally {
    vi.unstubAllGlobals();
  }
});
