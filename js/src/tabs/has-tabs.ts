/** Whether there are other tabs to talk to. A server that renders pages has a channel as well. */
export function hasTabs(): boolean {
  const { document, WorkerGlobalScope } = globalThis as Record<string, unknown>;
  return typeof BroadcastChannel === "function" && Boolean(document ?? WorkerGlobalScope);
}
