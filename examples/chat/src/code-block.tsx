import { isValidElement, type ReactNode, useEffect, useRef, useState } from "react";
import { Icon } from "./icon";

const COPIED_MS = 2000;

export function CodeBlock({ children }: { children: ReactNode }) {
  const pre = useRef<HTMLPreElement>(null);
  const [copied, setCopied] = useState(false);

  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);

  const copy = async () => {
    await navigator.clipboard.writeText(pre.current?.textContent ?? "");
    setCopied(true);
  };

  return (
    <div className="code-block">
      <div className="code-head">
        <span>{languageOf(children) ?? "text"}</span>
        <button type="button" className="button-quiet" onClick={() => void copy()}>
          <Icon name={copied ? "check" : "copy"} />
          <span aria-live="polite">{copied ? "Copied" : "Copy"}</span>
        </button>
      </div>
      <pre ref={pre} tabIndex={0}>
        {children}
      </pre>
    </div>
  );
}

/** Markdown hands over `<code class="language-…">`. */
function languageOf(code: ReactNode): string | undefined {
  if (!isValidElement<{ className?: string }>(code)) return undefined;
  return /language-(\S+)/.exec(code.props.className ?? "")?.[1];
}
