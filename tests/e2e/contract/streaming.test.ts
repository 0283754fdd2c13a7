// What becomes of the records of `.out`: which chunks reach the app, which boundary ends the stream,
// and what is stored on the way.
import { describe, expect } from "vitest";
import { agree, differ } from "./clients";
import { Answer, type App, pass, said, stored, word } from "./conversation";
import { command, control, data, type OutStream, settle } from "./scripted-service";

describe("records", () => {
  agree("chunks are handed on in order, over batches and split events", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"), word("b"));
    expect(await answer.received(2)).toEqual([word("a"), word("b")]);
    const record = { seq_num: app.service.nextSeq++, timestamp: 0, ...data(word("Grüße 🎉")) };
    const event = `event: batch\r\ndata: ${JSON.stringify({ records: [record] })}\r\n\r\n`;
    for (const character of event) out.write(character);
    expect(await answer.received(3)).toEqual([word("a"), word("b"), word("Grüße 🎉")]);
    out.turnComplete(0);
    await answer.closed();
  });

  agree("what a client does not know passes through as it is", async ({ open }) => {
    const { answer, out } = await open({ sessions: stored() }).ask("hello", 0);
    const unknown = { type: "later-than-us", value: { deep: [null, 1.5e300, "\u2028"] } };
    const known = { ...word("a"), providerMetadata: { x: { y: 1 } }, unheardOf: true };
    out.chunks(unknown, known).turnComplete(0);
    expect(await answer.closed()).toStrictEqual([unknown, known]);
  });

  agree("`__proto__` in a chunk is data", async ({ open }) => {
    const { answer, out } = await open({ sessions: stored() }).ask("hello", 0);
    out.chunks(JSON.parse('{"type":"data-x","data":{"__proto__":{"polluted":1}}}')).turnComplete(0);
    const chunks = await answer.closed();
    expect(JSON.stringify(chunks)).toBe('[{"type":"data-x","data":{"__proto__":{"polluted":1}}}]');
    expect({}).not.toHaveProperty("polluted");
  });

  agree("S2's commands move the cursor and reach nobody", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    // What they hold is S2's own, whatever it looks like.
    const body = JSON.stringify({ data: word("not for you"), id: "part-x" });
    out.chunks(word("a")).batch(command("trim"), command("fence", body));
    await answer.received(1);
    out.cut();
    await pass(5_000);
    const next = await app.service.out();
    expect(next.headers["last-event-id"]).toBe("2");
    next.stream().turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });

  agree("control of an unknown kind is ignored", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.batch(control("later-than-us"), control("upgrade-required"));
    out.chunks({ type: "trigger:later-than-us" }, { type: "trigger:upgrade-required" }, word("a"));
    out.turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
    expect(app.eventTypes).toEqual([
      ...["message-sent", "stream-connected", "first-chunk", "turn-completed"],
    ]);
  });

  agree("pings and comments reach nobody", async ({ open }) => {
    const { answer, out } = await open({ sessions: stored() }).ask("hello", 0);
    out.ping().write(": comment\n\n").chunks(word("a")).ping().turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });

  agree("a writer's retry is handed on once", async ({ open }) => {
    const { answer, out } = await open({ sessions: stored() }).ask("hello", 0);
    out.batch(data(word("a"), "part-a"), data(word("b"), "part-b"), data(word("a"), "part-a"));
    out.batch(data(word("b"), "part-b")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a"), word("b")]);
  });

  agree("a record without a body, or with a broken one, is passed over", async ({ open }) => {
    const { answer, out } = await open({ sessions: stored() }).ask("hello", 0);
    out.batch({}, { body: "" }, { body: "{" }, data(word("a"))).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });
});

