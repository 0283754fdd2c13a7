// React, imported once for all hooks: bundlers keep each import of it, also those of hooks that a page
// does not use.
export {
  useCallback,
  useEffect,
  useInsertionEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
