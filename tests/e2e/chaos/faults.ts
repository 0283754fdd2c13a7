// What can happen to a turn. A new fault is a new entry: what the server is asked to do before the
// messages leave, what happens once they are acknowledged, or both.
import { setTimeout as wait } from "node:timers/promises";
import type { Fault } from "../support/server";
import type { Chat } from "./chat-page";
import type { Dice } from "./dice";
import type { Lane } from "./lane";
import type { Service } from "./service";

/** One way to disturb a turn. */
export interface Disturbance {
  name: string;
  /** The agent whose chat it needs. */
  agent?: Chat["agent"];
  /** What the server is to do to this chat. */
  order?(dice: Dice): Fault[];
  /** What happens to the whole page while this chat, and perhaps others, are answered. */
  act?(lane: Lane, dice: Dice, chat: Chat): Promise<void>;
  /** It takes a minute and more: not by chance. */
  isLong?: true;
  /** The browser is offline in it. */
  isOffline?: true;
}

/** The most bytes of a body before a fault: more than the least answer has, less than most have. */
const FAR = 12_000;

const on = "subscribe" as const;
const append = "append" as const;

/** Somewhere in a body, often at its beginning. */
const somewhere = (dice: Dice) => dice.between(0, dice.chance(0.3) ? 600 : FAR);

const answers = {
  "a page": { status: 200, headers: { "Content-Type": "text/html" }, body: "<h1>Sign in</h1>" },
  "the wrong type": { status: 200, headers: { "Content-Type": "application/json" }, body: "{}" },
  "408": { status: 408 },
  "425": { status: 425 },
  "429": { status: 429, headers: { "Retry-After": "1" } },
  "500": { status: 500 },
  "502": { status: 502 },
  "503": { status: 503, headers: { "Retry-After": "1" } },
};

/** What the service, or a proxy before it, can answer to a subscribe in place of the stream. */
const answered = Object.entries(answers).map(
  ([name, answer]): Disturbance => ({
    name: `answers ${name}`,
    // In the place of the first answer, or of the one after a cut.
    order: (dice) => [
      ...(dice.chance(0.5) ? [{ on, cutAfterBytes: somewhere(dice) }] : []),
      { on, ...answer, times: dice.between(1, 2) },
    ],
  }),
);

/** What can become of a message on its way, or of the question whether it has landed. */
export const sent: Disturbance[] = [
  {
    name: "refuses the message",
    order: (dice) => [{ on: append, refuse: true, times: dice.between(1, 3) }],
  },
  {
    name: "has the message, and loses its answer",
    order: (dice) => [{ on: append, loseAnswer: true, times: dice.between(1, 3) }],
  },
  {
    name: "has the message, loses its answer, and keeps no records",
    order: () => [
      { on: append, loseAnswer: true },
      { on: "records", status: 404 },
    ],
  },
  {
    name: "has the message, loses its answer, and fails when asked",
    order: (dice) => [
      { on: append, loseAnswer: true },
      { on: "records", status: dice.one([429, 500, 503]), times: dice.between(1, 3) },
    ],
  },
  {
    name: "delays the message",
    order: (dice) => [{ on: append, delayMs: dice.between(20, 1_500) }],
  },
  ...["a page", "408", "425", "429", "500", "502", "503"].map(
    (name): Disturbance => ({
      name: `answers the message ${name}`,
      order: (dice) => [
        { on: append, ...answers[name as keyof typeof answers], times: dice.between(1, 3) },
      ],
    }),
  ),
];

/** Waits until the agent has written all, of which the page will not see more than it has. */
async function isStalled(service: Service, chat: Chat): Promise<void> {
  await service.hasMet(chat);
  await service.written(chat);
}

