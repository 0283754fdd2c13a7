// A chat in several real tabs. `npm test` plays with this package's client, and briefly; `make tabs
// ROUNDS=200` for longer, and with the published one as well: what comes of that is only told.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { BUILD_TIMEOUT_MS } from "../support/server";
import type { ClientName } from "./page/contract";
import { Report } from "./report";
import * as scenarios from "./scenarios";
import { type Scene, Stage } from "./stage";

const { ROUNDS } = process.env;
const rounds = Number(ROUNDS ?? 10);
const clients: ClientName[] = ROUNDS ? ["ours", "published"] : ["ours"];
/** Tokens of an answer, as a quick model writes them. */
const scale = { words: ROUNDS ? 10_000 : 400, everyMs: 5 };

const DENIED = "This chat is active in another tab";
const HOURS_MS = 3_600_000;

vi.setConfig({
  testTimeout: ROUNDS ? HOURS_MS : BUILD_TIMEOUT_MS,
  hookTimeout: BUILD_TIMEOUT_MS,
});

const report = new Report();
afterAll(() => {
  if (ROUNDS) console.log(report.table());
});

describe.each(["Chromium", "Firefox"] as const)("in %s, a chat in many tabs", (browser) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open(browser);
  });
  afterAll(() => stage?.close());

  async function play<Result extends object>(
    name: string,
    client: ClientName,
    scenario: (scene: Scene) => Promise<Result>,
  ): Promise<Result> {
    const result = await stage.scene(scenario);
    report.add(`${browser}, ${name}`, client, result);
    return result;
  }

  describe.each(clients)("of %s", (client) => {
    /** Only this package has to keep what it promises. */
    const isPromised = client === "ours";

    test("is sent to by one of three that send at the same moment", async () => {
      const result = await play("at once", client, (scene) =>
        scenarios.race(scene, { client }, rounds),
      );
      if (!isPromised) return;
      expect(result).toEqual({
        ...{ rounds, one: rounds, several: 0, severalWhileSlow: 0 },
        ...{ readOnly: rounds, same: rounds, refusals: [DENIED], messagesAtService: rounds },
      });
    });

    test("is sent to by one of them without locks too, as a rule", async () => {
      const result = await play("at once, without locks", client, (scene) =>
        scenarios.race(scene, { client, hasLocks: false }, rounds),
      );
      if (!isPromised) return;
      // What is promised hangs on how quick messages are, and is told by `make tabs` alone. On a busy
      // machine two may get through; never none, and whoever does not is told so.
      expect(result.one + result.several + result.severalWhileSlow).toBe(rounds);
      expect(result.messagesAtService).toBeGreaterThanOrEqual(rounds);
      expect([[], [DENIED]]).toContainEqual(result.refusals);
    });

    test("is read-only in one that is opened in the middle of a turn", async () => {
      const result = await play("opened mid-turn", client, (scene) =>
        scenarios.openedMidTurn(scene, client),
      );
      if (!isPromised) return;
      expect(result).toEqual({ isReadOnly: true, showsItSoFar: true, showsItAll: true });
    });

    test("is told to one of the other client", async () => {
      const result = await play("the owner, beside the other client", client, (scene) =>
        scenarios.besideTheOther(scene, client),
      );
      expect(result).toMatchObject({ isReadOnly: true, refusal: DENIED, messagesAtService: 2 });
      // In the first case this package tells, in the second it is told.
      expect(isPromised ? result.showsItAll : result.goesOn).toBe(true);
    });

    // What only Chromium can be told to do to a tab.
    if (browser === "Firefox") return;

    test("is free when its owner crashes, and its turn can be taken over", async () => {
      const result = await play("the owner crashes", client, (scene) =>
        scenarios.crash(scene, client),
      );
      if (!isPromised) return;
      const freeAfterMs = expect.any(Number);
      expect(result).toEqual({ freeAfterMs, isTakenOver: true, isWhole: true });
    });

    test("is free while its owner is frozen, whose stream goes on when it wakes", async () => {
      const result = await play("the owner is frozen", client, (scene) =>
        scenarios.frozen(scene, client),
      );
      if (!isPromised) return;
      const freeAfterMs = expect.any(Number);
      expect(result).toEqual({ freeAfterMs, isReadOnlyAgain: true, isWhole: true });
    });

    test("is read to the end by an owner that wakes when another one has taken over", async () => {
      const result = await play("the owner is frozen and overtaken", client, (scene) =>
        scenarios.frozenAndOvertaken(scene, client),
      );
      if (!isPromised) return;
      const freeAfterMs = expect.any(Number);
      expect(result).toEqual({ freeAfterMs, isTakenOver: true, isReader: true, isWhole: true });
    });

    test("goes on in a page that comes out of the back/forward cache", async () => {
      const result = await play("the owner is left, and back", client, (scene) =>
        scenarios.leftAndBack(scene, client),
      );
      if (!isPromised) return;
      const freeAfterMs = expect.any(Number);
      expect(result).toEqual({ freeAfterMs, isFromCache: true, isWhole: true });
    });

    test("costs in messages between tabs what its answer is long, and not the square", async () => {
      const once = await play("traffic", client, (scene) =>
        scenarios.traffic(scene, client, scale),
      );
      const twice = await play("traffic, twice as long", client, (scene) =>
        scenarios.traffic(scene, client, { ...scale, words: 2 * scale.words }),
      );
      if (!isPromised) return;
      expect([once, twice].map(({ isWhole }) => isWhole)).toEqual([true, true]);
      // Four times would be the square.
      expect(twice.channelBytes).toBeLessThan(3 * once.channelBytes);
      // No tab here has to be told all of it.
      expect(once.wholeBytes).toBeLessThan(once.answerBytes);
    });
  });

  if (!ROUNDS) {
    test("is told by one of the published client", async () => {
      const result = await play("the owner, beside the other client", "published", (scene) =>
        scenarios.besideTheOther(scene, "published"),
      );
      expect(result).toMatchObject({ isReadOnly: true, refusal: DENIED, messagesAtService: 2 });
      expect(result.goesOn).toBe(true);
    });
  }
});
