import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, loadEnv } from "vite";
import { proxyTo } from "../shared/proxy.ts";

export default defineConfig(({ mode }) => {
  const { SESSION_SERVER } = loadEnv(mode, ".", "SESSION_SERVER");
  return { base: "./", plugins: [svelte()], server: { proxy: proxyTo(SESSION_SERVER) } };
});
