import { createContext, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { listAgents } from "./api";

export type Agent = {
  /** The task id the server knows the agent by. */
  id: string;
  name: string;
  description: string;
};

export type Agents = {
  /** Unset while they are on their way, or when they cannot be loaded. */
  list?: Agent[];
  error?: unknown;
  reload: () => void;
};

type Suggestion = { label: string; text: string };

const suggestions: Record<string, Suggestion[]> = {
  echo: [
    { label: "Say hello", text: "Hello there!" },
    {
      label: "Some markdown",
      text: "Try **bold**, _italics_, `code` and a [link](https://example.com).",
    },
    { label: "A list", text: "- first\n- second\n  - nested\n- third" },
  ],
  story: [
    { label: "A short story", text: "Tell me a story: 120 words, 40 ms" },
    { label: "A longer one", text: "Tell me a story: 400 words, 20 ms" },
    { label: "A long one, fast", text: "Tell me a story: 3000 words, 1 ms" },
  ],
  reasoning: [
    { label: "A choice", text: "Should I take the ferry or the bridge?" },
    { label: "A plan", text: "How do I learn to read a map in a week?" },
  ],
  approval: [
    { label: "One email", text: "Tell Ada that the lighthouse is lit again." },
    { label: "Two emails", text: "Invite two people to the lighthouse on Friday." },
  ],
  steered: [
    { label: "A story to join in", text: "Tell me a story: 600 words, 30 ms" },
    { label: "A short one", text: "Tell me a story: 250 words, 60 ms" },
  ],
  team: [
    { label: "A question for two", text: "Should we open the lighthouse to visitors?" },
    { label: "A plan for two", text: "We rebuild the harbour by summer." },
  ],
  stumble: [{ label: "Let it stumble", text: "Is the sea calm today?" }],
  model: [
    { label: "Who are you?", text: "Who are you, in two sentences?" },
    { label: "Some code", text: "Write a function that reverses a string, in three languages." },
  ],
};

/** What a click sends to an agent, for those that the page knows. */
export function suggestionsFor(id: string): Suggestion[] {
  return suggestions[id] ?? [];
}

/** Whether an agent takes in what the user says while it answers. All others hear it afterwards. */
export function hearsMeanwhile(id: string): boolean {
  return id === "steered";
}

/** Whether an agent heeds the picked model. The agent `model` has its own. */
export function takesModel(id: string): boolean {
  return id !== "model";
}

export const AgentsContext = createContext<Agents>({ reload: () => {} });

/** Loads the agents that the server has: which there are depends on how it was started. */
export function useAgents(): Agents {
  const [state, setState] = useState<Omit<Agents, "reload">>({});
  const [attempt, setAttempt] = useState(1);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt asks anew
  useEffect(() => {
    // An earlier attempt may end after a later one.
    let isLatest = true;
    setState({});
    listAgents().then(
      (list) => isLatest && setState({ list }),
      (error: unknown) => isLatest && setState({ error }),
    );
    return () => {
      isLatest = false;
    };
  }, [attempt]);

  const reload = useCallback(() => setAttempt((attempt) => attempt + 1), []);
  return useMemo(() => ({ ...state, reload }), [state, reload]);
}

/** The agent's name; its id until the names are here. */
export function useAgentName(id: string): string {
  const { list } = useContext(AgentsContext);
  return list?.find((agent) => agent.id === id)?.name ?? id;
}
