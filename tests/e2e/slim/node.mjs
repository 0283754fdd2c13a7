// A turn in Node, which takes the WebAssembly from the package's folder, and exits by itself.
import { init } from "trigger-chat-transport/slim";
import { echo } from "./echo.mjs";

await init();

const [server, text] = process.argv.slice(2);
process.stdout.write(await echo(server, text));
