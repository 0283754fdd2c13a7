import { Icon } from "./icon";
import { models } from "./models";

type Props = { model: string; onPick: (model: string) => void };

/** Which model the next message asks for. */
export function ModelPicker({ model, onPick }: Props) {
  return (
    <div className="model-picker">
      <select
        data-testid="model"
        aria-label="Model"
        value={model}
        onChange={(event) => onPick(event.target.value)}
      >
        {models.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <Icon name="fold" />
    </div>
  );
}