export const disturbances: Disturbance[] = [
  { name: "none" },
  { name: "refuses", order: (dice) => [{ on, refuse: true, times: dice.between(1, 4) }] },
  {
    name: "refuses, until `retryNow`",
    order: (dice) => [{ on, refuse: true, times: dice.between(3, 6) }],
    async act({ page }, dice, chat) {
      for (let left = dice.between(2, 5); left > 0; left -= 1) await page.retryNow(chat);
    },
  },
  { name: "delays", order: (dice) => [{ on, delayMs: dice.between(20, 1_500) }] },
  {
    name: "cuts",
    order: (dice) => dice.times(1, 4, () => ({ on, cutAfterBytes: somewhere(dice) })),
  },
  {
    // The answer begins with a long word of letters that have four bytes each. Of four cuts in a row
    // inside it, each one byte further, at most one falls between two of them.
    name: "cuts a letter",
    agent: "echo",
    order: () => [2_000, 2_001, 2_002, 2_003].map((cutAfterBytes) => ({ on, cutAfterBytes })),
  },
  {
    name: "ends the body",
    order: (dice) => dice.times(1, 3, () => ({ on, endAfterBytes: somewhere(dice) })),
  },
  {
    name: "says `error`",
    order: (dice) => dice.times(1, 3, () => ({ on, errorAfterBytes: somewhere(dice) })),
  },
  {
    name: "repeats records",
    order: (dice) => [
      ...dice.times(0, 2, () => ({ on, cutAfterBytes: dice.between(0, FAR / 2) })),
      { on, rewind: dice.between(1, 40) },
    ],
  },
  {
    name: "writes twice",
    order: (dice) => [
      { on: "write", repeat: true, skip: dice.between(0, 20), times: dice.between(1, 30) },
      ...(dice.chance(0.5) ? [{ on, cutAfterBytes: somewhere(dice) }] : []),
    ],
  },
  ...answered,
  ...sent,
  {
    name: "stalls, then `online`",
    order: (dice) => [{ on, stallAfterBytes: dice.between(0, FAR) }],
    async act({ page, service }, _, chat) {
      await isStalled(service, chat);
      await page.tellOnline();
    },
  },
  {
    name: "stalls, then offline and back",
    isOffline: true,
    order: (dice) => [{ on, stallAfterBytes: dice.between(0, FAR) }],
    async act({ page, service }, dice, chat) {
      await isStalled(service, chat);
      await page.goOffline(() => wait(dice.between(0, 1_000)));
    },
  },
  {
    name: "stalls until the silence is too long",
    order: (dice) => [{ on, stallAfterBytes: dice.between(0, FAR) }],
    isLong: true,
  },
  {
    name: "stalls with pings, then a stop",
    order: (dice) => [{ on, stallAfterBytes: dice.between(0, FAR), pings: true }],
    async act({ page, service }, _, chat) {
      await service.hasMet(chat);
      await page.stop(chat);
    },
  },
  {
    name: "a stop",
    async act({ page }, dice, chat) {
      await page.isAnswering(chat, dice.between(1, 30));
      await page.stop(chat);
    },
  },
  {
    name: "a restart",
    async act({ page, service }, dice, chat) {
      await page.isAnswering(chat, dice.between(1, 30));
      await service.restart();
    },
  },
  {
    name: "a crash",
    async act({ page, service }, dice, chat) {
      await page.isAnswering(chat, dice.between(0, 30));
      await service.crash(dice.between(0, 1_500));
    },
  },
  {
    name: "a freeze",
    async act({ page, service }, dice, chat) {
      await page.isAnswering(chat, dice.between(0, 30));
      await service.freeze(dice.between(100, 2_500));
    },
  },
  {
    name: "offline and back",
    isOffline: true,
    async act({ page }, dice, chat) {
      await page.isAnswering(chat, dice.between(0, 30));
      await page.goOffline(() => wait(dice.between(0, 2_000)));
    },
  },
  {
    name: "offline, all connections lost, and back",
    isOffline: true,
    async act({ page, service }, dice, chat) {
      await page.isAnswering(chat, dice.between(0, 30));
      await page.goOffline(async () => {
        await service.restart();
        await wait(dice.between(0, 2_000));
      });
    },
  },
  {
    name: "a reload",
    async act({ page }, dice, chat) {
      for (let left = dice.between(1, 2); left > 0; left -= 1) {
        await page.isAnswering(chat, dice.between(0, 30));
        await page.reload();
      }
    },
  },
  {
    name: "expired tokens",
    // Who is connected stays so, and comes again with the token that it had.
    order: (dice) => [{ on, stallAfterBytes: dice.between(0, FAR) }],
    async act({ service }, _, chat) {
      await service.hasMet(chat);
      await service.expireTokens();
      await service.restart();
    },
  },
];
