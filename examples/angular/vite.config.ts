// No plugin: the compiler goes along in the page, see main.ts.
import { defineConfig, loadEnv } from "vite";
import { proxyTo } from "../shared/proxy.ts";

export default defineConfig(({ mode }) => {
  const { SESSION_SERVER } = loadEnv(mode, ".", "SESSION_SERVER");
  return { base: "./", server: { proxy: proxyTo(SESSION_SERVER) } };
});
