import { useContext } from "react";
import { AgentsContext, suggestionsFor } from "./agents";

type Props = {
  agent: string;
  onAgentChange: (id: string) => void;
  onSuggestion: (text: string) => void;
};

export function Welcome({ agent, onAgentChange, onSuggestion }: Props) {
  const { list } = useContext(AgentsContext);

  return (
    <section className="welcome" aria-labelledby="welcome-title">
      <div className="welcome-content">
        <h2 id="welcome-title">Who would you like to talk to?</h2>
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
        <ul className="suggestions" aria-label="Suggestions">
          {suggestionsFor(agent).map(({ label, text }) => (
            <li key={label}>
              <button type="button" className="chip" onClick={() => onSuggestion(text)}>
                {label}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
