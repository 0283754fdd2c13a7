// The code in the documentation is run as a reader would run it: a code block that has gone stale
// fails here.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { launchBrowser } from "./support/browser";
import { BUILD_TIMEOUT_MS, startServer } from "./support/server";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** The documents with code for readers, and how many blocks of each language they have. */
const documents = {
  "README.md": { sh: 1, tsx: 1 },
  "pkg-template/README.md": { sh: 1, tsx: 1 },
  "examples/chat/README.md": { sh: 2 },
  "examples/two-agents/README.md": { sh: 1 },
};

/** What the blocks leave to the reader: calls to the app's own server, and what it renders. */
const readersPart = `
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import type { UIMessage } from "ai";

const chatId = "from-the-readme";
const app = \`/app/chats/\${chatId}\`;

async function fetchToken(id: string): Promise<string> {
  return (await fetch(\`/app/chats/\${id}/token\`, { method: "POST" })).text();
}

async function startSession(session: { clientData: unknown }): Promise<{ publicAccessToken: string }> {
  const body = JSON.stringify({ taskId: "echo", clientData: session.clientData });
  const headers = { "Content-Type": "application/json" };
  return (await fetch(\`\${app}/start\`, { method: "POST", headers, body })).json();
}

function render(messages: UIMessage[], send: (text: string) => void) {
  const texts = messages.map(({ id, role, parts }) => {
    const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
    return createElement("p", { key: id, className: role }, text);
  });
  const button = createElement("button", { onClick: () => send("as written") }, "Send");
  return createElement("main", null, ...texts, button);
}

// The service, on this machine.
const { fetch } = globalThis;
globalThis.fetch = (input, init) =>
  fetch(String(input).replace("https://api.trigger.dev", location.origin), init);

createRoot(document.body).render(createElement(Chat, { chatId }));
`;

interface Block {
  language: string;
  code: string;
}