describe("connections", () => {
  const ends: [string, (out: OutStream) => void][] = [
    ["a window that is over", (out) => out.done()],
    ["a body that ends without a word", (out) => out.end()],
    ["an error of the service", (out) => out.error("read failed")],
    ["a lost connection", (out) => out.cut()],
  ];
  for (const [what, end] of ends) {
    agree(`${what} is resumed behind the last record, in the same stream`, async ({ open }) => {
      const app = open({ sessions: stored() });
      const { answer, out } = await app.ask("hello", 0);
      out.chunks(word("a"), word("b"));
      await answer.received(2);
      end(out);
      await pass(5_000);
      const next = await app.service.out();
      expect(next.headers["last-event-id"]).toBe("1");
      expect(next.headers).not.toHaveProperty("x-peek-settled");
      next.stream().chunks(word("c")).turnComplete(0);
      expect(await answer.closed()).toEqual([word("a"), word("b"), word("c")]);
      expect(app.eventTypes).toEqual([
        ...["message-sent", "stream-connected", "first-chunk", "turn-completed"],
      ]);
    });
  }

  for (const status of [429, 500, 503]) {
    agree(`a ${status} in place of a stream is tried again`, async ({ open }) => {
      const app = open({ sessions: stored() });
      const answer = app.send("hello");
      (await app.service.append()).accept(0);
      (await app.service.out()).refuse(status);
      await pass(5_000);
      (await app.service.out()).stream().chunks(word("a")).turnComplete(0);
      expect(await answer.closed()).toEqual([word("a")]);
    });
  }

  for (const status of [400, 404, 409, 410, 422]) {
    agree(`a ${status} in place of a stream is final, and fails the stream`, async ({ open }) => {
      const app = open({ sessions: stored() });
      const answer = app.send("hello");
      (await app.service.append()).accept(0);
      await answer.opened();
      (await app.service.out()).refuse(status);
      expect(await answer.failed()).toMatchObject({ name: "TriggerApiError", status });
      expect(app.states.at(-1)).toMatchObject({ isStreaming: false });
      await pass(60_000);
      expect(app.service.seen("out")).toHaveLength(1);
    });
  }

  agree("a stream that is settled ends well, and the turn with it", async ({ open }) => {
    const app = open({ sessions: stored({ isStreaming: true }) });
    const answer = app.resume();
    (await app.service.out()).streamSettled().end();
    expect(await answer.closed()).toEqual([]);
    expect(app.states.at(-1)).toMatchObject({ isStreaming: false });
    await pass(60_000);
  });

  differ("settled-ends-at-a-boundary", {
    ours: [
      "a settled stream that breaks off behind a chunk is resumed",
      async ({ open }) => {
        const app = open({ sessions: stored({ isStreaming: true }) });
        const answer = app.resume();
        (await app.service.out()).streamSettled().chunks(word("a")).end();
        await answer.received(1);
        await pass(5_000);
        (await app.service.out()).streamSettled().chunks(word("b")).turnComplete(0).end();
        expect(await answer.closed()).toEqual([word("a"), word("b")]);
      },
    ],
    published: [
      "a settled stream that breaks off behind a chunk ends well",
      async ({ open }) => {
        const app = open({ sessions: stored({ isStreaming: true }) });
        const answer = app.resume();
        (await app.service.out()).streamSettled().chunks(word("a")).end();
        expect(await answer.closed()).toEqual([word("a")]);
      },
    ],
  });

  agree("the request is withdrawn when the turn is over", async ({ open }) => {
    const { request } = await open({ sessions: stored() }).turn("hello", 0);
    await settle();
    expect(request.isAborted).toBe(true);
  });

  agree("bodies that end at once, empty, fail the stream after five retries", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.end();
    for (let retry = 1; retry <= 5; retry++) {
      await pass(5_000);
      expect(answer.state).toBe("open");
      (await app.service.out()).stream().end();
    }
    expect((await answer.failed()).message).toContain("reconnect budget exhausted");
    expect(app.states.at(-1)).toMatchObject({ isStreaming: false });
    expect(app.eventTypes).toEqual(expect.arrayContaining(["message-sent", "stream-error"]));
  });

  agree("a record earns the retries back", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.end();
    for (const round of ["a", "b"]) {
      for (let retry = 1; retry <= 4; retry++) {
        await pass(5_000);
        (await app.service.out()).stream().end();
      }
      await pass(5_000);
      (await app.service.out()).stream().chunks(word(round)).end();
    }
    await pass(5_000);
    (await app.service.out()).stream().turnComplete(0);
    expect(await answer.closed()).toEqual([word("a"), word("b")]);
  });

  differ("pings-are-life", {
    ours: [
      "a silence full of pings is borne for as long as it lasts",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, out } = await app.ask("hello", 0);
        for (let seconds = 0; seconds < 600; seconds += 5) {
          await pass(5_000);
          out.ping();
        }
        out.chunks(word("a")).turnComplete(0);
        expect(await answer.closed()).toEqual([word("a")]);
        expect(app.service.seen("out")).toHaveLength(1);
      },
    ],
    published: [
      "a silence is a stall, even when full of pings, and six stalls fail the stream",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, out } = await app.ask("hello", 0);
        let stream = out;
        for (let stall = 1; stall <= 6; stall++) {
          await pass(30_000);
          stream.ping();
          await pass(35_000);
          if (stall < 6) stream = (await app.service.out()).stream();
        }
        expect((await answer.failed()).message).toContain("Stream stalled");
      },
    ],
  });

  differ("unwritten-stream-waits", {
    ours: [
      "a stream that nobody has written to yet is asked again for a minute",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, out } = await app.ask("hello", 0);
        out.done();
        for (let window = 0; window < 8; window++) {
          await pass(5_000);
          (await app.service.out()).stream().done();
        }
        await pass(5_000);
        (await app.service.out()).stream().chunks(word("a")).turnComplete(0);
        expect(await answer.closed()).toEqual([word("a")]);
      },
    ],
    published: [
      "a stream that nobody has written to yet is asked again five times",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, out } = await app.ask("hello", 0);
        out.done();
        for (let window = 0; window < 5; window++) {
          await pass(5_000);
          (await app.service.out()).stream().done();
        }
        expect((await answer.failed()).message).toContain("reconnect budget exhausted");
      },
    ],
  });

  differ("retries-over-connections", {
    ours: [
      "a writer's retry that comes on the next connection is handed on once",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, out } = await app.ask("hello", 0);
        out.batch(data(word("a"), "part-a"));
        await answer.received(1);
        out.cut();
        await pass(5_000);
        const next = (await app.service.out()).stream();
        next.batch(data(word("a"), "part-a"), data(word("b"), "part-b")).turnComplete(0);
        expect(await answer.closed()).toEqual([word("a"), word("b")]);
      },
    ],
    published: [
      "a writer's retry that comes on the next connection is handed on again",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, out } = await app.ask("hello", 0);
        out.batch(data(word("a"), "part-a"));
        await answer.received(1);
        out.cut();
        await pass(5_000);
        const next = (await app.service.out()).stream();
        next.batch(data(word("a"), "part-a"), data(word("b"), "part-b")).turnComplete(0);
        expect(await answer.closed()).toEqual([word("a"), word("a"), word("b")]);
      },
    ],
  });
});

