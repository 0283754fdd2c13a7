// Where our client differs from the published one on purpose: how the journal of the published one
// has to be rewritten to become ours. docs/differences.md says the same in words, by the same ids.
import type { scenarios } from "./parity-scenarios";
import { type Entry, type Journal, UNDEFINED } from "./support/recorder";

/** One difference, as it shows in one scenario. */
export interface Difference {
  id: string;
  /** Makes the published client's journal ours. */
  published?: (journal: Journal) => void;
  /** For what is not compared at all: replaces it in ours as well. */
  ours?: (journal: Journal) => void;
}

type Members = Record<string, unknown>;

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Calls `visit` with every object in a value, the inner ones first. */
function walk(value: unknown, visit: (object: Members) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  if (!isMembers(value)) return;
  for (const member of Object.values(value)) walk(member, visit);
  visit(value);
}

/** The position of the nth entry whose members are these, or begin with them. */
function find(journal: Journal, wanted: Members, nth = 1): number {
  let found = 0;
  const isWanted = (entry: unknown, part: unknown): boolean =>
    isMembers(part) && isMembers(entry)
      ? Object.entries(part).every(([key, value]) => isWanted(entry[key], value))
      : typeof part === "string" && typeof entry === "string"
        ? entry.startsWith(part)
        : entry === part;
  const at = journal.timeline.findIndex((entry) => isWanted(entry, wanted) && ++found === nth);
  if (at < 0) throw new Error(`the timeline has no ${nth}. ${JSON.stringify(wanted)}`);
  return at;
}

function entry(journal: Journal, wanted: Members, nth?: number): Members {
  return journal.timeline[find(journal, wanted, nth)] as Members;
}

function remove(journal: Journal, wanted: Members, nth?: number): Entry {
  return journal.timeline.splice(find(journal, wanted, nth), 1)[0] as Entry;
}

function insertAfter(journal: Journal, wanted: Members, nth: number, ...added: Entry[]): void {
  journal.timeline.splice(find(journal, wanted, nth) + 1, 0, ...added);
}

const STOP = { request: "POST", body: { kind: "stop" } };
const SEND = { request: "POST", body: { kind: "message" } };
const SUBSCRIBE = { request: "GET" };
const FAILED = { event: { type: "message-send-failed" } };

function stopSent(partId: string): Entry {
  const times = { timestamp: "(time)", durationMs: "(time)" };
  const event = { type: "message-sent", chatId: "chat", source: "stop", partId, bodyBytes: 15 };
  return { event: { ...event, ...times } };
}

function stopRequest(partId: string): Entry {
  return {
    request: "POST http://sessions.test/realtime/v1/sessions/chat/in/append",
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Authorization: "Bearer start-1",
      "x-trigger-source": "sdk",
      "X-Part-Id": partId,
    },
    body: { kind: "stop" },
    text: '{"kind":"stop"}',
    hasSignal: true,
    context: { endpoint: "in", chatId: "chat" },
  };
}

const ABORTED = {
  rejected: { error: "AbortError", message: "The chat request was aborted." },
};

/** An append that takes too long is given up, and sent again. */
const sendsHaveSignals: Difference = {
  id: "sends-have-signals",
  published: (journal) => {
    for (const entry of journal.timeline) {
      if (String(entry.request).startsWith("POST")) entry.hasSignal = true;
    }
  },
};

/** In every scenario but these, which tell nothing. */
const untold = new Set([
  "no base URL",
  "a stop in a closed session",
  "a reconnect of a chat that nobody knows",
  "a submit without a message",
  "a message that is added without a session",
]);

/** No message leaves in these. */
const unsent = new Set([
  "a message that is added without a session",
  ...["no base URL", "a submit without a message", "a send whose signal is aborted already"],
  ...["a stop in a closed session", "a state with `closed` that is set", "a state that is set"],
  ...["a reconnect of a chat that nobody knows", "a stream of a session that is not there"],
  ...["a token that has expired, at the stream", "a stream whose tokens stay bad"],
]);

const absentKeys: Difference = {
  id: "absent-keys",
  published: (journal) => {
    for (const entry of journal.timeline) {
      if (entry.event || entry.session) walk(entry, dropUndefined);
    }
    walk(journal.answers, dropUndefined);
  },
};

