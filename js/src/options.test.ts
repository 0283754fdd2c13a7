import { describe, expect, test } from "vitest";
import { coreOptions } from "./options.js";
import type { TriggerChatTransportOptions } from "./types.js";

const observer = { onConnection: () => {} };
const right: TriggerChatTransportOptions = { task: "agent", accessToken: () => "token" };
const checked = (more: Record<string, unknown>) =>
  coreOptions({ ...right, ...more } as TriggerChatTransportOptions, observer);

describe("options are refused in words", () => {
  test.each([
    ["without a task", { task: undefined }, "`task` is required"],
    ["with an empty one", { task: "" }, "`task` is required"],
    ["without a way to a token", { accessToken: null }, "`accessToken` is required"],
    ["with a token in its place", { accessToken: "token" }, "`accessToken` has to be a function."],
    ["with a wrong `baseURL`", { baseURL: null }, "`baseURL` has to be a string, or a function"],
    ["with a wrong `headStart`", { headStart: "" }, "`headStart` has to be a URL"],
    ["with a wrong `startSession`", { startSession: {} }, "`startSession` has to be a function."],
    ["with a wrong `fetch`", { fetch: "fetch" }, "`fetch` has to be a function."],
    ["with a wrong `onEvent`", { onEvent: 1 }, "`onEvent` has to be a function."],
  ])("%s", (_, more, words) => {
    expect(() => checked(more)).toThrow(TypeError);
    expect(() => checked(more)).toThrow(words);
  });

  test("where there are none", () => {
    expect(() => coreOptions(undefined, observer)).toThrow("`task` is required");
  });
});

test("what is right, or absent, is copied", () => {
  const more = { baseURL: () => "https://api.test", headStart: undefined, fetch: undefined };
  expect(checked(more)).toEqual({ ...right, ...more, ...observer, stored: [] });
  expect(coreOptions(right, observer)).not.toBe(right);
});

test("a stored session without a token that a header can hold restores nothing", () => {
  const publicAccessToken = "token";
  const sessions = {
    whole: { publicAccessToken, lastEventId: "7" },
    absent: null,
    tokenless: { lastEventId: "7" },
    empty: { publicAccessToken: "" },
    wrong: { publicAccessToken: "secret\nsecret" },
  };
  expect(checked({ sessions }).stored).toEqual([
    ["whole", { publicAccessToken, lastEventId: "7" }],
  ]);
});