describe("older servers", () => {
  agree("one event is one chunk, and its id is the cursor", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    (await app.service.append()).accept();
    const out = (await app.service.out()).streamV1();
    out.event(word("a")).event(word("b"));
    expect(await answer.received(2)).toEqual([word("a"), word("b")]);
    out.cut();
    await pass(5_000);
    const next = await app.service.out();
    expect(next.headers["last-event-id"]).toBe("1");
    next.streamV1().event(word("c")).event({ type: "trigger:turn-complete" });
    expect(await answer.closed()).toEqual([word("a"), word("b"), word("c")]);
    expect(app.state).toEqual({
      ...{ publicAccessToken: "stored", isStreaming: false, lastEventId: "3" },
    });
  });

  agree("control comes as chunks, with the token in them", async ({ open }) => {
    const app = open({ sessions: stored() });
    const answer = app.send("hello");
    (await app.service.append()).accept(0);
    const out = (await app.service.out()).streamV1();
    out.event({ type: "trigger:upgrade-required" }).event({ type: "trigger:odd" }).event(word("a"));
    out.event({ type: "trigger:turn-complete", publicAccessToken: "renewed" });
    expect(await answer.closed()).toEqual([word("a")]);
    expect(app.states.at(-1)).toMatchObject({ publicAccessToken: "renewed", isStreaming: false });
  });

  agree("an older agent on a newer server ends a turn by a chunk", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"), { type: "trigger:turn-complete", publicAccessToken: "renewed" });
    expect(await answer.closed()).toEqual([word("a")]);
    expect(app.states.at(-1)).toMatchObject({ publicAccessToken: "renewed", lastEventId: "1" });
  });

  agree("without a seq from the append, the first boundary counts", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello");
    out.chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });
});

