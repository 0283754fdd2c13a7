import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { TabMessage } from "./channel.js";
import { HeardHistory, ToldHistory } from "./history.js";

type Told = TabMessage & { type: "messages" | "change" };

const question = { id: "1", text: "Why?" };
const answered = (text: string) => [question, { id: "2", text }];

/** One tab that tells, and what it has posted. */
function teller() {
  const posts: Told[] = [];
  const told = new ToldHistory((message) => posts.push(structuredClone(message) as Told));
  const say = (messages: unknown[]) => {
    told.latest = messages;
    told.tell();
  };
  return { told, posts, say };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the messages of a tab that owns a chat", () => {
  test("are told whole at first, and then what has changed", () => {
    const { posts, say } = teller();
    say(answered("Be"));
    vi.advanceTimersByTime(200);
    say(answered("Because"));
    expect(posts).toEqual([
      { type: "messages", seq: 1, messages: answered("Be") },
      { type: "change", seq: 2, delta: [3, 2, { 1: [2, { text: [1, "cause"] }] }] },
    ]);
  });

  test("are told as what grows on, where nothing but the same text does", () => {
    const { told, posts, say } = teller();
    const two = (first: string, second: string) => [question, { id: "2", parts: [first, second] }];
    const steps = [
      ...[two("a", "A"), two("ab", "A"), two("abc", "A"), two("abcd", "AB"), two("abcde", "AB")],
      ...[two("abcdef", "AB"), two("abcdef", "ABC"), two("", "ABC"), two("a", "ABC")],
    ];
    for (const messages of steps) {
      say(messages);
      vi.advanceTimersByTime(200);
    }
    const heard = new HeardHistory();
    expect(posts.map((post) => heard.take(1, post))).toEqual(steps);
    expect(posts.flatMap((post) => (post.type === "change" ? [post.delta[0]] : []))).toEqual([
      ...[3, 4, 3, 3, 4, 3, 3, 3],
    ]);
    // Whoever has only just been told all of it knows of no change before.
    told.tellWhole();
    say(two("ab", "ABC"));
    expect(posts.at(-1)).toMatchObject({ delta: [3, 2, { 1: expect.anything() }] });
  });

  test("are told five times a second at most, and never without the last", () => {
    const { posts, say } = teller();
    let text = "";
    for (let token = 0; token < 200; token++) {
      text += "a";
      say(answered(text));
      vi.advanceTimersByTime(5);
    }
    vi.advanceTimersByTime(1_000);
    expect(posts.length).toBeLessThanOrEqual(7);
    const heard = new HeardHistory();
    expect(posts.map((post) => heard.take(1, post)).at(-1)).toEqual(answered(text));
  });

  test.each([[[]], [answered("Be")]])(
    "are not told again where nothing has changed",
    (messages) => {
      const { posts, say } = teller();
      say(messages);
      vi.advanceTimersByTime(2_000);
      say([...messages]);
      vi.advanceTimersByTime(2_000);
      expect(posts).toHaveLength(1);
    },
  );

  test("are told whole where there were none before", () => {
    const { posts, say } = teller();
    say([]);
    vi.advanceTimersByTime(200);
    say(answered("Be"));
    expect(posts.at(-1)).toEqual({ type: "messages", seq: 2, messages: answered("Be") });
  });

  test("are told also where the app goes on writing in an answer that it has added", () => {
    const { posts, say } = teller();
    const answer = { id: "2", text: "" };
    say([question, answer]);
    answer.text = "Because";
    vi.advanceTimersByTime(200);
    say(answered("Because"));
    const heard = new HeardHistory();
    expect(posts.map((post) => heard.take(1, post))).toEqual([answered(""), answered("Because")]);
  });

  test("begin anew after another tab has told its own", () => {
    const { told, posts, say } = teller();
    say(answered("Be"));
    told.forget();
    expect(told.isTold).toBe(false);
    say(answered("Because"));
    expect(posts.at(-1)).toMatchObject({ type: "messages", seq: 2 });
  });
});

describe("the messages of another tab", () => {
  test("grow with what is told", () => {
    const { posts, say } = teller();
    say(answered("Be"));
    vi.advanceTimersByTime(200);
    say(answered("Because"));
    const heard = new HeardHistory();
    expect(posts.map((post) => heard.take(1, post))).toEqual([answered("Be"), answered("Because")]);
  });

  test("are asked for, once, where one was missed", () => {
    const { told, posts, say } = teller();
    for (const text of ["a", "ab", "abc", "abcd"]) {
      say(answered(text));
      vi.advanceTimersByTime(200);
    }
    const [whole, , third, fourth] = posts;
    const heard = new HeardHistory();
    expect(heard.take(1, whole as Told)).toEqual(answered("a"));
    expect(heard.take(1, third as Told)).toBe("missed");
    expect(heard.take(1, fourth as Told)).toBeUndefined();
    told.tellWhole();
    expect(heard.take(1, posts.at(-1) as Told)).toEqual(answered("abcd"));
  });

  test("are asked for where a change is none of them", () => {
    const heard = new HeardHistory();
    heard.take(1, { type: "messages", seq: 1, messages: answered("a") });
    expect(heard.take(1, { type: "change", seq: 2, delta: [1, "text"] })).toBe("missed");
  });

  test("are asked for where a text grows on that did not grow before", () => {
    const heard = new HeardHistory();
    heard.take(1, { type: "messages", seq: 1, messages: answered("a") });
    expect(heard.take(1, { type: "change", seq: 2, delta: [4, "text"] })).toBe("missed");
  });

  test("are not taken twice", () => {
    const heard = new HeardHistory();
    const whole: Told = { type: "messages", seq: 1, messages: answered("a") };
    heard.take(1, whole);
    expect(heard.take(1, whole)).toBeUndefined();
  });

  test("are always taken from the published client, which numbers nothing", () => {
    const heard = new HeardHistory();
    for (const text of ["a", "ab"]) {
      const messages = answered(text);
      expect(heard.take(1, { type: "messages", messages })).toEqual(messages);
    }
  });

  test("may be those of a third tab, which counts for itself", () => {
    const heard = new HeardHistory();
    heard.take(1, { type: "messages", seq: 7, messages: answered("a") });
    expect(heard.take(2, { type: "change", seq: 8, delta: [3, 0, {}] })).toBe("missed");
    expect(heard.take(2, { type: "messages", seq: 1, messages: [] })).toEqual([]);
  });
});
