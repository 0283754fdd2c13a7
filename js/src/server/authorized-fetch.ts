import type { ChatFetchOverride } from "../types.js";

/**
 * Sends requests with the secret key in place of the session token. It is written here, behind the
 * core, so that the core and what it persists never hold the key. `send` is the app's own `fetch`.
 */
export function authorizedFetch(secretKey: string, send?: ChatFetchOverride): ChatFetchOverride {
  return (url, init, context) => {
    // A plain object: see the type.
    const ordered = init.headers as Record<string, string>;
    const request = { ...init, headers: { ...ordered, Authorization: `Bearer ${secretKey}` } };
    // The global is looked up now: tests and instrumentation replace it.
    return send ? send(url, request, context) : globalThis.fetch(url, request);
  };
}
