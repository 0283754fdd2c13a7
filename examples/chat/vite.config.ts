import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";
import { proxyTo } from "../shared/proxy.ts";

export default defineConfig(({ mode }) => {
  const { SESSION_SERVER } = loadEnv(mode, ".", "SESSION_SERVER");
  return { base: "./", plugins: [react()], server: { proxy: proxyTo(SESSION_SERVER) } };
});
