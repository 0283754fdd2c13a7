import { React } from "./peer.js";

/**
 * The value of the last render that was committed, so that a function with one identity for life can
 * use it.
 */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = React.useRef(value);
  // Before all other effects, those of child components as well: none of them meets an old value.
  React.useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
