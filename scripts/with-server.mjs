// Runs a command beside a session server of its own: `node scripts/with-server.mjs COMMAND ARG…`.
// The command finds the server's URL in SESSION_SERVER_URL.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fail, root, run } from "./project.mjs";

const [command, ...args] = process.argv.slice(2);
const locked = process.env.CI ? ["--locked"] : [];
const cargo = ["--quiet", ...locked, "-p", "session-server"];

run("cargo", ["build", ...cargo]);
const server = spawn("cargo", ["run", ...cargo, "--", "--port", "0", "--db", ":memory:"], {
  cwd: root,
  stdio: ["ignore", "pipe", "inherit"],
});
// Also when the command fails, which ends this script.
process.on("exit", () => server.kill());

const [line] = await Promise.race([
  once(createInterface(server.stdout), "line"),
  once(server, "exit").then(() => fail("The session server ended before it was ready.")),
]);
const url = line.match(/http:\S+/)?.[0];
run(command, args, { SESSION_SERVER_URL: url });
process.exit();
