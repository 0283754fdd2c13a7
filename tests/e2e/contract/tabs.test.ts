// A chat in several tabs, as the channel tells it. Node has the channel and no Web Locks; the races that
// locks decide are run in browsers (tests/e2e/tabs).
import { TriggerChatTransport } from "trigger-chat-transport";
import { afterEach, beforeAll, beforeEach, describe, expect, vi } from "vitest";
import { agree, differ, type Stage } from "./clients";
import { type App, pass, stored } from "./conversation";
import { settle, until } from "./scripted-service";

const DENIED = "This chat is active in another tab";

/** As long as a tab without locks waits for objections, and messages of the channel take. */
const MOMENT_MS = 150;

/** What another tab says. */
type Said = { type: string; chatId: string; tabId: string; messages?: unknown[]; session?: object };

const tabs: BroadcastChannel[] = [];

/** Another tab, of the published client, as the channel knows it. */
function otherTab() {
  const channel = new BroadcastChannel("trigger-chat-tab-coord");
  tabs.push(channel);
  const heard: Said[] = [];
  channel.onmessage = ({ data }) => heard.push(data);
  const tabId = crypto.randomUUID();
  return {
    heard,
    say: (type: string, more = {}) => channel.postMessage({ type, chatId: "chat", tabId, ...more }),
    hears: (type: string) =>
      until(
        () => heard.some((said) => said.type === type),
        () => `no ${type} was heard: ${JSON.stringify(heard)}`,
      ),
  };
}

/** An app with a tab that listens, and all that it is told of others. */
async function openTab(open: Stage["open"], page?: App) {
  const app = open({ multiTab: true, sessions: stored() }, page);
  const readOnly: boolean[] = [];
  const shown: unknown[][] = [];
  app.client.addReadOnlyListener((_, isReadOnly) => readOnly.push(isReadOnly));
  app.client.addMessagesListener((_, messages) => shown.push(messages));
  app.client.isReadOnly("chat");
  await settle();
  const isToldOf = (owner: boolean) =>
    until(
      () => readOnly.at(-1) === owner,
      () => `was told ${JSON.stringify(readOnly)}`,
    );
  return { app, client: app.client, readOnly, shown, isToldOf };
}

/** Sends, and has the message land. */
async function ask({ app }: { app: App }, seq: number) {
  const answer = app.send("hello");
  await pass(MOMENT_MS);
  (await app.service.append()).accept(seq);
  const out = (await app.service.out()).stream();
  await answer.opened();
  return { answer, out };
}

function stubPage() {
  vi.stubGlobal("document", {});
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("removeEventListener", () => {});
}

// Ours loads its part for tabs when it is first needed, and no fake time passes while it does.
beforeAll(async () => {
  stubPage();
  const transport = new TriggerChatTransport({ task: "t", accessToken: () => "t", multiTab: true });
  await expect(transport.sendAction("chat", undefined)).rejects.toThrow("`action` is required");
  transport.dispose();
});

beforeEach(stubPage);

afterEach(() => {
  for (const channel of tabs.splice(0)) channel.close();
  vi.unstubAllGlobals();
});

