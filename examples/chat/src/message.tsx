import type { UIMessage } from "ai";
import { memo } from "react";
import { Markdown } from "./markdown";

type Props = { message: UIMessage; agentName: string; isStreaming: boolean };

export function hasContent(message: UIMessage): boolean {
  return message.parts.some(
    (part) => (part.type === "text" || part.type === "reasoning") && part.text !== "",
  );
}

/** Memoized: while one message streams, the others need not render again. */
export const Message = memo(function Message({ message, agentName, isStreaming }: Props) {
  // An answer exists before its first word does.
  if (!hasContent(message)) return null;
  const author = message.role === "user" ? "You" : agentName;

  return (
    <article className="message" data-testid="message" data-role={message.role} aria-label={author}>
      {message.role === "assistant" && (
        <p className="author" aria-hidden="true">
          {author}
        </p>
      )}
      {message.parts.map((part, index) => {
        // Parts are only ever added at the end, so their place identifies them.
        if (part.type === "text") {
          return message.role === "user" ? (
            <p key={index} className="plain-text">
              {part.text}
            </p>
          ) : (
            <Markdown key={index} text={part.text} isStreaming={isStreaming} />
          );
        }
        if (part.type === "reasoning" && part.text !== "") {
          const isThinking = isStreaming && part.state === "streaming";
          return (
            <details key={index} className="reasoning">
              <summary>{isThinking ? "Thinking…" : "Thoughts"}</summary>
              <p className="plain-text">{part.text}</p>
            </details>
          );
        }
        return null;
      })}
    </article>
  );
});
