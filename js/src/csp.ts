/** What to throw where the WebAssembly does not compile: a policy that forbids it is named, with the cure. */
export function compileError(cause: unknown): unknown {
  const isBlocked =
    cause instanceof Error && /unsafe-eval|Content.Security|CSP/i.test(cause.message);
  if (!isBlocked) return cause;
  return new Error(
    "The page's Content-Security-Policy blocks WebAssembly: add 'wasm-unsafe-eval' to its script-src.",
    { cause },
  );
}
