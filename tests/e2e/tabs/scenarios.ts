// What happens to people who have a chat open in several tabs, for either client. Nothing is judged here:
// each gives what came of it, which is what the table shows of both clients.
import type { ClientName, View } from "./page/contract";
import type { Kind, Scene, Tab } from "./stage";

/** How long before the moment of a race its tabs are told. */
const NOTICE_MS = 150;

/** Without locks one tab wins while messages take less than 100 ms from tab to tab; well below that. */
const QUICK_PING_MS = 50;

/** How long after the end of a turn its last messages may take to the published client's other tabs. */
const LAST_MESSAGES_MS = 300;

// Several tabs send at the same moment

export interface Race {
  rounds: number;
  /** In how many rounds one tab got through; more than one; and more, while messages were slow. */
  one: number;
  several: number;
  severalWhileSlow: number;
  /** In how many rounds the tabs that did not were read-only while the answer came. */
  readOnly: number;
  /** In how many rounds all tabs showed the same when it was over. */
  same: number;
  /** What those were told that did not get through. */
  refusals: string[];
  messagesAtService: number;
}

export async function race(scene: Scene, kind: Kind, rounds: number): Promise<Race> {
  const tabs = await scene.openAll(3, { ...kind, isRacing: true });
  const counts = { one: 0, several: 0, severalWhileSlow: 0, readOnly: 0, same: 0 };
  const refusals = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    const at = Date.now() + NOTICE_MS;
    await Promise.all(tabs.map((tab, index) => tab.send(`${round} of tab ${index}`, at)));
    const outcomes = await Promise.all(tabs.map((tab) => outcomeOf(tab, round)));
    const refused = tabs.filter((_, index) => outcomes[index] !== "sent");
    const readOnly = await Promise.all(refused.map((tab) => tab.comesTo(isReadOnly)));
    for (const _ of outcomes.filter((outcome) => outcome === "sent")) {
      const answer = await scene.answer();
      answer.say(`An answer to ${round}.`);
      answer.end();
    }
    const views = await Promise.all(tabs.map((tab) => tab.until("it is free", isFree)));
    const messages = views[outcomes.indexOf("sent")]?.messages ?? [];
    const same = await Promise.all(
      tabs.map((tab) => tab.comesTo(shows(...messages), LAST_MESSAGES_MS)),
    );
    const isSlow = views.some(({ slowestPing }) => slowestPing > QUICK_PING_MS);
    if (tabs.length - refused.length === 1) counts.one += 1;
    else if (isSlow) counts.severalWhileSlow += 1;
    else counts.several += 1;
    if (readOnly.every(Boolean)) counts.readOnly += 1;
    if (same.every(Boolean)) counts.same += 1;
    for (const outcome of outcomes) if (outcome !== "sent") refusals.add(outcome);
  }
  const messagesAtService = await scene.messagesAtService();
  return { rounds, ...counts, refusals: [...refusals], messagesAtService };
}

// A tab is opened while an answer comes

export async function openedMidTurn(scene: Scene, client: ClientName) {
  const owner = await scene.open({ client });
  const answer = await ask(scene, owner);
  const late = await scene.open({ client });
  const isReadOnlyThen = await late.comesTo(isReadOnly);
  const showsItSoFar = await late.comesTo(shows("user: Count!", "assistant: One, "));
  answer.say("two.");
  answer.end();
  const showsItAll = await late.comesTo(shows("user: Count!", "assistant: One, two."));
  return { isReadOnly: isReadOnlyThen, showsItSoFar, showsItAll };
}

// The tab that owns the chat crashes

export async function crash(scene: Scene, client: ClientName) {
  const [owner, heir] = await openTwo(scene, client);
  const other = await scene.open({ client });
  const answer = await ask(scene, owner);
  for (const tab of [heir, other]) await follows(tab);
  const at = Date.now();
  await owner.crash();
  const freeAfterMs = await freedAfter(at, [heir, other]);
  await heir.resume();
  const isTakenOver = await other.comesTo(isReadOnly);
  answer.say("two.");
  answer.end();
  const isWhole = await allShow([heir, other], "One, two.");
  return { freeAfterMs, isTakenOver, isWhole };
}

// The tab that owns the chat is frozen, and wakes

export async function frozen(scene: Scene, client: ClientName) {
  const [owner, other] = await openTwo(scene, client);
  const answer = await ask(scene, owner);
  await follows(other);
  const at = Date.now();
  await owner.freeze();
  const freeAfterMs = await freedAfter(at, [other]);
  answer.say("two, ");
  await owner.wake();
  const isReadOnlyAgain = await other.comesTo(isReadOnly);
  answer.say("three.");
  answer.end();
  const isWhole = await allShow([owner, other], "One, two, three.");
  return { freeAfterMs, isReadOnlyAgain, isWhole };
}

/** The same; meanwhile another one takes the turn over. */
export async function frozenAndOvertaken(scene: Scene, client: ClientName) {
  const [owner, heir] = await openTwo(scene, client);
  const answer = await ask(scene, owner);
  await follows(heir);
  const at = Date.now();
  await owner.freeze();
  const freeAfterMs = await freedAfter(at, [heir]);
  await heir.resume();
  const isTakenOver = await heir.comesTo(({ hasClaim }) => hasClaim);
  answer.say("two, ");
  await owner.wake();
  const isReader = await owner.comesTo((view) => view.isReadOnly && !view.hasClaim);
  answer.say("three.");
  answer.end();
  const isWhole = await allShow([owner, heir], "One, two, three.");
  return { freeAfterMs, isTakenOver, isReader, isWhole };
}

