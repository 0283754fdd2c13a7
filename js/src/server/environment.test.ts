import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readEnvironment } from "./environment.js";

const NAMES = [
  ...["TRIGGER_SECRET_KEY", "TRIGGER_API_URL", "TRIGGER_PREVIEW_BRANCH"],
  ...["VERCEL_GIT_COMMIT_REF", "TRIGGER_DEV_BRANCH"],
];

beforeEach(() => {
  for (const name of NAMES) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

test("the key is the app's own, else that of the environment", () => {
  expect(readEnvironment("own").secretKey).toBe("own");
  vi.stubEnv("TRIGGER_SECRET_KEY", "from-the-shell");
  expect(readEnvironment().secretKey).toBe("from-the-shell");
  expect(readEnvironment("own").secretKey).toBe("own");
});

test("a key may have been read with the end of its line", () => {
  expect(readEnvironment("key\n").secretKey).toBe("key");
});

test("without a key it says what to do", () => {
  const missing = "The secret key is missing: pass `secretKey`, or set TRIGGER_SECRET_KEY.";
  expect(() => readEnvironment()).toThrow(missing);
  expect(() => readEnvironment(" ")).toThrow(missing);
});

test("a key that no header can hold is refused, and not told", () => {
  const refusal = () => readEnvironment("tr_dev_1\nX-Evil: 1");
  expect(refusal).toThrow("has characters that no key has");
  expect(refusal).not.toThrow(/tr_dev_1/);
});

test("the rest is absent where the environment says nothing, or an empty text", () => {
  const absent = { secretKey: "key", apiURL: undefined, branch: undefined };
  expect(readEnvironment("key")).toEqual(absent);
  for (const name of NAMES) vi.stubEnv(name, "");
  expect(readEnvironment("key")).toEqual(absent);
});

test("the branch is that of a preview, of the host that builds it, or of development", () => {
  const branchWith = (name: string, value: string) => {
    vi.stubEnv(name, value);
    return readEnvironment("key").branch;
  };
  expect(branchWith("TRIGGER_DEV_BRANCH", "default")).toBeUndefined();
  expect(branchWith("TRIGGER_DEV_BRANCH", "mine")).toBe("mine");
  expect(branchWith("VERCEL_GIT_COMMIT_REF", "built")).toBe("built");
  expect(branchWith("TRIGGER_PREVIEW_BRANCH", "preview")).toBe("preview");
});

test("where there is no process, there is no environment", () => {
  vi.stubGlobal("process", undefined);
  try {
    expect(readEnvironment("key").apiURL).toBeUndefined();
  } finally {
    vi.unstubAllGlobals();
  }
});
