import { vi } from "vitest";

// For the tests: a busy machine may take longer than the second that `waitFor` gives it.
const { waitFor } = vi;
vi.waitFor = (check, options) =>
  waitFor(check, typeof options === "object" ? { timeout: 30_000, ...options } : 30_000);