describe("while another tab speaks", () => {
  agree("a send is refused, before anything is asked or told", async ({ open }) => {
    const tab = await openTab(open);
    const other = otherTab();
    other.say("claim");
    await tab.isToldOf(true);
    expect(tab.client.isReadOnly("chat")).toBe(true);
    expect(tab.client.isReadOnly("another")).toBe(false);
    const answer = tab.app.send("hello");
    expect((await answer.rejected()).message).toBe(DENIED);
    expect(tab.app.eventTypes).toEqual([]);
    other.say("release");
    await tab.isToldOf(false);
    expect(tab.readOnly).toEqual([true, false]);
  });

  agree("its messages are handed to the listeners", async ({ open }) => {
    const tab = await openTab(open);
    const other = otherTab();
    other.say("claim");
    other.say("messages", { messages: [{ id: "1" }] });
    await tab.isToldOf(true);
    await pass(MOMENT_MS);
    expect(tab.shown).toEqual([[{ id: "1" }]]);
  });

  agree("its cursor is taken over", async ({ open }) => {
    const tab = await openTab(open);
    const other = otherTab();
    other.say("claim");
    other.say("session", { session: { lastEventId: "41" } });
    other.say("release");
    await until(
      () => tab.app.state?.lastEventId === "41",
      () => JSON.stringify(tab.app.state),
    );
    await pass(MOMENT_MS);
    tab.app.service.nextSeq = 42;
    tab.app.send("hello");
    await pass(MOMENT_MS);
    (await tab.app.service.append()).accept(0);
    expect((await tab.app.service.out()).headers["last-event-id"]).toBe("41");
  });

  agree("it is forgotten when it has been silent for long", async ({ open }) => {
    const tab = await openTab(open);
    otherTab().say("claim");
    await tab.isToldOf(true);
    await pass(20_000);
    expect(tab.client.isReadOnly("chat")).toBe(false);
  });
});

describe("while this tab speaks", () => {
  agree("others are told, from the send to the end of the turn", async ({ open }) => {
    const tab = await openTab(open);
    const other = otherTab();
    const { answer, out } = await ask(tab, 0);
    await other.hears("claim");
    expect(tab.client.hasClaim("chat")).toBe(true);
    expect(tab.client.isReadOnly("chat")).toBe(false);
    out.turnComplete(0);
    await answer.closed();
    await pass(1_000);
    await other.hears("release");
    await other.hears("session");
    expect(tab.client.hasClaim("chat")).toBe(false);
    const ids = new Set(other.heard.map(({ chatId, tabId }) => `${chatId} ${tabId}`));
    expect(ids.size).toBe(1);
    expect(JSON.stringify(other.heard)).not.toContain("stored");
  });

  agree("others are told its messages", async ({ open }) => {
    const tab = await openTab(open);
    const other = otherTab();
    await ask(tab, 0);
    tab.client.broadcastMessages("chat", [{ id: "1" }]);
    await other.hears("messages");
    expect(other.heard.find(({ type }) => type === "messages")?.messages).toEqual([{ id: "1" }]);
  });

  agree("a stop frees the chat", async ({ open }) => {
    const tab = await openTab(open);
    const other = otherTab();
    await ask(tab, 0);
    const stopped = tab.client.stopGeneration("chat");
    (await tab.app.service.append()).accept(1);
    expect(await stopped).toBe(true);
    await pass(1_000);
    await other.hears("release");
  });

  agree("`dispose` frees the chat", async ({ open }) => {
    const tab = await openTab(open);
    const other = otherTab();
    await ask(tab, 0);
    tab.client.dispose();
    await other.hears("release");
  });

  differ("only-changes", {
    ours: [
      "what has changed is told",
      async ({ open }) => {
        const tab = await openTab(open);
        const other = otherTab();
        await ask(tab, 0);
        tab.client.broadcastMessages("chat", [{ id: "1", text: "Be" }]);
        await pass(1_000);
        tab.client.broadcastMessages("chat", [{ id: "1", text: "Because" }]);
        await other.hears("change");
        const change = other.heard.find(({ type }) => type === "change");
        expect(JSON.stringify(change)).not.toContain("Because");
      },
    ],
    published: [
      "all messages are told each time",
      async ({ open }) => {
        const tab = await openTab(open);
        const other = otherTab();
        await ask(tab, 0);
        tab.client.broadcastMessages("chat", [{ id: "1", text: "Be" }]);
        await pass(1_000);
        tab.client.broadcastMessages("chat", [{ id: "1", text: "Because" }]);
        await pass(1_000);
        const told = other.heard.filter(({ type }) => type === "messages");
        expect(told.at(-1)?.messages).toEqual([{ id: "1", text: "Because" }]);
        expect(told).toHaveLength(2);
      },
    ],
  });

  differ("claim-outlasts-turn", {
    ours: [
      "the claim stands for a moment behind the turn",
      async ({ open }) => {
        const tab = await openTab(open);
        const { answer, out } = await ask(tab, 0);
        out.turnComplete(0);
        await answer.closed();
        expect(tab.client.hasClaim("chat")).toBe(true);
        await pass(1_000);
        expect(tab.client.hasClaim("chat")).toBe(false);
      },
    ],
    published: [
      "the claim falls with the turn's end",
      async ({ open }) => {
        const tab = await openTab(open);
        const { answer, out } = await ask(tab, 0);
        out.turnComplete(0);
        await answer.closed();
        expect(tab.client.hasClaim("chat")).toBe(false);
      },
    ],
  });
});

