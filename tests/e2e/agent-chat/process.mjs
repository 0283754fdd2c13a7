// One process of an app's server: `node process.mjs CLIENT URL KEY FILE begin|resume|leave`. Chunks are
// printed as they come, a line each; at the end of a turn the session is stored in FILE. `begin` comes to
// the middle of its second answer and stays there.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const [client, url, key, file, step] = process.argv.slice(2);
process.env.TRIGGER_SECRET_KEY = key;
process.env.TRIGGER_API_URL = url;

const { AgentChat } = await import(
  client === "ours" ? "trigger-chat-transport/server" : "@trigger.dev/sdk/chat"
);
const chat = new AgentChat({
  agent: "story",
  id: "killed",
  ...(existsSync(file) ? { session: JSON.parse(readFileSync(file, "utf8")) } : {}),
  onTurnComplete: ({ lastEventId }) => writeFileSync(file, JSON.stringify({ lastEventId })),
});

/** Prints an answer, or its first chunks. */
async function print(stream, count = Number.POSITIVE_INFINITY, then = () => {}) {
  let printed = 0;
  for await (const chunk of stream) {
    console.log(JSON.stringify(chunk));
    if (++printed < count) continue;
    await then();
    break;
  }
}

/** Holds the process in the middle of what it does, until it is killed. */
const hold = () => new Promise(() => setInterval(() => {}, 60_000));

if (step === "resume") {
  await print(await chat.reconnect());
} else if (step === "leave") {
  await print(await chat.sendMessage("200 words at 10000 ms"), 3);
} else {
  await print(await chat.sendMessage("20 words at 1 ms"));
  await print(await chat.sendMessage("100 words at 10 ms"), 30, hold);
}
