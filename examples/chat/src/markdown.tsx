import { memo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import remend from "remend";
import { CodeBlock } from "./code-block";

type Props = { text: string; isStreaming: boolean };

/**
 * What an agent writes is not trusted: react-markdown builds elements, never HTML from text, and
 * drops links such as `javascript:`.
 */
export const Markdown = memo(function Markdown({ text, isStreaming }: Props) {
  return (
    <div className="markdown">
      <ReactMarkdown remarkPlugins={plugins} components={components}>
        {/* Closes what is still open, so that `**bold` does not show its asterisks meanwhile. */}
        {isStreaming ? remend(text) : text}
      </ReactMarkdown>
    </div>
  );
});

const plugins = [remarkGfm];

const components: Components = {
  // The page's own heading is level one.
  h1: "h2",
  h2: "h3",
  h3: "h4",
  h4: "h5",
  h5: "h6",
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noreferrer">
      {children}
    </a>
  ),
  // An image is fetched as soon as it shows, and its address can carry the chat's content away.
  img: ({ src, alt }) => (
    <a href={src} target="_blank" rel="noreferrer">
      {alt || src}
    </a>
  ),
  // The box of a task list.
  input: ({ checked, disabled, type }) => (
    <input
      type={type}
      checked={checked}
      disabled={disabled}
      readOnly
      aria-label={checked ? "Done" : "To do"}
    />
  ),
  pre: ({ children }) => <CodeBlock>{children}</CodeBlock>,
  table: ({ children }) => (
    <div className="table-scroller" role="group" aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
};
