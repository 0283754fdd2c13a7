// What an app's bundler makes of the published client.
import type { Plugin } from "esbuild";

/** The published client names `node:` modules that it does not call in a browser. */
export const withoutNode: Plugin = {
  name: "without-node",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "node" }));
    onLoad({ filter: /.*/, namespace: "node" }, () => ({ contents: "module.exports = {}" }));
  },
};
