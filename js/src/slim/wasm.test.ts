import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { length, text, textAddress, unpacker } from "../../../target/wasm-pack/wasm-text.js";
import { tabsStandIn } from "../tabs/page-stand-in.js";
import { unpacked } from "../unpacked.js";

const file = new URL("../../../target/wasm-pack/trigger_chat_transport_bg.wasm", import.meta.url);
const bytes = unpacked(text, textAddress, length, unpacker);

let slim: typeof import("./index.js");
const useTransport = () =>
  new slim.TriggerChatTransport({ task: "agent", accessToken: () => "token" }).getSession("chat");

/** A server's answer. */
const answer = (type: string, body: BodyInit = bytes, status = 200) =>
  new Response(body, { status, headers: { "Content-Type": type } });

async function importSlim() {
  vi.resetModules();
  // The slim entries are built so.
  vi.doMock("#wasm", () => import("./wasm.js"));
  slim = await import("./index.js");
}

beforeEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await importSlim();
});

describe("a transport works after `init` of", () => {
  const sources = {
    "the file's address, as text": () => "https://app.test/core.wasm",
    "the file's address": () => new URL("https://app.test/core.wasm"),
    "a request for it": () => new Request("https://app.test/core.wasm"),
    "an answer": () => answer("application/wasm"),
    "an answer to come": () => Promise.resolve(answer("application/wasm")),
    "an answer of the wrong type": () => answer("application/octet-stream"),
    "an address in the file system": () => file,
    "the same, as text": () => file.href,
    bytes: () => bytes,
    "a buffer": () => bytes.slice().buffer,
    "a module": () => new WebAssembly.Module(bytes),
  };

  test.each(Object.entries(sources))("%s", async (_, source) => {
    vi.stubGlobal("fetch", async (address: string | URL | Request) => {
      // Node's own `fetch` knows no others.
      expect(new Request(address).url).toMatch(/^https:/);
      return answer("application/wasm");
    });
    await slim.init(source());
    expect(useTransport()).toBeUndefined();
  });
});

test("before `init` has ended, a transport can be made, and whoever uses it is told", async () => {
  expect(useTransport).toThrow("`await init()`");
  const done = slim.init(bytes);
  expect(useTransport).toThrow("`await init()`");
  await done;
  expect(useTransport()).toBeUndefined();
});

test("which tab speaks for a chat is known without `init`", async () => {
  const options = { task: "agent", accessToken: () => "token", multiTab: true };
  const page = tabsStandIn({ hasLocks: true });
  const transport = await page.inTab("a", () => new slim.TriggerChatTransport(options));
  const other = new BroadcastChannel("trigger-chat-tab-coord");
  const tabId = crypto.randomUUID();
  onTestFinished(() => {
    other.close();
    transport.dispose();
  });
  transport.addReadOnlyListener(() => {});
  await vi.waitFor(() => {
    other.postMessage({ type: "claim", chatId: "chat", tabId });
    expect(transport.isReadOnly("chat")).toBe(true);
  });
  expect(useTransport).toThrow("`await init()`");
});

test("nothing is fetched or compiled before `init`, and once by all calls of it", async () => {
  const fetched = vi.fn(async () => answer("application/wasm"));
  vi.stubGlobal("fetch", fetched);
  const compile = vi.spyOn(WebAssembly, "compileStreaming");
  expect(useTransport).toThrow();
  expect(fetched).not.toHaveBeenCalled();
  await Promise.all([slim.init("/core.wasm"), slim.init("/core.wasm")]);
  await slim.init();
  expect(fetched).toHaveBeenCalledTimes(1);
  expect(compile).toHaveBeenCalledTimes(1);
});

test("a source that is not needed may fail", async () => {
  const done = slim.init(bytes);
  await slim.init(Promise.reject(new TypeError("Failed to fetch")));
  await done;
  expect(useTransport()).toBeUndefined();
});

test("a host may have no `FinalizationRegistry`", async () => {
  vi.stubGlobal("FinalizationRegistry", undefined);
  await importSlim();
  await slim.init(bytes);
  expect(useTransport()).toBeUndefined();
});

describe("`init` fails, and can be tried again, where", () => {
  test.each([
    ["there is no file", answer("text/plain", "no", 404), "status 404, text/plain"],
    ["the app's page answers", answer("text/html; charset=utf-8", "<p>"), "status 200, text/html"],
  ])("%s", async (_, refusal, words) => {
    await expect(slim.init(refusal)).rejects.toThrow(words);
    expect(useTransport).toThrow("`await init()`");
    await slim.init(bytes);
    expect(useTransport()).toBeUndefined();
  });

  test("the network is down", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    await expect(slim.init("/core.wasm")).rejects.toThrow("Failed to fetch");
    await slim.init(bytes);
    expect(useTransport()).toBeUndefined();
  });

  test("the bytes are no WebAssembly", async () => {
    await expect(slim.init(new Uint8Array(8))).rejects.toThrow(WebAssembly.CompileError);
    await slim.init(bytes);
    expect(useTransport()).toBeUndefined();
  });

  test("the page's policy blocks it, and the policy's cure is named", async () => {
    vi.spyOn(WebAssembly, "compile").mockRejectedValueOnce(
      new WebAssembly.CompileError(
        "WebAssembly.compile(): Compiling or instantiating WebAssembly module violates the following " +
          "Content Security policy directive because 'unsafe-eval' is not an allowed source",
      ),
    );
    await expect(slim.init(bytes)).rejects.toThrow("'wasm-unsafe-eval'");
    await slim.init(bytes);
    expect(useTransport()).toBeUndefined();
  });
});
