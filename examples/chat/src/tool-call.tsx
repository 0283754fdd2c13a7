import { type DynamicToolUIPart, getToolName, type ToolUIPart, type UIMessage } from "ai";
import { useContext, useRef } from "react";
import { Icon } from "./icon";
import { PartsContext } from "./parts-context";
import { SubAgent } from "./sub-agent";

type ToolPart = ToolUIPart | DynamicToolUIPart;

/** `isLatest`: what its message asks can still be answered. */
export function ToolCall({ part, isLatest }: { part: ToolPart; isLatest: boolean }) {
  const { subAgentOf, onDecide } = useContext(PartsContext);
  const card = useRef<HTMLDivElement>(null);
  const name = inWords(getToolName(part));
  const isAsking = part.state === "approval-requested" && isLatest && onDecide !== undefined;
  const decide = (approved: boolean) => {
    if (part.approval) onDecide?.(part.approval.id, approved);
    // The buttons are about to go, and would take the keyboard's place in the page with them.
    card.current?.focus();
  };
  const subAgent =
    part.state === "output-available"
      ? (asMessage(part.output) ?? subAgentOf(part.toolCallId))
      : subAgentOf(part.toolCallId);

  return (
    <div
      ref={card}
      className="tool"
      data-testid="tool"
      data-state={part.state}
      role="group"
      aria-label={name}
      tabIndex={-1}
    >
      <p className="tool-head">
        <span className="tool-name">{name}</span>
        <ToolState part={part} isAsking={isAsking} />
      </p>
      <Fields value={part.input} />
      {part.state === "output-error" && <p className="tool-error">{part.errorText}</p>}
      {isAsking && (
        <div className="tool-question">
          <button type="button" className="button primary" onClick={() => decide(true)}>
            Allow
          </button>
          <button type="button" className="button" onClick={() => decide(false)}>
            Deny
          </button>
        </div>
      )}
      {subAgent && <SubAgent message={subAgent} isWorking={isRunning(part)} />}
    </div>
  );
}

/** Whether the call shows by itself that there is more to come. */
export function isRunning({ state }: ToolPart): boolean {
  return state === "input-streaming" || state === "input-available";
}

function ToolState({ part, isAsking }: { part: ToolPart; isAsking: boolean }) {
  if (part.state === "approval-requested") {
    return <span className="tool-state">{isAsking ? "Asks you first" : "Not decided"}</span>;
  }
  if (part.state === "output-error") {
    return (
      <span className="tool-state denied">
        <Icon name="alert" />
        Failed
      </span>
    );
  }
  if (part.approval?.approved !== undefined) {
    const { approved } = part.approval;
    return (
      <span className={approved ? "tool-state allowed" : "tool-state denied"}>
        <Icon name={approved ? "check" : "close"} />
        {approved ? "Allowed by you" : "Denied by you"}
      </span>
    );
  }
  if (isRunning(part)) return <span className="tool-state thinking">Working…</span>;
  return (
    <span className="tool-state allowed">
      <Icon name="check" />
      Done
    </span>
  );
}

/** The order to read a call in, where its fields are these: an app knows its tools. */
const readingOrder = ["to", "subject", "body", "task"];

/** What the tool is called with, as a list where it can be one. It grows while the agent writes it. */
function Fields({ value }: { value: unknown }) {
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null) {
    return <p className="plain-text">{inText(value)}</p>;
  }
  const place = (key: string) => readingOrder.indexOf(key) + 1 || readingOrder.length + 1;
  return (
    <dl className="fields">
      {Object.entries(value)
        .sort(([one], [other]) => place(one) - place(other))
        .map(([key, value]) => (
          <div key={key}>
            <dt>{inWords(key)}</dt>
            <dd>{inText(value)}</dd>
          </div>
        ))}
    </dl>
  );
}

function inText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** `send_email` and `sendEmail` as people write it. */
function inWords(name: string): string {
  const words = name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function asMessage(output: unknown): UIMessage | undefined {
  const message = output as Partial<UIMessage> | null | undefined;
  return Array.isArray(message?.parts) ? (message as UIMessage) : undefined;
}
