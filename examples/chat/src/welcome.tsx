import { useContext } from "react";
import { AgentsContext, suggestionsFor, useAgentName } from "./agents";

type Props = {
  agent: string;
  /** Unset where the chat has its agent already. */
  onAgentChange: ((id: string) => void) | undefined;
  /** Unset where nothing can be said any more. */
  onSuggestion: ((text: string) => void) | undefined;
};

export function Welcome({ agent, onAgentChange, onSuggestion }: Props) {
  const { list } = useContext(AgentsContext);
  const agentName = useAgentName(agent);

  return (
    <section className="welcome" aria-labelledby="welcome-title">
      <div className="welcome-content">
        <h2 id="welcome-title">
          {onAgentChange
            ? "Who would you like to talk to?"
            : `What would you like to say to ${agentName}?`}
        </h2>
        {onAgentChange && (
          <fieldset className="agents">
            <legend className="visually-hidden">Agent</legend>
            {list?.map(({ id, name, description }) => (
              <label key={id} className="agent">
                <input
                  type="radio"
                  name="agent"
                  value={id}
                  data-testid={`agent-${id}`}
                  checked={id === agent}
                  onChange={() => onAgentChange(id)}
                />
                <span className="agent-name">{name}</span>
                <span className="agent-description">{description}</span>
              </label>
            ))}
          </fieldset>
        )}
        {onSuggestion && (
          <ul className="suggestions" aria-label="Suggestions">
            {suggestionsFor(agent).map(({ label, text }) => (
              <li key={label}>
                <button type="button" className="chip" onClick={() => onSuggestion(text)}>
                  {label}
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}
