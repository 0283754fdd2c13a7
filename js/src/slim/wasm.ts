import { compileError } from "../csp.js";

/** What `init` takes: the address of the package's `.wasm` file, an answer with it, its bytes, or its module. */
export type WasmSource = string | URL | Request | Response | BufferSource | WebAssembly.Module;

let module: WebAssembly.Module | undefined;
let compiling: Promise<void> | undefined;

/**
 * Compiles the WebAssembly, once: await it before a transport is used. Calls after the first one wait for
 * the same; after one that failed, the next tries again.
 *
 * @param source Where the WebAssembly is. Default: the file that lies in the package, which bundlers find
 * by its URL, and Node reads.
 * @throws Where there is none, or the page's policy blocks it.
 */
export function init(source?: WasmSource | PromiseLike<WasmSource>): Promise<void> {
  // Nobody waits for one that is not needed.
  Promise.resolve(source).catch(() => {});
  compiling ??= compile(source).then(
    (compiled) => {
      module = compiled;
    },
    (cause) => {
      compiling = undefined;
      throw compileError(cause);
    },
  );
  return compiling;
}

/** The WebAssembly that `init` has compiled. */
export function wasm(): WebAssembly.Module {
  if (module) return module;
  throw new Error("The WebAssembly is not there yet: `await init()` before a transport is used.");
}

async function compile(
  source: WasmSource | PromiseLike<WasmSource> | undefined,
): Promise<WebAssembly.Module> {
  // Bundlers know a file by just this expression. It is the place in the package, not in the repository.
  const given = await (source ?? new URL("../trigger_chat_transport_bg.wasm", import.meta.url));
  const found = isAddress(given) ? await load(given) : given;
  if (found instanceof Response) return compileAnswer(found);
  return found instanceof WebAssembly.Module ? found : WebAssembly.compile(found);
}

function isAddress(source: WasmSource): source is string | URL | Request {
  return typeof source === "string" || source instanceof URL || source instanceof Request;
}

async function load(address: string | URL | Request): Promise<Response | BufferSource> {
  const isFile = String(address).startsWith("file:");
  return (isFile && nodeFiles()?.readFile(new URL(String(address)))) || fetch(address);
}

async function compileAnswer(answer: Response): Promise<WebAssembly.Module> {
  const type = answer.headers.get("Content-Type");
  // Many servers answer with the app's page where they have no file.
  if (!answer.ok || type?.startsWith("text/html")) {
    throw new Error(
      `The answer to \`init\` is no WebAssembly (status ${answer.status}, ${type ?? "no type"}): ` +
        "give it the URL of your site's trigger_chat_transport_bg.wasm.",
    );
  }
  // Browsers compile while they download only what has this type.
  return type === "application/wasm"
    ? WebAssembly.compileStreaming(answer)
    : WebAssembly.compile(await answer.arrayBuffer());
}

type Files = { readFile(path: URL): Promise<Uint8Array<ArrayBuffer>> };

/** Node's `fetch` reads no files. No bundler sees what is not imported. */
function nodeFiles(): Files | undefined {
  const { process } = globalThis as {
    process?: { getBuiltinModule?(name: "node:fs/promises"): Files };
  };
  return process?.getBuiltinModule?.("node:fs/promises");
}
