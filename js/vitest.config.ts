import { defineConfig } from "vitest/config";

export default defineConfig({
  // A machine that has other things to do is slow. Nothing here is timed.
  test: { testTimeout: 60_000, hookTimeout: 60_000, setupFiles: ["src/patience.ts"] },
});
