import { compileError } from "./csp.js";

/** Does what compiles a WebAssembly, and says in words where it must not. */
export function compiling<Result>(compile: () => Result): Result {
  try {
    return compile();
  } catch (cause) {
    throw compileError(cause);
  }
}
