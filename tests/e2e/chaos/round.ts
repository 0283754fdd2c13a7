// One round: a message in one chat or several, what happens meanwhile, and what has come of it.
import type { UIMessage } from "ai";
import type { Chat, Shown } from "./chat-page";
import {
  type Comparison,
  compare,
  compareBeginning,
  isExact,
  nothingCompared,
  sum,
  unmerged,
} from "./comparison";
import type { Dice } from "./dice";
import type { Disturbance } from "./faults";
import type { Lane } from "./lane";
import { messageOf } from "./records";

export interface Outcome {
  turns: number;
  comparison: Comparison;
  /** What is wrong, in a line each; none: every answer is exact. */
  flaws: string[];
}

/** Takes one turn in some of the lane's chats; the disturbances meet one of them, or all. */
export async function play(lane: Lane, dice: Dice, disturbances: Disturbance[]): Promise<Outcome> {
  const { page, service } = lane;
  page.requests.length = 0;
  const chats = dice.some(page.chats, dice.between(1, 3));
  const fits = (chat: Chat) => disturbances.every(({ agent }) => !agent || chat.agent === agent);
  const victim = dice.one(chats.some(fits) ? chats.filter(fits) : page.chats.filter(fits));
  const turns = [...new Set([victim, ...chats])].map((chat) => ({ chat, ...question(chat, dice) }));

  await service.order(
    victim,
    disturbances.flatMap(({ order }) => order?.(dice) ?? []),
  );
  for (const { chat, text, metadata } of turns) await page.send(chat, text, metadata);
  await Promise.all(turns.map(({ chat }) => page.isAcknowledged(chat)));
  for (const { act } of disturbances) await act?.(lane, dice, victim);
  await Promise.all(turns.map(({ chat }) => page.isOver(chat)));
  await service.calm();

  const outcome: Outcome = { turns: turns.length, comparison: nothingCompared, flaws: [] };
  for (const { chat, text } of turns) await judge(lane, chat, text, outcome);
  outcome.flaws.push(...(await page.findings()));
  return outcome;
}

/** What is asked, and how fast the answer is to come; now and then all at once. */
function question(chat: Chat, dice: Dice): { text: string; metadata: Record<string, number> } {
  const paceMs = dice.chance(0.15) ? 0 : dice.between(3, 25);
  switch (chat.agent) {
    case "story":
      return { text: "A story, please.", metadata: { words: dice.between(70, 200), paceMs } };
    case "reasoning":
      return { text: dice.times(3, 12, () => dice.one(words)).join(" "), metadata: { paceMs } };
    case "echo": {
      const long = dice.one(["🎉", "🌊", "🧭"]).repeat(dice.between(1_000, 2_500));
      const numbered = dice.times(40, 90, () => dice.one(words)).map((word, n) => `${word}${n}`);
      return { text: [long, ...numbered].join(dice.one([" ", "\n"])), metadata: { paceMs } };
    }
  }
}

const words = ["lamp", "Île", "花", "日本語", "“quoted”", "\\n", "</script>", "🎉", "ё", "x\u2028"];

/** Holds what the page shows, and what came to it, against what the agent wrote. */
async function judge(lane: Lane, chat: Chat, text: string, outcome: Outcome): Promise<void> {
  const { isStopped } = chat;
  const blame = (flaw: string) => outcome.flaws.push(`${chat.id}: ${flaw}`);
  const written = await lane.service.written(chat);
  const view = await lane.page.view(chat);
  if (view.error !== undefined) blame(`the chat failed: ${view.error}`);
  if (view.connection !== "idle") blame(`the connection is ${view.connection}`);

  const asWritten = messageOf(written);
  const said = asWritten.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  if (chat.agent === "echo" && !isStopped && said !== text) blame("the agent did not say it all");

  // Each stream is a beginning of the turn, and the last that was closed is all of it: one that was
  // left by a reload has seen less.
  const recordings = view.recordings.slice(chat.earlier);
  const spelled = (chunks: string[]) => (chat.coalesces ? unmerged(chunks) : chunks);
  const whole = recordings.filter(({ end }) => end === "closed").at(-1);
  if (!whole) blame("no stream came to its end");
  for (const recording of recordings) {
    const isWhole = recording === whole && !isStopped;
    const hold = isWhole ? compare : compareBeginning;
    const held = hold(spelled(written), spelled(recording.chunks));
    outcome.comparison = sum(outcome.comparison, held);
    if (!isExact(held)) blame(`the stream of a ${recording.call} is not exact: ${told(held)}`);
    if (recording.end?.startsWith("failed")) blame(`a stream ${recording.end}`);
  }

  const shown = view.messages.map(shownOf);
  const question: Shown = {
    id: shown[chat.shown.length]?.id,
    role: "user",
    parts: [{ type: "text", text }],
  };
  const came = isStopped ? (whole?.chunks ?? []) : written;
  const hasAnswer = came.some((chunk) => JSON.parse(chunk).type !== "start");
  const { id, parts } = messageOf(came);
  const answer: Shown = { id, role: "assistant", parts };
  const expected = [...chat.shown, question, ...(hasAnswer ? [answer] : [])];
  const typed = expected.filter(({ role }) => role === "user").map(({ parts }) => parts[0]?.text);
  const arrived = await lane.service.arrived(chat);
  if (JSON.stringify(arrived) !== JSON.stringify(typed)) {
    blame(`${typed.length} messages were typed, and ${arrived.length} arrived, or others`);
  }
  const difference = firstDifference(expected, shown);
  if (difference) blame(difference);
  const ids = new Set(shown.map(({ id }) => id));
  if (ids.size !== shown.length) blame("two messages have one id");
  chat.shown = shown;
}

function shownOf({ id, role, parts }: UIMessage): Shown {
  const compared = parts.map((part) => ({
    type: part.type,
    text: part.type === "text" || part.type === "reasoning" ? part.text : "",
  }));
  return { id, role, parts: compared };
}

function firstDifference(expected: Shown[], shown: Shown[]): string | undefined {
  for (let at = 0; at < Math.max(expected.length, shown.length); at += 1) {
    const [should = "absent", is = "absent"] = [expected[at], shown[at]].map((message) =>
      JSON.stringify(message),
    );
    if (should === is) continue;
    let same = 0;
    while (should[same] === is[same]) same += 1;
    const from = Math.max(0, same - 40);
    const around = (text: string) => `…${text.slice(from, from + 120)}…`;
    return `message ${at} should be ${around(should)} and is ${around(is)}`;
  }
  return undefined;
}

function told({ compared, lost, doubled, foreign, reordered }: Comparison): string {
  return `of ${compared} chunks ${lost} lost, ${doubled} doubled, ${foreign} foreign, ${reordered} out of order`;
}
