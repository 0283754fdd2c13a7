import type { UIMessage } from "ai";
import { Markdown } from "./markdown";

type Props = { message: UIMessage; isWorking: boolean };

/** What another agent says that works inside a tool call, while it says it. */
export function SubAgent({ message, isWorking }: Props) {
  return (
    <div className="sub-agent" data-testid="sub-agent">
      {message.parts.map(
        (part, index) =>
          // Parts are only ever added at the end, so their place identifies them.
          part.type === "text" && <Markdown key={index} text={part.text} isStreaming={isWorking} />,
      )}
    </div>
  );
}