function dropUndefined(object: Members): void {
  for (const [key, value] of Object.entries(object)) {
    if (value === UNDEFINED) delete object[key];
  }
}

/**
 * A message and the request for its answer leave together: what the published client asks for when a
 * message has landed stands right behind that message. What ours has asked for when a message was
 * refused is not compared.
 */
const leaveTogether: Difference = { id: "leave-together", published: together, ours: together };

function together(journal: Journal): void {
  const isMessage = ({ body }: Entry) => isMembers(body) && body.kind === "message";
  const isAnswer = ({ request, baseURL }: Entry) =>
    String(request).startsWith("GET") || (isMembers(baseURL) && baseURL.endpoint === "out");
  const isLanded = ({ event }: Entry) =>
    isMembers(event) && event.type === "message-sent" && event.source !== "stop";
  const sends = journal.timeline.flatMap((entry, at) => (isMessage(entry) ? [at] : []));
  const until = (index: number) => sends[index + 1] ?? journal.timeline.length;
  const parts = sends.map((send, index) => journal.timeline.slice(send, until(index)));
  journal.timeline.splice(sends[0] ?? journal.timeline.length);
  // Of two requests whose tokens are refused, the one for the answer may be the first to go out again.
  let askedBefore: Entry[] = [];
  for (const [message, ...rest] of parts) {
    const hasLanded = rest.some(isLanded);
    const first = rest.findIndex(({ request }) => String(request).startsWith("GET"));
    const isMine = (entry: Entry, at: number) => isAnswer(entry) && (at <= first || !hasLanded);
    const mine = rest.filter(isMine);
    const asked = mine.length > 0 ? mine : askedBefore.slice(-1);
    const others = rest.filter((entry, at) => !isMine(entry, at));
    journal.timeline.push(message as Entry, ...(hasLanded ? asked : []), ...others);
    askedBefore = hasLanded ? [] : mine;
  }
}

const publishedTexts =
  /^(appendToSessionStream failed: \d{3} |\d{3} Could not subscribe to stream$|TriggerChatTransport: |TriggerChatTransport\.sendMessages: )/;
const ourTexts =
  /^((Sending to|Reading) the chat session failed \(\d{3}\): |`startSession` is required |There is no such chat session, |"submit-message" needs )/;

function withoutTexts(texts: RegExp): (journal: Journal) => void {
  return (journal) =>
    walk(journal, (object) => {
      if (typeof object.message === "string" && texts.test(object.message)) {
        object.message = "(text)";
      }
    });
}

const errorText: Difference = {
  id: "error-text",
  published: withoutTexts(publishedTexts),
  ours: withoutTexts(ourTexts),
};

const errorMembers: Difference = {
  id: "error-members",
  published: (journal) => walk(journal, (object) => delete object.rest),
};

/** The state that is told next to a lost or dropped turn has no number of an input any more. */
function withoutInputSeq(position: number): (journal: Journal) => void {
  return (journal) => {
    const told = journal.timeline.filter((entry) => isMembers(entry.session)).at(position);
    for (const session of [told?.session, journal.answers.session]) {
      if (isMembers(session)) delete session.activeInputSeq;
    }
  };
}

const failureEndsTurn: Difference = {
  id: "failure-ends-turn",
  published: withoutInputSeq(-1),
};

const lostSessionIsTold: Difference = {
  id: "lost-session-is-told",
  published: (journal) => insertAfter(journal, FAILED, 1, { chatId: "chat", session: null }),
};

const abortOrder: Difference = {
  id: "abort-order",
  published: (journal) => {
    const stop = remove(journal, STOP);
    insertAfter(journal, { session: { isStreaming: false } }, 2, stop);
  },
};

const abortIsTold: Difference = {
  id: "abort-is-told",
  published: (journal) => {
    const at = find(journal, { session: { isStreaming: false } }, 2);
    const after = Math.max(at, find(journal, STOP));
    journal.timeline.splice(after + 1, 0, stopSent("part-2"));
  },
};

