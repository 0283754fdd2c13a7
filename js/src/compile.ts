import { compileError } from "./csp.js";

/** A WebAssembly that is compiled by the first call, synchronously: nothing happens at import. */
export function compiledOnce(compile: () => void): () => void {
  let isCompiled = false;
  return () => {
    if (isCompiled) return;
    try {
      compile();
      isCompiled = true;
    } catch (cause) {
      throw compileError(cause);
    }
  };
}
