export type Agent = {
  /** The task id the server knows the agent by. */
  id: string;
  name: string;
  description: string;
  suggestions: { label: string; text: string }[];
};

const echo: Agent = {
  id: "echo",
  name: "Echo",
  description: "Says back what you say.",
  suggestions: [
    { label: "Say hello", text: "Hello there!" },
    {
      label: "Some markdown",
      text: "Try **bold**, _italics_, `code` and a [link](https://example.com).",
    },
    { label: "A list", text: "- first\n- second\n  - nested\n- third" },
  ],
};

const story: Agent = {
  id: "story",
  name: "Story",
  description: "Tells one, as long and as fast as you like.",
  suggestions: [
    { label: "A short story", text: "Tell me a story: 120 words, 40 ms" },
    { label: "A longer one", text: "Tell me a story: 400 words, 20 ms" },
    { label: "A long one, fast", text: "Tell me a story: 3000 words, 1 ms" },
  ],
};

export const agents = [echo, story];
export const defaultAgent = echo;

export function agentName(id: string): string {
  return agents.find((agent) => agent.id === id)?.name ?? id;
}
