// Builds a page of these tests with one of two Reacts, in a moment: no bundler of an app is tried here.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** Where each React is. */
const folderOf = { 18: "tests/react-18/node_modules", 19: "node_modules" };

/** The version of each React. */
export const reactVersions = { 18: "18.3.1", 19: "19.3.1" };

export type Major = keyof typeof folderOf;
export type Mode = "production" | "development";

/** What a page is built of. */
export interface PageBuild {
  /** The path of its TypeScript. */
  entry: string;
  /** The folder it is built into. */
  folder: string;
  react: Major;
  mode: Mode;
  /** Folders of packages that are taken in place of the workspace's, by name. */
  packages?: Record<string, string>;
}

/** Builds a page. Gives the packages that went into it, with their versions. */
export async function buildPage(page: PageBuild): Promise<Record<string, string[]>> {
  const { entry, folder, mode, packages } = page;
  const at = (name: string) => join(repository, folderOf[page.react], name);
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints: [entry],
    outfile: join(folder, "page.js"),
    bundle: true,
    format: "esm",
    metafile: true,
    jsx: "automatic",
    alias: { react: at("react"), "react-dom": at("react-dom"), ...packages },
    define: { "process.env.NODE_ENV": JSON.stringify(mode) },
    // React's directive means nothing in one bundle of a page.
    logOverride: { "ignored-directive": "silent" },
  });
  writeFileSync(
    join(folder, "index.html"),
    '<!doctype html><link rel="icon" href="data:," /><body><script type="module" src="/page.js"></script>',
  );
  const versions: Record<string, string[]> = {};
  const folders = Object.keys(metafile.inputs).flatMap(
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path) ?? [],
  );
  for (const path of new Set(folders)) {
    const manifest = readFileSync(join(repository, path, "package.json"), "utf8");
    const { name, version } = JSON.parse(manifest);
    versions[name] = [...(versions[name] ?? []), version];
  }
  return versions;
}
