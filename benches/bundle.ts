// What an app's bundler makes of an import.
import { basename } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { withoutNode } from "../tests/e2e/support/without-node";

const forPages = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  plugins: [withoutNode],
  define: { "process.env.NODE_ENV": '"production"' },
  write: false,
  // React's directive means nothing in one bundle of a page; and esbuild says so, where it reaches the
  // package by a link.
  logOverride: { "ignored-directive": "silent" },
} satisfies BuildOptions;

/**
 * Leaves out what a client itself loads when it comes to need it. Not by `splitting`: with that, esbuild keeps
 * all of `ai` in the page (docs/tools.md).
 */
const withoutLater: Plugin = {
  name: "without-later",
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ kind }) =>
      kind === "dynamic-import" ? { external: true } : undefined,
    );
  },
};

/**
 * For a page; `external` are the packages that the app has anyway. `atFirst`: without what a bundler that
 * splits would put into files that are loaded later.
 */
export async function bundled(
  code: string,
  {
    external = [],
    minify = true,
    atFirst = false,
  }: { external?: string[]; minify?: boolean; atFirst?: boolean } = {},
): Promise<Uint8Array> {
  const { outputFiles } = await build({
    ...forPages,
    stdin: { contents: code, resolveDir: process.cwd(), loader: "ts" },
    minify,
    external,
    plugins: [...forPages.plugins, ...(atFirst ? [withoutLater] : [])],
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

/** The scripts of one app with these entries, by their names: what several of them need is in chunks. */
export async function split(entryPoints: string[]): Promise<Record<string, Uint8Array>> {
  const { outputFiles } = await build({ ...forPages, entryPoints, splitting: true, outdir: "." });
  return Object.fromEntries(outputFiles.map(({ path, contents }) => [basename(path), contents]));
}
