// A turn in Node, which reads the WebAssembly from the disk, and exits by itself.
import { init } from "trigger-chat-transport/slim";
import { echo } from "./echo.mjs";

const [server, text, file] = process.argv.slice(2);
await init(file && import.meta.resolve(file));
process.stdout.write(await echo(server, text));