describe("between tabs", () => {
  differ("claims-are-decided", {
    ours: [
      "one of two that send at once gets through",
      async ({ open }) => {
        const one = await openTab(open);
        const other = await openTab(open, one.app);
        const answers = [one, other].map(({ app }) => app.send("hello"));
        await pass(1_000);
        (await one.app.service.append()).accept(0);
        (await one.app.service.out()).stream();
        await pass(1_000);
        expect(answers.map(({ state }) => state).sort()).toEqual(["open", "rejected"]);
      },
    ],
    published: [
      "both of two that send at once get through",
      async ({ open }) => {
        const one = await openTab(open);
        const other = await openTab(open, one.app);
        const answers = [one, other].map(({ app }) => app.send("hello"));
        for (const [seq, answer] of answers.entries()) {
          (await one.app.service.append()).accept(seq);
          (await one.app.service.out()).stream();
          await answer.opened();
        }
        expect([one, other].map(({ client }) => client.hasClaim("chat"))).toEqual([true, true]);
      },
    ],
  });

  differ("late-tabs-learn", {
    ours: [
      "a tab that is opened in the middle of a turn is told whose the chat is",
      async ({ open }) => {
        const owner = await openTab(open);
        await ask(owner, 0);
        const late = await openTab(open, owner.app);
        await late.isToldOf(true);
      },
    ],
    published: [
      "a tab that is opened in the middle of a turn is told nothing",
      async ({ open }) => {
        const owner = await openTab(open);
        await ask(owner, 0);
        const late = await openTab(open, owner.app);
        await pass(15_000);
        expect(late.readOnly).toEqual([]);
        expect(owner.client.hasClaim("chat")).toBe(true);
      },
    ],
  });

  differ("owners-tell", {
    ours: [
      "a tab that owns nothing is not listened to, and tells nothing",
      async ({ open }) => {
        const tab = await openTab(open);
        const other = otherTab();
        tab.client.broadcastMessages("chat", [{ id: "1" }]);
        other.say("messages", { messages: [{ id: "2" }] });
        other.say("claim");
        await tab.isToldOf(true);
        await pass(1_000);
        expect(other.heard.filter(({ type }) => type === "messages")).toEqual([]);
        expect(tab.shown).toEqual([]);
      },
    ],
    published: [
      "a tab that owns nothing is listened to, and tells",
      async ({ open }) => {
        const tab = await openTab(open);
        const other = otherTab();
        tab.client.broadcastMessages("chat", [{ id: "1" }]);
        other.say("messages", { messages: [{ id: "2" }] });
        await other.hears("messages");
        await pass(1_000);
        expect(tab.shown).toEqual([[{ id: "2" }]]);
      },
    ],
  });

  differ("claims-without-tabs", {
    ours: [
      "`hasClaim` tells a running turn without `multiTab`",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        const { out, answer } = await app.ask("hello", 0);
        expect(app.client.hasClaim("chat")).toBe(true);
        out.turnComplete(0);
        await answer.closed();
        expect(app.client.hasClaim("chat")).toBe(false);
      },
    ],
    published: [
      "`hasClaim` tells nothing without `multiTab`",
      async ({ open }) => {
        const app = open({ sessions: stored() });
        await app.ask("hello", 0);
        expect(app.client.hasClaim("chat")).toBe(false);
      },
    ],
  });
});
