// Runs a command beside a session server of its own: `node scripts/with-server.mjs COMMAND ARG…`.
// The command finds the server's URL in SESSION_SERVER_URL.
import { run, startSessionServer } from "./project.mjs";

const [command, ...args] = process.argv.slice(2);
run(command, args, { SESSION_SERVER_URL: await startSessionServer() });
// Ends the server as well.
process.exit();
