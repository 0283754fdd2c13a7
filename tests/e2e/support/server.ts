// The session server for tests: the real program, on a port of its own, with a database of its own.
//
//   const server = await startServer();      // in `beforeAll(…, BUILD_TIMEOUT_MS)`
//   await fetch(`${server.url}/app/chats`);
//   await server.stop();                            // in `afterAll`
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { UIMessage } from "ai";
import { endWithUs } from "./child";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** The limit of a hook that starts a server: the first one of all compiles it. */
export const BUILD_TIMEOUT_MS = 600_000;

/** How long a server may take to listen, and how long to end. */
const PATIENCE_MS = 60_000;

// Tests replace the global one.
const fetch = globalThis.fetch;

/** What a server is started with. */
export interface ServerOptions {
  /** The SQLite file, to be found again by a later server. Default: `:memory:`. */
  db?: string;
  /** The folder of a built page, served at `/`. */
  page?: string;
  /** The port, to come back where an earlier server was. Default: a free one. */
  port?: number;
  /** The key that the app's own server calls with. */
  secretKey?: string;
  /** More of the program's flags, such as `["--token-seconds", "1"]`. */
  flags?: string[];
}

/** Which requests a fault meets, and which of them; see the session server's README. */
interface Which {
  on: "append" | "subscribe" | "records" | "write";
  /** Default: any chat. */
  chat?: string;
  /** Lets so many pass first. */
  skip?: number;
  /** How many it meets; `null`: until faults are forgotten. Default: 1. */
  times?: number | null;
}

/** A fault on order. */
export type Fault = Which &
  (
    | { refuse: true }
    | { delayMs: number }
    | { status: number; headers?: Record<string, string>; body?: string }
    | { loseAnswer: true }
    | { cutAfterBytes: number }
    | { endAfterBytes: number }
    | { stallAfterBytes: number; pings?: boolean }
    | { errorAfterBytes: number }
    | { rewind: number }
    | { repeat: true }
  );

/** The faults that wait for their request, and how often each kind has met one. */
export interface Faults {
  standing: Fault[];
  injected: Record<string, number>;
}

/** What a record of a chat's input holds. */
export interface InputRecord {
  kind: string;
  payload?: { trigger?: string; message?: UIMessage };
}

/** What is asked of a server over HTTP. */
export interface ServerCalls {
  /** Its origin, without a slash at the end. */
  url: string;
  /** Creates the chat's session, or finds it, as an app's server action does; gives its token. */
  createSession(chatId: string, agent?: "echo" | "story" | "reasoning" | "model"): Promise<string>;
  /** A token for the chat, whether or not it has a session. */
  mintToken(chatId: string): Promise<string>;
  /** Signs in at the proxy, as a browser does; gives the cookie. */
  signIn(): Promise<{ name: string; value: string; domain: string; path: string }>;
  /** Closes the chat's session for good. */
  closeSession(chatId: string, reason?: string): Promise<void>;
  /** Writes to the chat's input, as another tab or the app's server would. */
  append(chatId: string, chunk: unknown): Promise<void>;
  /** The records of the chat's input. */
  inputs(chatId: string): Promise<{ seqNum: number; data: InputRecord }[]>;
  /** The body of the chat's `.out`, from its start; none while a turn runs. */
  settledOutput(chatId: string): Promise<string | undefined>;
  /** Orders faults, behind those that stand. */
  order(...faults: Fault[]): Promise<void>;
  faults(): Promise<Faults>;
  /** Forgets the faults that stand. */
  forgetFaults(): Promise<void>;
  /** Drops every connection and what is only in memory, and goes on at once. */
  restart(): Promise<void>;
  /** Refuses from now on every session token made so far. */
  expireTokens(): Promise<void>;
}

