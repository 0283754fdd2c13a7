import { useContext } from "react";
import { PartsContext } from "./parts-context";

/** What the user said while the agent was answering, where the agent took it in. */
export function Injected({ part }: { part: unknown }) {
  const { isInjectionPoint, getInjectedMessages } = useContext(PartsContext);
  if (!isInjectionPoint(part)) return null;
  return getInjectedMessages(part).map(({ id, text }) => (
    <div key={id} className="injected" data-testid="injected" role="group" aria-label="You">
      <p className="plain-text">{text}</p>
    </div>
  ));
}
