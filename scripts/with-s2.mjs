// Runs a command beside an S2 server of its own, in memory or on a folder:
// `node scripts/with-s2.mjs [--folder DIR] -- COMMAND ARG…`. The command finds the server's URL in S2_ENDPOINT.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { fail, startS2 } from "./project.mjs";

const { values, positionals } = parseArgs({
  options: { folder: { type: "string" } },
  allowPositionals: true,
});
const [command, ...args] = positionals;
const { child, url } = await startS2(values.folder);
const env = { ...process.env, S2_ENDPOINT: url };
const { status, error } = spawnSync(command, args, { stdio: "inherit", env });
if (error) fail(`${command} cannot be started: ${error.message}`);
// Until it has ended it writes into its folder.
child.kill();
await once(child, "exit");
process.exitCode = status ?? 1;