differ("batch-tells-version", {
  ours: [
    "a proxy that hides the version of the stream hides nothing else",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const answer = app.send("hello");
      (await app.service.append()).accept(0);
      (await app.service.out()).streamV1().chunks(word("a")).turnComplete(0);
      expect(await answer.closed()).toEqual([word("a")]);
    },
  ],
  published: [
    "a proxy that hides the version of the stream has the app get whole batches",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const answer = app.send("hello");
      (await app.service.append()).accept(0);
      (await app.service.out()).streamV1().chunks(word("a")).turnComplete(0);
      expect(await answer.received(2)).toMatchObject([{ records: [{}] }, { records: [{}] }]);
    },
  ],
});

describe("which boundary is mine", () => {
  agree("one below my seq is an earlier turn's, and is passed over", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 7);
    out.chunks(word("earlier")).turnComplete(6).chunks(word("mine"));
    expect(await answer.received(2)).toEqual([word("earlier"), word("mine")]);
    expect(answer.state).toBe("open");
    out.turnComplete(7);
    await answer.closed();
    expect(app.eventTypes.filter((type) => type === "turn-completed")).toHaveLength(1);
  });

  agree("one above my seq has taken my message too", async ({ open }) => {
    const { answer, out } = await open({ sessions: stored() }).ask("hello", 7);
    out.chunks(word("a")).turnComplete(9);
    expect(await answer.closed()).toEqual([word("a")]);
  });

  agree("one without a number counts", async ({ open }) => {
    const { answer, out } = await open({ sessions: stored() }).ask("hello", 7);
    out.chunks(word("a")).turnComplete();
    expect(await answer.closed()).toEqual([word("a")]);
  });

  differ("held-back-boundary", {
    ours: [
      "behind a skipped one and an idle window, the service is asked once whether all is said",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, out } = await app.ask("hello", 7);
        out.chunks(word("mine")).turnComplete(6);
        out.done();
        await pass(5_000);
        const idle = await app.service.out();
        expect(idle.headers).not.toHaveProperty("x-peek-settled");
        const window = idle.stream().ping();
        await pass(50_000);
        window.ping().done();
        await pass(5_000);
        const question = await app.service.out();
        expect(question.headers["x-peek-settled"]).toBe("1");
        expect(answer.state).toBe("open");
        question.streamSettled().end();
        expect(await answer.closed()).toEqual([word("mine")]);
        expect(app.states.at(-1)).toMatchObject({ isStreaming: false });
      },
    ],
    published: [
      "behind a skipped one, the stream waits for as long as there are windows",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, out } = await app.ask("hello", 7);
        out.chunks(word("mine")).turnComplete(6);
        out.done();
        await pass(5_000);
        const window = (await app.service.out()).stream().ping();
        await pass(50_000);
        window.ping().done();
        await pass(5_000);
        const next = await app.service.out();
        expect(next.headers).not.toHaveProperty("x-peek-settled");
        next.stream().turnComplete(7);
        expect(await answer.closed()).toEqual([word("mine")]);
      },
    ],
  });

  agree("nothing behind it reaches the app", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.batch(data(word("a")), control("turn-complete"), data(word("another turn's")));
    expect(await answer.closed()).toEqual([word("a")]);
    expect(app.state?.lastEventId).toBe("1");
  });
});

