import type { ReactNode } from "react";
import { Icon } from "./icon";

type Props = {
  title: string;
  /** What the user can do about it. */
  children: ReactNode;
  action?: { label: string; run: () => void } | undefined;
  onDismiss?: (() => void) | undefined;
};

export function Notice({ title, children, action, onDismiss }: Props) {
  return (
    <div className="notice" role="alert">
      <Icon name="alert" />
      <div className="notice-text">
        <strong>{title}</strong>
        <p>{children}</p>
      </div>
      {action && (
        <button type="button" className="button" onClick={action.run}>
          {action.label}
        </button>
      )}
      {onDismiss && (
        <button type="button" className="button-plain" aria-label="Dismiss" onClick={onDismiss}>
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