function textOf(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

function blocksOf(document: string): Block[] {
  return [...textOf(document).matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(
    ([, language = "", code = ""]) => ({
      language,
      code,
    }),
  );
}

function codeOf(document: string, language: string): string[] {
  return blocksOf(document)
    .filter((block) => block.language === language)
    .map(({ code }) => code);
}

/** A folder inside the repository, where packages resolve as they do in an app of it. */
function scratchFolder(): string {
  mkdirSync(join(repository, "target"), { recursive: true });
  const folder = mkdtempSync(join(repository, "target/readme-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const howTos = readdirSync(join(repository, "docs/how-to"))
  .filter((name) => name !== "README.md")
  .map((name) => `docs/how-to/${name}`);

const pages = [...howTos, "docs/tabs.md", "docs/tools.md"];
const toSource = /\]\((?:\.\.\/)+([\w./-]+\.(?:tsx?|m?js|json|vue|svelte))\)/g;

test.each(pages)("%s shows lines of the files that it names", (page) => {
  const sources = [...textOf(page).matchAll(toSource)].map(([, path = ""]) => textOf(path));
  const blocks = blocksOf(page);
  expect(blocks.length).toBeGreaterThan(0);
  for (const { code } of blocks) {
    expect(
      sources.some((source) => source.includes(code)),
      code,
    ).toBe(true);
  }
});

test.each(Object.entries(documents))("%s has the code blocks that are tested", (name, expected) => {
  const counts: Record<string, number> = {};
  for (const { language } of blocksOf(name)) counts[language] = (counts[language] ?? 0) + 1;
  expect(counts).toEqual(expected);
});

const components = Object.keys(documents).flatMap((name) =>
  codeOf(name, "tsx").map((code) => [name, code] as const),
);

test.each(components)(
  "the component in %s has sound types and holds a conversation",
  async (_, code) => {
    const folder = scratchFolder();
    const whole = code.replace(
      /^ *\/\/ ….*$/m,
      "  return render(messages, (text) => void sendMessage({ text }));",
    );
    expect(whole).not.toBe(code);
    writeFileSync(join(folder, "chat.tsx"), whole + readersPart);
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: "../../tsconfig.base.json", include: ["."] }),
    );
    execFileSync(join(repository, "node_modules/.bin/tsc"), ["-p", folder], { stdio: "inherit" });

    await build({
      entryPoints: [join(folder, "chat.tsx")],
      outfile: join(folder, "chat.js"),
      bundle: true,
      format: "esm",
      define: { "process.env.NODE_ENV": '"production"' },
      // React's directive means nothing in one bundle of a page, and esbuild says so.
      logOverride: { "ignored-directive": "silent" },
    });
    writeFileSync(
      join(folder, "index.html"),
      '<!doctype html><body><script type="module" src="/chat.js"></script>',
    );
    const server = await startServer({ page: folder });
    onTestFinished(() => server.stop());
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(server.url);
    await page.getByRole("button").click();
    await page.locator("p.assistant", { hasText: /^as written$/ }).waitFor();
  },
  BUILD_TIMEOUT_MS,
);

const commands = Object.keys(documents).flatMap((name) =>
  codeOf(name, "sh")
    .flatMap((code) => code.split("\n"))
    .map((line) => line.replace(/ +#.*$/, ""))
    .filter(Boolean)
    .map((line) => [line, name] as const),
);

test.each(commands)(
  "`%s`, in %s, names what there is",
  (line) => {
    const words = line.split(" ").filter((word) => !/^[A-Z_]+=/.test(word));
    const [program, ...args] = words;
    const run = (file: string, ...rest: string[]) =>
      execFileSync(file, rest, { cwd: repository, encoding: "utf8" });
    if (program === "make") {
      // Not `--dry-run`, which runs what names `$(MAKE)` all the same.
      for (const target of args) expect(run("make", "help")).toContain(`make ${target} `);
    } else if (program === "npm" && args[0] === "run") {
      const [, script = "", , workspace = ""] = args;
      const scripts = JSON.parse(run("npm", "pkg", "get", "scripts", "--workspace", workspace));
      expect(scripts[workspace]).toHaveProperty(script);
    } else if (program === "npm" && args[0] === "install") {
      const manifest = readFileSync(join(repository, "pkg/package.json"), "utf8");
      expect(args.slice(1)).toEqual([JSON.parse(manifest).name]);
    } else if (program === "node") {
      const scripts = args.filter((word) => word.endsWith(".mjs"));
      expect(scripts.length).toBeGreaterThan(0);
      for (const path of scripts) expect(existsSync(join(repository, path)), path).toBe(true);
    } else {
      const flags = [...line.replace(/^.*? -- /, "").matchAll(/--([\w-]+)/g)].map(
        ([, flag]) => flag,
      );
      expect(line).toMatch(/^cargo run -p session-server -- /);
      const help = run("cargo", "run", "--quiet", "-p", "session-server", "--", "--help");
      expect(flags.length).toBeGreaterThan(0);
      for (const flag of flags) expect(help).toContain(`--${flag} `);
    }
  },
  BUILD_TIMEOUT_MS,
);

test.each(["docs/architecture.md", "docs/protocol.md"])("%s names files that there are", (page) => {
  const paths = [
    ...textOf(page).matchAll(/`((?:[\w.-]+\/)+[\w.-]*|[\w-]+\.(?:rs|js|ts|tsx|mjs|toml))`/g),
  ];
  expect(paths.length).toBeGreaterThan(10);
  const missing = paths
    .map(([, path = ""]) => path)
    .filter((path) => !existsSync(join(repository, path)));
  expect(missing).toEqual([]);
});

test("the links in the documents lead to files that there are", () => {
  const pages = ["README.md", "CONTRIBUTING.md", ...pagesBelow("docs")];
  const targets = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\((?![\w+]+:|#)([^)#]+)/g)].map(([, path = ""]) =>
      join(dirname(page), path),
    ),
  );
  expect(targets.length).toBeGreaterThan(50);
  expect(targets.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
});

function pagesBelow(folder: string): string[] {
  const files = readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" });
  const pages = files.filter((file) => file.endsWith(".md") && !file.includes("node_modules"));
  return pages.map((page) => join(folder, page));
}
