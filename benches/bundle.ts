// What an app's bundler makes of an import.
import { build } from "esbuild";
import { withoutNode } from "../tests/e2e/support/without-node";

/** For a page; `external` are the packages that the app has anyway. */
export async function bundled(
  code: string,
  { external = [], minify = true }: { external?: string[]; minify?: boolean } = {},
): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    minify,
    format: "esm",
    target: "es2022",
    platform: "browser",
    external,
    plugins: [withoutNode],
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
    // React's directive means nothing in one bundle of a page; and esbuild says so, where it reaches the
    // package by a link.
    logOverride: { "ignored-directive": "silent" },
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}
