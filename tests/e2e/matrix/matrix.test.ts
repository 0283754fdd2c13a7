// The real `useChat` of each AI SDK, in two Reacts: whatever happens to a conversation, the page's
// messages are the service's. `make test` takes the latest of each major, `make matrix` all.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ModelStandIn } from "../demo-support";
import { launchBrowser } from "../support/browser";
import { buildPage, type Major, reactVersions } from "../support/page";
import { BUILD_TIMEOUT_MS } from "../support/server";
import { Transcript } from "../support/transcript";
import type { Scene } from "./page/contract";
import { PATIENCE_MS, Stage } from "./stage";
import { boundaries, isFrom, latest, packagesOf } from "./versions";

/** From these versions on, `useChat` hands a signal to `reconnectToStream`. */
const handsSignalOver = { 5: 231, 6: 249, 7: 56 };

const sdks = process.env.MATRIX === "all" ? [...latest, ...boundaries] : latest;
const reacts: Major[] = [18, 19];
const modes = ["plain", "strict"] as const;

const entry = fileURLToPath(new URL("page/main.tsx", import.meta.url));
/** More than the bytes after which a connection is cut. */
const MANY_WORDS = "One, ".repeat(200);

vi.setConfig({ testTimeout: BUILD_TIMEOUT_MS, hookTimeout: BUILD_TIMEOUT_MS });

const folder = mkdtempSync(join(tmpdir(), "matrix-"));
let browser: Browser;
let model: ModelStandIn;
let chats = 0;

beforeAll(async () => {
  model = await ModelStandIn.start();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  model?.stop();
  rmSync(folder, { recursive: true });
});

const columns = sdks.flatMap((sdk) => reacts.map((react) => [sdk.ai, react, sdk] as const));

describe.each(columns)("with ai %s in React %s,", (_, react, sdk) => {
  const hasApprovals = !sdk.ai.startsWith("5.");

  describe.each(modes)("%s:", (mode) => {
    let loaded: Record<string, string[]>;
    let stage: Stage;
    let transcript: Transcript;
    let expected: unknown[] = [];

    beforeAll(async () => {
      const page = join(folder, `${sdk.ai}-${react}-${mode}`);
      const packages = await packagesOf(sdk);
      // As apps are deployed, and as they are developed.
      const build = mode === "plain" ? "production" : "development";
      loaded = await buildPage({ entry, folder: page, react, mode: build, packages });
      stage = await Stage.open(browser, page, model);
    });
    afterAll(() => stage?.close());
    afterEach(async () => {
      expect(await stage.complaints()).toEqual(expected);
      expected = [];
    });

    const begin = async (agent: Scene["agent"] = "model") => {
      chats += 1;
      const chat = `chat-${chats}`;
      transcript = new Transcript(stage.server, chat, hasApprovals);
      await stage.begin({ chat, agent, mode });
    };
    const isAsTheServiceSays = async () => {
      const messages = await transcript.read();
      await expect.poll(() => stage.messages(), { timeout: PATIENCE_MS }).toEqual(messages);
      await stage.isReady();
    };

    test("these versions are loaded, each once", async () => {
      await begin();
      const version = reactVersions[react];
      expect(loaded).toMatchObject({
        ai: [sdk.ai],
        "@ai-sdk/react": [sdk.hook],
        react: [version],
        "react-dom": [version],
      });
      expect(await stage.reactVersion()).toBe(version);
    });

    test("two messages are sent and answered", async () => {
      await begin();
      for (const _ of [1, 2]) {
        await stage.ask("Send");
        stage.end();
        await stage.isWhole();
        await isAsTheServiceSays();
      }
      expect(await stage.messages()).toHaveLength(4);
    });

    test("an answer is stopped", async () => {
      await begin();
      await stage.ask("Send");
      await stage.click("Stop");
      await stage.isReady();
      await isAsTheServiceSays();
      expect(await stage.inputs()).toEqual(["submit-message", "stop"]);
    });

    test("an answer is made anew", async () => {
      await begin();
      await stage.ask("Send");
      stage.end();
      await stage.isWhole();
      await isAsTheServiceSays();
      const [, first] = await stage.messages();
      await stage.ask("Regenerate", "Anew: one, ");
      stage.end();
      await stage.isWhole("Anew: one, two.");
      expect(await stage.messages()).toHaveLength(2);
      expect((await stage.messages())[1]?.id).not.toBe(first?.id);
      await isAsTheServiceSays();
      expect(await stage.inputs()).toEqual(["submit-message", "regenerate-message"]);
    });

    test("a page that is reloaded in the middle of an answer shows it whole", async () => {
      await begin();
      await stage.ask("Send");
      await stage.reload();
      await stage.isAnswering();
      stage.end();
      await stage.isWhole();
      expect(await stage.messages()).toHaveLength(2);
      await isAsTheServiceSays();
      await stage.reload();
      await stage.isWhole();
      await isAsTheServiceSays();
    });

    test("a connection that is lost in the middle of an answer is no matter", async () => {
      await begin();
      const { server, chat } = stage;
      const before = (await server.faults()).injected.cutAfterBytes ?? 0;
      await server.order({ on: "subscribe", chat, cutAfterBytes: 600 });
      await stage.ask("Send", MANY_WORDS);
      expect((await server.faults()).injected.cutAfterBytes).toBe(before + 1);
      stage.end();
      await stage.isWhole(`${MANY_WORDS}two.`);
      expect(await stage.messages()).toHaveLength(2);
      await isAsTheServiceSays();
      // The browser says so; `useChat` does not know.
      expected = [expect.stringContaining("net::ERR")];
    });

    test("a tool asks, and the answer goes back by itself", async () => {
      await begin("approval");
      await stage.click("Send");
      await stage.hasCall(hasApprovals ? "approval-requested" : "input-available");
      await isAsTheServiceSays();
      await stage.click("Approve");
      await stage.hasLanded(2);
      await isAsTheServiceSays();
      expect(await stage.messages()).toHaveLength(2);
      const [, decision, ...more] = await stage.server.inputs(stage.chat);
      const state = hasApprovals ? "approval-responded" : "output-available";
      expect(decision?.data.payload).toMatchObject({
        trigger: "submit-message",
        message: { role: "assistant", parts: [{ type: "tool-send_email", state }] },
      });
      expect(more).toEqual([]);
    });

    test("the transport stops an answer after a reload", async () => {
      await begin();
      await stage.ask("Send");
      await stage.reload();
      await stage.isAnswering();
      await stage.click("Stop the turn");
      await isAsTheServiceSays();
      expect(await stage.inputs()).toEqual(["submit-message", "stop"]);
    });

    const stopsResumed = isFrom(sdk.ai, handsSignalOver);
    test(`\`stop()\` ${stopsResumed ? "stops" : "cannot stop"} an answer after a reload`, async () => {
      await begin();
      await stage.ask("Send");
      await stage.reload();
      await stage.isAnswering();
      await stage.click("Stop");
      if (!stopsResumed) {
        stage.end();
        await stage.isWhole();
      }
      await isAsTheServiceSays();
      expect(await stage.inputs()).toEqual(["submit-message", ...(stopsResumed ? ["stop"] : [])]);
    });
  });
});
