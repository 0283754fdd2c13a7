import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // A browser and a bundler each take a whole machine of two cores: one file at a time.
    fileParallelism: false,
    // A machine that has other things to do is slow. Nothing here is timed.
    testTimeout: 120_000,
    hookTimeout: 600_000,
    projects: [
      {
        extends: true,
        // Each test has its own service and clients: the two packages are loaded once for them all.
        test: { name: "contract", include: ["contract/*.test.ts"], isolate: false },
      },
      {
        extends: true,
        test: {
          name: "driven",
          exclude: [...configDefaults.exclude, "contract/**", "fixtures/**", "s2/**"],
        },
      },
      // Over S2: `make test-s2` runs it, and `make test` does not.
      { extends: true, test: { name: "s2", include: ["s2/*.test.ts"] } },
    ],
  },
});
