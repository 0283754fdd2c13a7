// The clients that keep the contract, and what a test says of them: that both do the same, or that
// they differ on purpose, by the row of docs/differences.md that tells why.
import { TriggerChatTransport as PublishedTransport } from "@trigger.dev/sdk/chat";
import { TriggerChatTransport as OurTransport } from "trigger-chat-transport";
import { expect, test, vi } from "vitest";
import { App, type MakeClient, NOW, type Options } from "./conversation";
import { settle } from "./scripted-service";

const clients = {
  ours: (options) => new OurTransport(options),
  published: (options) => new PublishedTransport(options),
} satisfies Record<string, MakeClient>;

type ClientName = keyof typeof clients;

/** A stage with fake timers on it: time is as the test has it, and passes when it says so. */
export interface Stage {
  /** Opens a page with an app on it; the next page of the same service, where one is given. */
  open(options?: Options, page?: App): App;
}

/** A test of one client. What no test has asked for must not have been asked of the service. */
type Play = (stage: Stage) => Promise<void>;

/** What one of the clients does in a case in which they differ: a sentence, and its proof. */
type Behaviour = [outcome: string, play: Play];

/** Both clients do the same. */
export function agree(outcome: string, play: Play): void {
  for (const name of Object.keys(clients) as ClientName[]) perform(name, outcome, play);
}

/**
 * The clients differ on purpose; docs/differences.md has the row with this id. What one does the other
 * does not: that is tested too, so that no difference outlives its end.
 */
export function differ(id: string, behaviours: Partial<Record<ClientName, Behaviour>>): void {
  for (const [name, [outcome, play]] of Object.entries(behaviours) as [ClientName, Behaviour][]) {
    perform(name, `${outcome} (${id})`, play);
    const other = name === "ours" ? "published" : "ours";
    test(`${other}, not so: ${outcome} (${id})`, () =>
      expect(staged(other, play)).rejects.toThrow());
  }
}

function perform(name: ClientName, outcome: string, play: Play): void {
  test(`${name}: ${outcome}`, () => staged(name, play));
}

async function staged(name: ClientName, play: Play): Promise<void> {
  vi.useFakeTimers({ now: NOW });
  const apps: App[] = [];
  const open = (options: Options = {}, page?: App) => {
    const app = new App(clients[name], options, page);
    apps.push(app);
    return app;
  };
  try {
    await play({ open });
    await settle();
    expect(apps.flatMap(({ service }) => service.untaken())).toEqual([]);
  } finally {
    for (const { client } of apps) client.dispose();
    vi.useRealTimers();
  }
}
