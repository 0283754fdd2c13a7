// Serves the page and, below a path for each measurement, the service's answers. All is one origin,
// where an app's page and the service are two: a preflight, which the floor does not need and the
// clients need once in a while, would be measured in some rounds and not in others.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** How the answers below a path come. */
export interface Route {
  /** Each turn's events. */
  turns: Iterable<Uint8Array[]> | AsyncIterable<Uint8Array[]>;
  /** Between two events; none: as fast as they are read. */
  paceMs?: number;
  /** Before each answer, to an append as well. */
  latencyMs?: number;
}

/** A running server. */
export interface BenchServer {
  url: string;
  close(): void;
}

/** Starts a server for scripts, by their paths, and answers. `/` is a page with `/page.js`, others are empty. */
export async function serve(
  scripts: Record<string, Uint8Array>,
  routes: Record<string, Route>,
): Promise<BenchServer> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
    const [, name = "", ...rest] = pathname.split("/");
    const route = routes[decodeURIComponent(name)];
    if (route) {
      if (route.latencyMs) await wait(route.latencyMs);
      if (rest.at(-1) === "append") return acknowledge(request, response);
      return stream(route, response);
    }
    const script = scripts[pathname];
    response.writeHead(200, { "Content-Type": script ? "text/javascript" : "text/html" });
    const page = pathname === "/" ? '<script type="module" src="/page.js"></script>' : "";
    response.end(script ?? `<!doctype html>${page}`);
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function acknowledge(request: IncomingMessage, response: ServerResponse): void {
  request.resume().on("end", () => {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end('{"ok":true,"seq":0}');
  });
}

async function stream({ turns, paceMs }: Route, response: ServerResponse): Promise<void> {
  response.writeHead(200, {
    "Content-Type": "text/event-stream",
    "X-Stream-Version": "v2",
    "Access-Control-Expose-Headers": "*",
    // Writing an answer into the browser's cache is not what is measured.
    "Cache-Control": "no-store",
  });
  for await (const events of turns) {
    // As fast as they are read: in pieces of the size that a network brings, not one write an event.
    const pieces = paceMs ? events : piecesOf(Buffer.concat(events), 64 * 1024);
    for (const piece of pieces) {
      if (response.destroyed) return;
      if (paceMs) await wait(paceMs);
      if (!response.write(piece)) await new Promise((drain) => response.once("drain", drain));
    }
  }
  response.end();
}

function piecesOf(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}
