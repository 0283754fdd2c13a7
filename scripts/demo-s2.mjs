// `make demo S2=1`: S2, two session servers over it, and one port in front of them, so that either of the two
// may be killed: `node scripts/demo-s2.mjs --folder DIR [--port N] -- SERVER ARG…`.
import { once } from "node:events";
import { parseArgs } from "node:util";
import { listenInFrontOf } from "./front.mjs";
import { fail, startS2, startServer } from "./project.mjs";

const DEFAULT_PORT = 8787;

const { values, positionals } = parseArgs({
  options: { folder: { type: "string" }, port: { type: "string" } },
  allowPositionals: true,
});

/** What runs, in the order of its start. */
const running = [];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, end);

const s2 = await startS2(values.folder);
running.push(s2.child);
s2.child.once("exit", () => fail("S2 has ended, and without it nothing goes on."));
const servers = [await startInstance(), await startInstance()];
const port = await listen();

const [one, other] = servers.map(({ child }) => child.pid);
console.log(`S2 keeps everything in ${values.folder}: process ${s2.child.pid}`);
console.log(`two session servers stand on it: processes ${one} and ${other}`);
console.log(`\`kill -9 ${one}\` in the middle of an answer, and the other goes on with it`);
console.log(`listening on http://127.0.0.1:${port}`);

async function startInstance() {
  const [command, ...args] = positionals;
  const flags = [...args, "--port", "0", "--s2", s2.url];
  const server = await startServer("A session server", command, flags);
  running.push(server.child);
  server.child.once("exit", () => mourn(server.child));
  return server;
}

/** Who is killed is not started again. */
function mourn(child) {
  running.splice(running.indexOf(child), 1);
  if (running.length === 1) fail("Both session servers have ended.");
  console.log(`process ${child.pid} has ended, and is not started again: the other serves on`);
}

/** Takes the port that is asked for, or else the usual one, or any that is free. */
async function listen() {
  const ports = servers.map(({ url }) => Number(new URL(url).port));
  const wish = values.port ?? DEFAULT_PORT;
  try {
    return await listenInFrontOf(ports, Number(wish));
  } catch (error) {
    if (error.code !== "EADDRINUSE") throw error;
    if (values.port !== undefined) fail(`port ${wish} is in use; choose another with PORT=…`);
    return listenInFrontOf(ports, 0);
  }
}

/** Ends what runs, the last first: S2 is to keep what the servers have written. */
async function end() {
  for (const child of running) child.removeAllListeners("exit");
  for (const child of running.reverse()) {
    child.kill();
    // In a terminal Ctrl-C has gone to each of them.
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  process.exit();
}
