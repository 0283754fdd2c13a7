// Runs a command beside an S2 server of its own, in memory or on a folder:
// `node scripts/with-s2.mjs [--folder DIR] -- COMMAND ARG…`. The command finds the server's URL in S2_ENDPOINT.
import { parseArgs } from "node:util";
import { run, startS2 } from "./project.mjs";

const { values, positionals } = parseArgs({
  options: { folder: { type: "string" } },
  allowPositionals: true,
});
const [command, ...args] = positionals;
const { url } = await startS2(values.folder);
run(command, args, { S2_ENDPOINT: url });
// Ends S2 as well.
process.exit();
