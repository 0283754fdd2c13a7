/**
 * What Vite passes on while it serves a page in development, so that the page and its server share an
 * origin there, as they do in production.
 */
export function proxyTo(server = "http://127.0.0.1:8787"): Record<string, string> {
  return Object.fromEntries(["/app", "/api", "/realtime"].map((path) => [path, server]));
}