const connectedAtHeaders = (lastEventId: string): Difference => ({
  id: "connected-at-headers",
  published: (journal) => {
    const requests = journal.timeline.filter(({ request }) => String(request).startsWith("GET"));
    const event = { type: "stream-connected", chatId: "chat", timestamp: "(time)" };
    insertAfter(journal, SUBSCRIBE, requests.length, {
      event: { ...event, resumed: true, lastEventId },
    });
  },
});

/** The late records of the stopped turn, in front of the next turn's. */
const gateSurvives: Difference = {
  id: "gate-survives-reload",
  published: (journal) => {
    journal.streams.next = journal.streams.next?.slice(2) ?? [];
    const told = entry(journal, { event: { type: "first-chunk" } }, 2);
    Object.assign(told.event as Members, { chunkType: "start", lastEventId: "6" });
  },
};

/** At the end of an earlier turn the start of this one is known better, and told. */
const startMoves = (told: string, activeInputSeq: number): Difference => ({
  id: "start-behind-earlier-turns",
  published: (journal) => {
    const session = { activeInputSeq, isStreaming: true, lastEventId: "5" };
    insertAfter(journal, { event: { type: told } }, 2, {
      session: { publicAccessToken: "start-1", ...session },
      chatId: "chat",
    });
  },
});

const readerGone: Difference = {
  id: "gone-reader-keeps-turn",
  published: (journal) => {
    remove(journal, { session: { isStreaming: false, lastEventId: "2" } });
    const session = journal.answers.session as Members;
    session.isStreaming = true;
    delete session.lastEventId;
  },
};

/** The text of each part, whatever pieces it came in. */
const mergedDeltas: Difference = { id: "merged-deltas", published: mergeDeltas, ours: mergeDeltas };

function mergeDeltas(journal: Journal): void {
  for (const [name, chunks] of Object.entries(journal.streams)) {
    const merged: unknown[] = [];
    for (const chunk of chunks) {
      const last = merged.at(-1);
      const isNext =
        isMembers(chunk) &&
        isMembers(last) &&
        chunk.type === "text-delta" &&
        last.type === "text-delta" &&
        chunk.id === last.id;
      if (isNext) last.delta = `${last.delta}${chunk.delta}`;
      else merged.push(chunk);
    }
    journal.streams[name] = merged;
  }
}

/** The published client has given up; ours has the answer. There is nothing to compare beyond that. */
const sendsAreRetried: Difference = {
  id: "sends-are-retried",
  published: (journal) => {
    if (!isMembers(journal.answers.turn)) throw new Error("the published client has not given up");
    forget(journal);
  },
  ours: (journal) => {
    const last = journal.streams.turn?.at(-1);
    if (!isMembers(last) || last.type !== "finish") throw new Error("ours has no whole answer");
    forget(journal);
  },
};

function forget(journal: Journal): void {
  journal.timeline = [];
  journal.streams = {};
  journal.answers = {};
}

