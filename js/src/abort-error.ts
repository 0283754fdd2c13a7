/** What a call is rejected with when nobody waits for it any more. */
export function abortError(): Error {
  return Object.assign(new Error("The chat request was aborted."), { name: "AbortError" });
}