// The page that owns the chat is left for another one, and comes back

export async function leftAndBack(scene: Scene, client: ClientName) {
  const [owner, other] = await openTwo(scene, client);
  const answer = await ask(scene, owner);
  await follows(other);
  const at = Date.now();
  await owner.page.goto(scene.elsewhere);
  const freeAfterMs = await freedAfter(at, [other]);
  answer.say("two, ");
  await owner.goBack();
  const { isFromCache } = await owner.view();
  answer.say("three.");
  answer.end();
  const isWhole = await allShow([owner, other], "One, two, three.");
  return { freeAfterMs, isFromCache: isFromCache.at(-1) === true, isWhole };
}

// The two clients in two tabs

export async function besideTheOther(scene: Scene, client: ClientName) {
  const owner = await scene.open({ client });
  const other = await scene.open({ client: client === "ours" ? "published" : "ours" });
  const answer = await ask(scene, owner);
  const isReadOnlyThen = await other.comesTo(isReadOnly);
  await other.send("Me too!");
  const refusal = await outcomeOf(other, 0);
  answer.say("two.");
  answer.end();
  for (const tab of [owner, other]) await tab.until("it is free", isFree);
  const whole = shows("user: Count!", "assistant: One, two.");
  // An owner of the published client may have let go before its last words were posted.
  if (client === "ours") await other.until("it shows it all", whole);
  const showsItAll = whole(await other.view());
  await other.send("Go on!");
  await outcomeOf(other, 1);
  const next = await scene.answer();
  next.say("Three.");
  next.end();
  await other.until("it is free", isFree);
  const goesOn = await other.comesTo(
    ({ messages }) => messages.at(-1) === "assistant: Three.",
    LAST_MESSAGES_MS,
  );
  const messagesAtService = await scene.messagesAtService();
  return { isReadOnly: isReadOnlyThen, refusal, showsItAll, goesOn, messagesAtService };
}

// What it costs

export interface Traffic {
  answerBytes: number;
  channelBytes: number;
  /** Those in which all messages were told, not what had changed. */
  wholeBytes: number;
  /** Both tabs have the whole answer. */
  isWhole: boolean;
}

/** What goes over the channel for an answer of so many words, one every so often. */
export async function traffic(
  scene: Scene,
  client: ClientName,
  { words, everyMs }: { words: number; everyMs: number },
): Promise<Traffic> {
  const [owner, other] = await openTwo(scene, client);
  const count = await scene.openCounter();
  await owner.send("Tell me all!");
  const answer = await scene.answer();
  let text = "";
  for (let word = 0; word < words; word += 1) {
    const more = `word${word % 10} `;
    answer.say(more);
    text += more;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  answer.end();
  const tabs = [owner, other];
  for (const tab of tabs) await tab.until("it is free", isFree);
  const shown = tabs.map((tab) =>
    tab.comesTo(({ messages }) => messages[1] === `assistant: ${text}`, LAST_MESSAGES_MS),
  );
  const isWhole = (await Promise.all(shown)).every(Boolean);
  const bytes = await count();
  return {
    answerBytes: text.length,
    channelBytes: Object.values(bytes).reduce((sum, some) => sum + some, 0),
    wholeBytes: bytes.messages ?? 0,
    isWhole,
  };
}

// Steps

async function openTwo(scene: Scene, client: ClientName): Promise<[Tab, Tab]> {
  return [await scene.open({ client }), await scene.open({ client })];
}

/** Asks for an answer, and waits until it has begun. */
async function ask(scene: Scene, owner: Tab) {
  await owner.send("Count!");
  const answer = await scene.answer();
  answer.say("One, ");
  await owner.until("it shows the answer", shows("user: Count!", "assistant: One, "));
  return answer;
}

/** Waits until the tab is read-only, and for it to show what the owner does. */
async function follows(tab: Tab): Promise<void> {
  await tab.until("it is read-only", isReadOnly);
  await tab.comesTo(shows("user: Count!", "assistant: One, "));
}

async function allShow(tabs: Tab[], answer: string): Promise<boolean> {
  const shown = tabs.map((tab) => tab.comesTo(shows("user: Count!", `assistant: ${answer}`)));
  return (await Promise.all(shown)).every(Boolean);
}

/** What came of the message that the tab has sent, by its number. */
async function outcomeOf(tab: Tab, index: number): Promise<string> {
  const { outcomes } = await tab.until("an outcome", (view) => view.outcomes.length > index);
  return outcomes[index] ?? "";
}

/** How long after `at` the last of the tabs was free; `undefined` where one is not. */
async function freedAfter(at: number, tabs: Tab[]): Promise<number | undefined> {
  const times: number[] = [];
  for (const tab of tabs) {
    if (!(await tab.comesTo((view) => !view.isReadOnly))) return undefined;
    times.push((await tab.view()).changes.at(-1)?.at ?? 0);
  }
  return Math.max(...times) - at;
}

const isReadOnly = (view: View) => view.isReadOnly;

const isFree = ({ isReadOnly, hasClaim, status }: View) =>
  !isReadOnly && !hasClaim && (status === "ready" || status === "error");

const shows =
  (...messages: string[]) =>
  (view: View) =>
    JSON.stringify(view.messages) === JSON.stringify(messages);
