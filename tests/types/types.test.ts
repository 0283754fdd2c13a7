// The app in `app/` is compiled against the published package, and then, with nothing changed but
// where two of its imports lead, against this one. An error that the app expects and the compiler
// does not find is an error too.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** How long a compiler may take on a machine that has other things to do. Nothing here is timed. */
const PATIENCE_MS = 120_000;

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const installed = (path: string): string => at(`../../node_modules/${path}`);

const app = readdirSync(at("app")).map((name) => at(`app/${name}`));

const pkg = realpathSync(installed("trigger-chat-transport"));
const declarations = ["index.d.ts", "react.d.ts", "server.d.ts"].map((file) => join(pkg, file));
/** Where the published entries lead. */
const toOurs = {
  "@trigger.dev/sdk/chat": [join(pkg, "index.d.ts")],
  "@trigger.dev/sdk/chat/react": [join(pkg, "react.d.ts")],
};

type Options = Record<string, unknown> & { paths?: Record<string, string[]> };

const worlds: Record<string, Options> = {
  "the newest of all": {},
  "Node's own resolution": { module: "NodeNext", moduleResolution: "NodeNext" },
  "optional members that may be undefined": { exactOptionalPropertyTypes: false },
  "React 18": {
    paths: {
      react: [installed("types-react-18/index.d.ts")],
      "react/jsx-runtime": [installed("types-react-18/jsx-runtime.d.ts")],
    },
  },
  "version 6 of the AI SDK": {
    paths: {
      ai: [installed("ai-6/dist/index.d.ts")],
      "@ai-sdk/react": [installed("react-for-ai-6/dist/index.d.ts")],
    },
  },
  "version 5 of the AI SDK": {
    paths: {
      ai: [installed("ai-5/dist/index.d.ts")],
      "@ai-sdk/react": [installed("react-for-ai-5/dist/index.d.ts")],
    },
  },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "types-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const [world, options] of Object.entries(worlds)) {
  const here: Options = { ...options, paths: { ...options.paths, ...toOurs } };

  describe(`with ${world}`, { timeout: PATIENCE_MS }, () => {
    test("the app compiles against the published package", async () => {
      expect(await errorsIn(app, options)).toEqual([]);
    });

    test("the same app compiles against this one", async () => {
      expect(await errorsIn(app, here)).toEqual([]);
    });

    test("this package's declarations are right in themselves", async () => {
      const found = await errorsIn(declarations, { ...here, skipLibCheck: false });
      // The AI SDK's are not, under these rules.
      expect(found.filter((error) => !error.startsWith(".."))).toEqual([]);
    });

    test("each type is the same in both packages, side by side", async () => {
      expect(await errorsIn([at("beside.ts")], options)).toEqual([]);
    });
  });
}

describe("no name is forgotten", () => {
  test.each(["chat", "chat-react"])("the app uses all that %s exports", (file) => {
    const published = namesExportedBy(installed(`@trigger.dev/sdk/dist/esm/v3/${file}.d.ts`));
    const entry = file.replace("chat-react", "chat/react");
    const used = new Set(app.flatMap((path) => namesImported(path, entry)));
    expect(published.length).toBeGreaterThan(10);
    expect(published.filter((name) => !used.has(name))).toEqual([]);
  });
});

/** What the compiler says of the files, an error a line; named from where this package lies. */
async function errorsIn(files: string[], options: Options): Promise<string[]> {
  const project = join(folder, "tsconfig.json");
  const compilerOptions = { ...options, types: [] };
  const config = { extends: at("../../tsconfig.base.json"), compilerOptions, files };
  writeFileSync(project, JSON.stringify(config));
  const compiler = spawn("tsc", ["-p", project, "--pretty", "false"], {
    cwd: pkg,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(compiler, "exit");
  const lines = (await text(compiler.stdout)).split("\n").filter((line) => /^\S/.test(line));
  const [status] = await exit;
  // Whatever has gone wrong, it is no success.
  return status === 0 || lines.length > 0 ? lines : [`tsc ended with ${status}`];
}

function namesExportedBy(path: string): string[] {
  const code = readFileSync(path, "utf8");
  const declared = code.matchAll(/^export (?:declare )?(?:type|class|const|function) (\w+)/gm);
  const listed = [...code.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list]) =>
    namesOf(list),
  );
  return [...new Set([...[...declared].map(([, name = ""]) => name), ...listed])];
}

/** The names that a file imports from an entry of the published package. */
function namesImported(path: string, entry: string): string[] {
  const imports = /^import (?:type )?\{([^}]*)\} from "@trigger\.dev\/sdk\/([^"]*)"/gm;
  return [...readFileSync(path, "utf8").matchAll(imports)].flatMap(([, list, from]) =>
    from === entry ? namesOf(list) : [],
  );
}

/** The names in braces, as the other module calls them. */
function namesOf(list = ""): string[] {
  return list
    .split(",")
    .map((name) =>
      name
        .trim()
        .replace(/^type /, "")
        .replace(/ as .*/, ""),
    )
    .filter(Boolean);
}
