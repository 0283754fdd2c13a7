import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";

export default defineConfig(({ mode }) => {
  // In production the page and its server share an origin. In development Vite stands in
  // front and passes the server's paths on, so the page's code need not know the difference.
  const { SESSION_SERVER = "http://127.0.0.1:8787" } = loadEnv(mode, ".", "SESSION_SERVER");
  const proxy = Object.fromEntries(
    ["/app", "/api", "/realtime"].map((path) => [path, SESSION_SERVER]),
  );
  return { base: "./", plugins: [react()], server: { proxy } };
});
