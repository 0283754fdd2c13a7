import { Icon } from "./icon";

type Props = {
  /** Unset where a notice offers it. */
  onAnswerAgain: (() => void) | undefined;
  onTakeBack: (() => void) | undefined;
};

/** What can be done about the last answer, below it. */
export function AnswerActions({ onAnswerAgain, onTakeBack }: Props) {
  return (
    <div className="answer-actions">
      {onAnswerAgain && (
        <button
          type="button"
          className="button-quiet"
          data-testid="regenerate"
          onClick={onAnswerAgain}
        >
          <Icon name="redo" />
          Answer again
        </button>
      )}
      {onTakeBack && (
        <button type="button" className="button-quiet" data-testid="take-back" onClick={onTakeBack}>
          <Icon name="undo" />
          Take back
        </button>
      )}
    </div>
  );
}
