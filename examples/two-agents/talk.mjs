// Two agents talk: each is told what the other has said last. `node talk.mjs SAID FIRST…`
import { AgentChat } from "trigger-chat-transport/server";

/** How often each of them speaks. */
const ROUNDS = 2;

// Of an app these two are in the environment, as TRIGGER_API_URL and TRIGGER_SECRET_KEY.
const service = {
  baseURL: process.env.SESSION_SERVER_URL ?? "http://127.0.0.1:8787",
  secretKey: process.env.TRIGGER_SECRET_KEY ?? "tr_dev_local",
};
const chats = ["reasoning", "echo"].map((agent) => ({
  agent,
  chat: new AgentChat({
    ...service,
    agent,
    clientData: { paceMs: 4 },
    onTriggered: ({ runId, chatId }) => console.log(`${agent}: ${runId} of ${chatId}`),
  }),
}));

/** Sends a text, shows the answer as it comes, and gives it. */
async function ask({ agent, chat }, text) {
  const answer = await chat.sendMessage(text);
  let said = "";
  process.stdout.write(`\n${agent}> `);
  for await (const chunk of answer) {
    if (chunk.type !== "text-delta") continue;
    process.stdout.write(chunk.delta);
    said += chunk.delta;
  }
  process.stdout.write("\n");
  return said;
}

let said = process.argv.slice(2).join(" ") || "What is a conversation?";
for (let round = 0; round < ROUNDS; round++) {
  for (const one of chats) said = await ask(one, said);
}
for (const { chat } of chats) await chat.close();