const differences: Partial<Record<keyof typeof scenarios, Difference[]>> = {
  "no base URL": [sendsHaveSignals],
  "the app's own Accept and Authorization": [
    errorText,
    errorMembers,
    failureEndsTurn,
    {
      id: "own-headers-win",
      published: (journal) =>
        Object.assign(entry(journal, SUBSCRIBE).headers as Members, {
          Accept: "text/event-stream",
          Authorization: "Bearer start-1",
        }),
    },
  ],
  "headers of the app in another case": [
    errorText,
    {
      id: "own-headers-win",
      published: (journal) => {
        const headers = entry(journal, SEND).headers as Members;
        delete headers.authorization;
        delete headers["content-type"];
      },
    },
  ],
  "a window without a length": [errorText, errorMembers, failureEndsTurn],
  "a long answer": [mergedDeltas],
  "a session that cannot be started": [errorText],
  "tokens that stay bad": [errorText],
  "a stream whose tokens stay bad": [errorText, errorMembers],
  "a session that the service has lost in the middle of a turn": [
    { id: "recreated-is-new", published: withoutInputSeq(0) },
  ],
  "a lost session that cannot be recreated": [errorText, lostSessionIsTold],
  "a stream of a session that is not there": [errorText, errorMembers, failureEndsTurn],
  "a session that is closed between turns": [errorText],
  "a session that is closed without a reason": [errorText],
  "a stop in a closed session": [
    {
      id: "closed-stop-is-silent",
      published: (journal) => void remove(journal, { event: { type: "message-send-failed" } }),
    },
  ],
  "a state with `closed` that is set": [
    {
      id: "set-closed",
      published: (journal) => {
        const closed = { closed: true, closedReason: "done" };
        Object.assign(entry(journal, { session: {} }).session as Members, closed);
        Object.assign(journal.answers.session as Members, closed);
      },
    },
  ],
  "an answer that is aborted": [abortOrder, abortIsTold, startMoves("stream-connected", 2)],
  "an answer that is aborted, and a reload": [
    abortOrder,
    abortIsTold,
    gateSurvives,
    startMoves("stream-connected", 2),
  ],
  "a send that is aborted while it is on its way": [
    {
      id: "abort-before-answer",
      published: (journal) => {
        journal.answers.send = ABORTED;
        journal.streams = {};
        remove(journal, { session: { isStreaming: true } });
        journal.timeline.push(stopRequest("part-2"), stopSent("part-2"));
      },
    },
  ],
  "a send whose signal is aborted already": [
    {
      id: "abort-before-answer",
      published: (journal) => {
        journal.answers.send = ABORTED;
        journal.streams = {};
        journal.timeline.splice(find(journal, SEND));
      },
    },
  ],
  "an answer that is stopped": [startMoves("stream-connected", 2)],
  "an answer that is stopped, and a reload": [gateSurvives, startMoves("stream-connected", 2)],
  "a message while an answer is under way": [startMoves("first-chunk", 1)],
  "a stop that is refused": [errorText],
  "a message that is added and refused": [errorText],
  "a reconnect in the same page": [
    {
      id: "replay-in-page",
      published: (journal) => {
        delete (entry(journal, SUBSCRIBE, 2).headers as Members)["Last-Event-ID"];
        const connected = entry(journal, { event: { type: "stream-connected" } }, 2);
        delete (connected.event as Members).lastEventId;
        const first = entry(journal, { event: { type: "first-chunk" } }, 2);
        Object.assign(first.event as Members, { chunkType: "start", lastEventId: "0" });
        journal.streams.resumed?.unshift(...(journal.streams.stuck ?? []));
      },
    },
  ],
  "a reconnect whose signal is aborted": [readerGone],
  "a consumer that goes away": [readerGone],
  "a reconnect whose signal stops the turn": [abortOrder, abortIsTold],
  "a reconnect when the answer is over": [
    connectedAtHeaders("7"),
    {
      id: "settled-is-told",
      published: (journal) => {
        const session = { publicAccessToken: "(minted)", lastEventId: "7", isStreaming: false };
        journal.timeline.push({ session, chatId: "chat" });
        journal.answers.session = session;
      },
    },
  ],
  "a reconnect that finds a whole answer": [connectedAtHeaders("7")],
  "a stream that is refused for good": [errorText, errorMembers, failureEndsTurn],
  "a send that is malformed": [errorText],
  "a send that is refused without a word": [errorText],
  "a message that is too large": [errorText],
  "a send that the service is too busy for": [sendsAreRetried],
  "a send that meets the rate limit": [sendsAreRetried],
  "a send that finds no network": [sendsAreRetried],
  "a submit without a message": [
    errorText,
    {
      id: "argument-errors",
      published: (journal) => {
        (journal.answers.send as { rejected: Members }).rejected.error = "TypeError";
      },
    },
  ],
};

/** The differences that a scenario shows. */
export function differencesIn(name: string): Difference[] {
  const own = (differences as Record<string, Difference[]>)[name] ?? [];
  if (own.includes(sendsAreRetried)) return own;
  const common = [
    ...(untold.has(name) ? [] : [absentKeys]),
    ...(unsent.has(name) ? [] : [leaveTogether, sendsHaveSignals]),
  ];
  return [...common, ...own];
}

/** The ids of all differences. */
export const differenceIds = new Set(
  [absentKeys, leaveTogether, sendsHaveSignals, ...Object.values(differences).flat()].map(
    ({ id }) => id,
  ),
);
