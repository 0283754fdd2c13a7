import * as React from "react";

// React, imported once for all hooks, and whole: bundlers keep each name of each import of it, also those of
// hooks that a page does not use.
export { React };