describe("chunks that wait unread", () => {
  const deltas = Array.from({ length: 200 }, (_, index) => word(`${index} `));
  const text = deltas.map(({ delta }) => delta).join("");

  /** An answer of many deltas that has come before the app reads it. */
  async function unread(app: App) {
    const call = app.client.sendMessages({
      ...{ trigger: "submit-message", chatId: "chat", messageId: undefined },
      ...{ messages: [said("hello")], abortSignal: undefined },
    });
    (await app.service.append()).accept(0);
    (await app.service.out())
      .stream()
      .chunks(...deltas, { type: "finish" })
      .turnComplete(0);
    await settle();
    return new Answer(call).closed();
  }

  differ("merged-deltas", {
    ours: [
      "are merged where they are adjacent deltas of one part",
      async ({ open }) => {
        const chunks = await unread(open({ sessions: stored() }));
        expect(chunks.length).toBeLessThan(deltas.length);
        const said = chunks.flatMap((chunk) => (chunk.type === "text-delta" ? chunk.delta : []));
        expect(said.join("")).toBe(text);
        expect(chunks.at(-1)).toEqual({ type: "finish" });
      },
    ],
    published: [
      "are handed on one by one",
      async ({ open }) => {
        const chunks = await unread(open({ sessions: stored() }));
        expect(chunks).toEqual([...deltas, { type: "finish" }]);
      },
    ],
  });

  agree("are handed on one by one with `coalesce: false`", async ({ open }) => {
    const chunks = await unread(open({ sessions: stored(), coalesce: false }));
    expect(chunks).toEqual([...deltas, { type: "finish" }]);
  });
});

describe("a turn that is superseded", () => {
  agree("its stream ends well when the next message has landed", async ({ open }) => {
    const app = open({ sessions: stored() });
    const first = await app.ask("one", 0);
    first.out.chunks(word("a"));
    await first.answer.received(1);
    const second = await app.ask("two", 1);
    expect(await first.answer.closed()).toEqual([word("a")]);
    expect(first.request.isAborted).toBe(true);
    expect(second.request.headers["last-event-id"]).toBe("0");
    second.out.chunks(word("b")).turnComplete(1);
    expect(await second.answer.closed()).toEqual([word("b")]);
    expect(app.eventTypes.filter((type) => type === "stream-error")).toEqual([]);
  });

  agree("goes on when the next message is refused", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("one", 0);
    const next = app.send("two");
    (await app.service.append()).refuse(400);
    await next.rejected();
    out.chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
  });
});

