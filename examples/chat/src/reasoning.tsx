import { memo, useState } from "react";
import { Markdown } from "./markdown";

type Props = { text: string; isThinking: boolean };

/** What an agent thought before it answered. Folded: it is the answer that was asked for. */
export const Reasoning = memo(function Reasoning({ text, isThinking }: Props) {
  const [isOpen, setOpen] = useState(false);

  return (
    <details
      className="reasoning"
      data-testid="reasoning"
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        <span className={isThinking ? "thinking" : undefined}>
          {isThinking ? "Thinking…" : "Thoughts"}
        </span>
      </summary>
      {/* Out of sight it need not follow every word. What is complete is there for a search in the
          page, which opens the fold. */}
      {(isOpen || !isThinking) && <Markdown text={text} isStreaming={isThinking} />}
    </details>
  );
});
