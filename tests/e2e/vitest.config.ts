import { defineConfig } from "vitest/config";

// A browser and a bundler each take a whole machine of two cores: one file at a time.
export default defineConfig({ test: { fileParallelism: false } });
