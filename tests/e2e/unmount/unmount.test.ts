// A page that goes away, and a person who says stop: `useChat` aborts its signal for both, and only
// the second one ends the turn.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { launchBrowser } from "../support/browser";
import { buildPage, type Major, type Mode, reactVersions } from "../support/page";
import { BUILD_TIMEOUT_MS } from "../support/server";
import type { Scene } from "./page/contract";
import { Stage } from "./stage";

const entry = fileURLToPath(new URL("page/main.tsx", import.meta.url));

const builds: [Major, Mode][] = [
  [18, "production"],
  [18, "development"],
  [19, "production"],
  [19, "development"],
];

const wholeTurn = { inputs: ["submit-message"], text: "One, two.", wasAborted: false };
const stoppedTurn = { inputs: ["submit-message", "stop"], text: "One, ", wasAborted: true };

vi.setConfig({ testTimeout: BUILD_TIMEOUT_MS });

let browser: Browser;
const folder = mkdtempSync(join(tmpdir(), "unmount-"));

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

describe.each(builds)("in React %s, built for %s,", (major, mode) => {
  const page = join(folder, `${major}-${mode}`);
  let packages: Record<string, string[]>;
  let stage: Stage;

  beforeAll(async () => {
    packages = await buildPage({ entry, folder: page, react: major, mode });
    stage = await Stage.open(browser, page, mode);
  }, BUILD_TIMEOUT_MS);
  afterAll(() => stage?.close());
  afterEach(() => expect(stage.problems()).toEqual([]));

  test("it is that React, once, and the `useChat` that stops on unmount", async () => {
    const version = reactVersions[major];
    const loaded = { react: [version], "react-dom": [version], "@ai-sdk/react": ["4.0.177"] };
    expect(packages).toMatchObject(loaded);
    await stage.play();
    expect(await stage.reactVersion()).toBe(version);
  });

  const ways: { name: string; kind: Scene["kind"]; away: Partial<Scene>; inTransition?: true }[] = [
    { name: "unmounts", kind: "room", away: { isOpen: false } },
    {
      name: "unmounts in a transition",
      kind: "room",
      away: { isOpen: false },
      inTransition: true,
    },
    { name: "is given another chat", kind: "room", away: { chat: "another" } },
    {
      name: "is given another chat in a transition",
      kind: "room",
      away: { chat: "another" },
      inTransition: true,
    },
    {
      name: "makes way for one with another key",
      kind: "keyed room",
      away: { chat: "another" },
    },
  ];
  if (major === 19) {
    ways.push({ name: "is hidden by an `Activity`", kind: "activity", away: { isHidden: true } });
  }

  test.each(ways)("a turn goes on when the chat's component $name", async (way) => {
    await stage.play(way.kind);
    await stage.ask();
    await stage.isAnswering();
    await stage.leave(way.away, way.inTransition);
    await stage.comeBack();
    await stage.isAnswering();
    // Now it is a resumed stream that is left.
    await stage.leave(way.away, way.inTransition);
    await stage.isStored({ isStreaming: true });
    stage.end();
    expect(await stage.record()).toEqual(wholeTurn);
    await stage.comeBack();
    await stage.isWhole();
    expect(await stage.record()).toEqual(wholeTurn);
  });

  test.each(ways)(
    "a message is sent and answered when the chat's component $name before it has arrived",
    async (way) => {
      await stage.play(way.kind);
      await stage.server.order({ on: "append", delayMs: BUILD_TIMEOUT_MS });
      await stage.click("Send");
      await stage.isSubmitted();
      await stage.hasLanded();
      await stage.leave(way.away, way.inTransition);
      await stage.server.forgetFaults();
      await stage.isStored({ isStreaming: true });
      await stage.begin();
      await stage.comeBack();
      await stage.isAnswering();
      stage.end();
      await stage.isWhole();
      expect(await stage.record()).toEqual(wholeTurn);
    },
  );

  test("an answer comes in behind a `Suspense` that hides it", async () => {
    await stage.play("suspense");
    await stage.ask();
    await stage.isAnswering();
    await stage.leave({ isHidden: true });
    stage.end();
    expect(await stage.record()).toEqual(wholeTurn);
    await stage.comeBack();
    await stage.isWhole();
  });

  test("whoever resumes a resumed turn stops nothing", async () => {
    await stage.play();
    await stage.ask();
    await stage.isAnswering();
    await stage.leave({ isOpen: false });
    await stage.comeBack();
    await stage.isAnswering();
    await stage.click("Resume");
    await stage.isAnswering();
    stage.end();
    await stage.isWhole();
    expect(await stage.record()).toEqual(wholeTurn);
  });

  const clicks = [
    "Stop",
    "Stop, and render",
    "Render, and stop",
    "Render at once, and stop",
    "Render, and stop before any effect",
  ];

  test.each(clicks)("a person stops the turn, once: %s", async (click) => {
    await stage.play();
    await stage.ask();
    await stage.isAnswering();
    await stage.click(click);
    expect(await stage.record()).toEqual(stoppedTurn);
    await stage.isStored({ isStreaming: false });
  });

  test.each(ways)(
    "a person stops the turn, once, after the chat's component $name and comes back",
    async (way) => {
      await stage.play(way.kind);
      await stage.ask();
      await stage.isAnswering();
      await stage.leave(way.away, way.inTransition);
      await stage.comeBack();
      await stage.isAnswering();
      await stage.click("Stop");
      expect(await stage.record()).toEqual(stoppedTurn);
      await stage.isStored({ isStreaming: false });
    },
  );

  // What nobody can tell apart.

  test.each(["house", "no house"] as const)(
    "leaving is stopping where the transport is not in the chat's component: %s",
    async (kind) => {
      await stage.play(kind);
      await stage.ask();
      await stage.isAnswering();
      await stage.leave({ isOpen: false });
      expect(await stage.record()).toEqual(stoppedTurn);
    },
  );

  test("leaving stops nothing with `stopOnAbort: false`", async () => {
    await stage.play("careful house");
    await stage.ask();
    await stage.isAnswering();
    await stage.leave({ isOpen: false });
    await stage.comeBack();
    await stage.isAnswering();
    await stage.leave({ isOpen: false });
    stage.end();
    await stage.comeBack();
    await stage.isWhole();
    expect(await stage.record()).toEqual(wholeTurn);
  });
});
