import { useSyncExternalStore } from "react";

/** The part of the address after `#`, kept current as the user goes back and forth. */
export function useHash(): string {
  return useSyncExternalStore(subscribe, readHash);
}

function readHash(): string {
  return location.hash.slice(1);
}

function subscribe(onChange: () => void): () => void {
  addEventListener("hashchange", onChange);
  return () => removeEventListener("hashchange", onChange);
}
