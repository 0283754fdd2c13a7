// A chat in several real tabs, whose client is this package's.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { BUILD_TIMEOUT_MS } from "../support/server";
import * as scenarios from "./scenarios";
import { Stage } from "./stage";

const ROUNDS = 10;

vi.setConfig({ testTimeout: BUILD_TIMEOUT_MS, hookTimeout: BUILD_TIMEOUT_MS });

describe.each(["Chromium", "Firefox"] as const)("in %s", (browser) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open(browser);
  });
  afterAll(() => stage?.close());

  test("of three tabs that send at the same moment one gets through", async () => {
    const result = await stage.scene((scene) => scenarios.race(scene, { client: "ours" }, ROUNDS));
    console.log(browser, result);
  });
  test("no locks: of three tabs that send at the same moment one gets through", async () => {
    const result = await stage.scene((scene) => scenarios.race(scene, { client: "ours", hasLocks: false }, ROUNDS));
    console.log(browser, result);
  });
  test.each(["openedMidTurn", "crash", "frozen", "frozenAndOvertaken", "leftAndBack", "besideTheOther"] as const)("%s", async (name) => {
    console.log(browser, name, await stage.scene((scene) => scenarios[name](scene, "ours")));
  });
  test("other way", async () => {
    await stage.scene((scene) => scenarios.besideTheOther(scene, "published"));
  });
  test("traffic", async () => {
    console.log(await stage.scene((scene) => scenarios.traffic(scene, "ours", 25, 40)));
    console.log(await stage.scene((scene) => scenarios.traffic(scene, "ours", 50, 40)));
  });
});
