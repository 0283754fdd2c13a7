import { act, type ReactNode, StrictMode, useLayoutEffect } from "react";
import { createRoot } from "react-dom/client";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

/** For the tests: a hook in a component of its own, what it returned last, and in each commit. */
export async function renderHook<Props, Result>(
  hook: (props: Props) => Result,
  props: Props,
  { isStrict = true, inside = (children: ReactNode) => children } = {},
) {
  const commits: Result[] = [];
  function Probe({ props }: { props: Props }) {
    const result = hook(props);
    useLayoutEffect(() => {
      commits.push(result);
    });
    return null;
  }
  const root = createRoot(document.createElement("div"));
  const render = (props: Props) =>
    act(async () => {
      const probe = inside(<Probe props={props} />);
      root.render(isStrict ? <StrictMode>{probe}</StrictMode> : probe);
    });
  await render(props);
  return {
    commits,
    get result(): Result {
      const last = commits.at(-1);
      if (last === undefined) throw new Error("The hook has not been rendered.");
      return last;
    },
    render,
    unmount: () => act(async () => root.unmount()),
  };
}
