// What is the same on all pages, and no matter of the guide.
import type { UIMessage } from "ai";
import { type ReactNode, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

/** What the page's address says of this. */
export function setting(name: "chat" | "service" | "proxy" | "who"): string {
  const value = new URLSearchParams(location.search).get(name);
  if (value === null) throw new Error(`The address has no ${name}.`);
  return value;
}

/** In development React runs every effect twice. */
export function show(page: ReactNode): void {
  createRoot(document.body).render(<StrictMode>{page}</StrictMode>);
}

export function textOf({ parts }: UIMessage): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

type Props = {
  messages: UIMessage[];
  status: string;
  error?: Error | undefined;
  /** Nothing can be said here. */
  isReadOnly?: boolean;
  onSend: (text: string) => void;
  /** More buttons. */
  children?: ReactNode;
};

/** The conversation, and a field for what comes next. */
export function Conversation({ messages, ...rest }: Props): ReactNode {
  return (
    <>
      {messages.map((message) => (
        <Said key={message.id} by={message.role}>
          {textOf(message)}
        </Said>
      ))}
      <Composer {...rest} />
    </>
  );
}

/** One message. */
export function Said({ by, children }: { by: UIMessage["role"]; children: ReactNode }): ReactNode {
  return <article className={by}>{children}</article>;
}

export function Composer(props: Omit<Props, "messages">): ReactNode {
  const { status, error, isReadOnly, onSend, children } = props;
  const [text, setText] = useState("");
  const send = () => {
    onSend(text);
    setText("");
  };
  return (
    <>
      <output>{status}</output>
      {error && <p role="alert">{error.message}</p>}
      <input
        aria-label="Message"
        disabled={isReadOnly}
        placeholder={isReadOnly ? "Active in another tab" : "Type a message..."}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <button type="button" onClick={send}>
        Send
      </button>
      {children}
    </>
  );
}