describe("what is stored", () => {
  agree("a running turn stands at its start, a finished one at its end", async ({ open }) => {
    const app = open({ sessions: stored({ lastEventId: "41" }) });
    app.service.nextSeq = 42;
    const { answer, out } = await app.ask("hello", 5);
    out.chunks(word("a"), word("b"));
    await answer.received(2);
    const running = { publicAccessToken: "stored", lastEventId: "41", activeInputSeq: 5 };
    expect(app.states).toEqual([{ ...running, isStreaming: true }]);
    expect(app.state).toEqual({ ...running, isStreaming: true });
    out.turnComplete(5);
    await answer.closed();
    const over = { publicAccessToken: "stored", lastEventId: "44", isStreaming: false };
    expect(app.states.slice(1)).toEqual([over]);
    expect(app.state).toEqual(over);
  });

  agree("the first turn of a chat has no cursor while it runs", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.chunks(word("a"));
    await answer.received(1);
    expect(app.state).toEqual({
      ...{ publicAccessToken: "stored", activeInputSeq: 0, isStreaming: true },
    });
    out.turnComplete(0);
    await answer.closed();
  });

  agree("a token on the boundary takes the place of the old one", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("one", 0);
    out.turnComplete(0, { "public-access-token": "renewed" });
    await answer.closed();
    expect(app.states.at(-1)).toMatchObject({ publicAccessToken: "renewed" });
    const { append, request } = await app.turn("two", 1);
    expect([append.token, request.token]).toEqual(["renewed", "renewed"]);
  });

  agree("the order is: message, event, state, answer, end, state", async ({ open }) => {
    const app = open({ sessions: stored() });
    await app.turn("hello", 0);
    expect(app.order.filter((each) => each !== "out")).toEqual([
      ...["append", "message-sent", "state"],
      ...["stream-connected", "first-chunk", "turn-completed", "state"],
    ]);
  });

  differ("absent-keys", {
    ours: [
      "no key is there without a value",
      async ({ open }) => {
        const app = open();
        await app.turn("hello", 0);
        expect(app.state).toStrictEqual({
          ...{ publicAccessToken: "started-1", lastEventId: "1", isStreaming: false },
        });
        for (const told of [...app.states, ...app.events]) {
          expect(Object.values(told ?? {})).not.toContain(undefined);
        }
      },
    ],
    published: [
      "keys are there without a value",
      async ({ open }) => {
        const app = open();
        await app.turn("hello", 0);
        expect(app.state).toHaveProperty("closed", undefined);
        expect(app.events[0]).toMatchObject({ type: "message-sent" });
      },
    ],
  });

  differ("start-behind-earlier-turns", {
    ours: [
      "the end of an earlier turn moves the start of mine",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, out } = await app.ask("hello", 7);
        out.chunks(word("earlier")).turnComplete(6).chunks(word("mine"));
        await answer.received(2);
        expect(app.states.at(-1)).toEqual({
          ...{ publicAccessToken: "stored", activeInputSeq: 7, isStreaming: true },
          lastEventId: "1",
        });
        out.turnComplete(7);
        await answer.closed();
      },
    ],
    published: [
      "the end of an earlier turn leaves the start of mine where it was",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { answer, out } = await app.ask("hello", 7);
        out.chunks(word("earlier")).turnComplete(6).chunks(word("mine"));
        await answer.received(2);
        expect(app.states).toHaveLength(1);
        expect(app.state?.lastEventId).toBeUndefined();
        out.turnComplete(7);
        await answer.closed();
      },
    ],
  });

  differ("failure-ends-turn", {
    ours: [
      "a failed stream leaves no number of an input",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        (await app.service.append()).accept(3);
        (await app.service.out()).refuse(410);
        await answer.failed();
        expect(app.state).toEqual({ publicAccessToken: "stored", isStreaming: false });
      },
    ],
    published: [
      "a failed stream leaves the number of its input",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const answer = app.send("hello");
        (await app.service.append()).accept(3);
        (await app.service.out()).refuse(410);
        await answer.failed();
        expect(app.state?.activeInputSeq).toBe(3);
      },
    ],
  });
});

describe("a run that waits for its deployment", () => {
  agree("is told where the append says so, before the message is", async ({ open }) => {
    const app = open({ sessions: stored() });
    app.send("hello");
    (await app.service.append()).accept(0, { pendingVersion: true });
    (await app.service.out()).stream();
    await settle();
    expect(app.eventTypes.slice(0, 2)).toEqual(["run-pending-version", "message-sent"]);
    expect(app.events[0]).toMatchObject({ chatId: "chat", source: "send" });
  });

  agree("is told where the stream says so", async ({ open }) => {
    const app = open({ sessions: stored() });
    const { answer, out } = await app.ask("hello", 0);
    out.batch(control("pending-version")).chunks(word("a")).turnComplete(0);
    expect(await answer.closed()).toEqual([word("a")]);
    const told = app.events.filter(({ type }) => type === "run-pending-version");
    expect(told).toMatchObject([{ chatId: "chat", source: "upgrade" }]);
  });
});

differ("connected-at-headers", {
  ours: [
    "a stream is connected when its headers are there",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      await app.ask("hello", 0);
      await settle();
      expect(app.eventTypes).toEqual(["message-sent", "stream-connected"]);
    },
  ],
  published: [
    "a stream is connected when its first record is there",
    async ({ open }) => {
      const app = open({ sessions: stored() });
      const { out } = await app.ask("hello", 0);
      await settle();
      expect(app.eventTypes).toEqual(["message-sent"]);
      out.chunks(word("a"));
      await settle();
      expect(app.eventTypes.slice(1)).toEqual(["stream-connected", "first-chunk"]);
    },
  ],
});
