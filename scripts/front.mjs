// One port in front of several servers. Each connection goes to the next of them, or where that one is away
// to one that is there. What passes is not looked at.
import { connect, createServer } from "node:net";
import { pipeline } from "node:stream";

const HOST = "127.0.0.1";

/** Listens on the port, in front of the servers on these ports; resolves with the port that it has. */
export function listenInFrontOf(ports, port) {
  let count = 0;
  const front = createServer({ noDelay: true }, (client) => {
    // Whoever goes while nothing is connected to it yet.
    client.on("error", () => {});
    count += 1;
    forward(
      client,
      ports.map((_, n) => ports[(count + n) % ports.length]),
    );
  });
  return new Promise((resolve, reject) => {
    front.once("error", reject);
    front.listen(port, HOST, () => resolve(front.address().port));
  });
}

/** Connects a client with the first of these that is there. */
function forward(client, [port, ...others]) {
  if (port === undefined) {
    client.destroy();
    return;
  }
  const server = connect({ port, host: HOST, noDelay: true });
  const tryOthers = () => forward(client, others);
  server.once("error", tryOthers);
  server.once("connect", () => {
    server.off("error", tryOthers);
    // However one side ends, the other does. That is all there is to say of a connection that broke.
    pipeline(client, server, client, () => {});
  });
}