/** A running server. */
export interface SessionServer extends ServerCalls {
  port: number;
  /** Freezes the program: connections stay, and nothing comes or goes. */
  suspend(): void;
  resume(): void;
  /** Ends the program. `SIGKILL` is the crash: open answers break off, nothing is said. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** Starts a server, compiling it first where that is due. */
export async function startServer(options: ServerOptions = {}): Promise<SessionServer> {
  const { db = ":memory:", page, port = 0, secretKey = "tr_dev_test", flags = [] } = options;
  const args = ["--port", String(port), "--db", db, "--secret-key", secretKey];
  if (page !== undefined) args.push("--page", page);
  const child = spawn(await serverProgram(), [...args, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  endWithUs(child, "SIGKILL");

  const url = await listening(child);
  return {
    ...callsTo(url, secretKey),
    port: Number(new URL(url).port),
    suspend() {
      child.kill("SIGSTOP");
    },
    resume() {
      child.kill("SIGCONT");
    },
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      child.kill(signal);
      const impatience = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      await exit;
      clearTimeout(impatience);
    },
  };
}

/** The calls to a server that is there already. */
export function callsTo(url: string, secretKey: string): ServerCalls {
  const realtime = (chatId: string) => `${url}/realtime/v1/sessions/${encodeURIComponent(chatId)}`;
  const call = async (
    target: string,
    body?: unknown,
    method = body === undefined ? "GET" : "POST",
  ): Promise<Response> => {
    const response = await fetch(target, {
      method,
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${secretKey}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${target}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    url,
    async createSession(chatId, agent = "echo") {
      const response = await call(`${url}/api/v1/sessions`, {
        type: "chat.agent",
        externalId: chatId,
        taskIdentifier: agent,
        triggerConfig: { basePayload: { chatId, trigger: "preload" } },
      });
      return (await response.json()).publicAccessToken;
    },
    async mintToken(chatId) {
      return (await call(`${url}/app/chats/${encodeURIComponent(chatId)}/token`, {})).text();
    },
    async signIn() {
      const { headers } = await call(`${url}/proxy/sign-in`, {});
      const [, name = "", value = "", path = ""] =
        /^([^=]+)=([^;]+); Path=([^;]+);/.exec(headers.get("Set-Cookie") ?? "") ?? [];
      return { name, value, path, domain: new URL(url).hostname };
    },
    async closeSession(chatId, reason) {
      await call(`${url}/api/v1/sessions/${encodeURIComponent(chatId)}/close`, { reason });
    },
    async append(chatId, chunk) {
      await call(`${realtime(chatId)}/in/append`, chunk);
    },
    async inputs(chatId) {
      return (await (await call(`${realtime(chatId)}/in/records`)).json()).records;
    },
    async settledOutput(chatId) {
      const response = await fetch(`${realtime(chatId)}/out`, {
        headers: {
          Accept: "text/event-stream",
          Authorization: `Bearer ${secretKey}`,
          "X-Peek-Settled": "1",
        },
      });
      if (!response.ok) throw new Error(`${realtime(chatId)}/out: ${response.status}`);
      if (response.headers.get("X-Session-Settled") === "true") return response.text();
      await response.body?.cancel();
      return undefined;
    },
    async order(...faults) {
      await call(`${url}/admin/faults`, faults);
    },
    async faults() {
      return (await call(`${url}/admin/faults`)).json();
    },
    async forgetFaults() {
      await call(`${url}/admin/faults`, undefined, "DELETE");
    },
    async restart() {
      await call(`${url}/admin/restart`, {});
    },
    async expireTokens() {
      await call(`${url}/admin/expire-tokens`, {});
    },
  };
}

let built: Promise<string> | undefined;

/**
 * The program's path: what SESSION_SERVER_PROGRAM names in the environment, for one that was built
 * elsewhere; else cargo builds what is due, and knows the target folder.
 */
export function serverProgram(): Promise<string> {
  const { SESSION_SERVER_PROGRAM: path } = process.env;
  built ??= path ? Promise.resolve(path) : build();
  return built;
}

async function build(): Promise<string> {
  const locked = process.env.CI ? ["--locked"] : [];
  const args = ["build", "--quiet", ...locked, "-p", "session-server"];
  const cargo = spawn("cargo", [...args, "--message-format=json-render-diagnostics"], {
    cwd: repository,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let executable: string | undefined;
  const exit = once(cargo, "exit");
  for await (const line of createInterface(cargo.stdout)) {
    const message: { executable?: string | null } = JSON.parse(line);
    executable = message.executable ?? executable;
  }
  const [status] = await exit;
  if (status !== 0 || executable === undefined) {
    throw new Error("The session server did not compile; cargo has said why, above.");
  }
  return executable;
}

/** Waits for the line that says where the server listens. */
async function listening(child: ChildProcess): Promise<string> {
  const impatience = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  try {
    // The stream ends when the server does.
    for await (const line of createInterface(child.stdout as NodeJS.ReadableStream)) {
      const url = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
      if (url !== undefined) return url;
    }
  } finally {
    clearTimeout(impatience);
  }
  throw new Error("The session server ended before it listened; its last words are above.");
}
