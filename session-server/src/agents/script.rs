//! The answer of an agent as a list of steps.

use std::time::Duration;

use super::chunk::{Chunk, Kind, Part};
use super::draft::Draft;

/// A chunk and the pause before it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) pause: Duration,
    pub(crate) chunk: Chunk,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) steps: Vec<Step>,
}

impl Script {
    /// Says `text` word by word; the deltas put together are `text` to the byte.
    pub(crate) fn saying(text: &str, pace: Duration) -> Self {
        Self::of_parts(&[(Kind::Text, text)], pace)
    }

    /// Says several parts, one after the other, word by word.
    pub(crate) fn of_parts(parts: &[(Kind, &str)], pace: Duration) -> Self {
        let mut script = Self::default();
        script.then(Chunk::StartStep);
        for (number, (kind, text)) in (1..).zip(parts) {
            let part = Part::nth(number, *kind);
            script.then(part.start());
            for word in text.split_inclusive(char::is_whitespace) {
                script.steps.push(Step { pause: pace, chunk: part.delta(word.to_owned()) });
            }
            script.then(part.end());
        }
        script.then(Chunk::FinishStep);
        script.then(Chunk::Finish);
        script
    }

    /// Tells the user what is wrong.
    pub(crate) fn failing(error_text: String) -> Self {
        let mut script = Self::default();
        script.then(Chunk::Error { error_text });
        script
    }

    /// The same answer as the message of this id.
    pub(crate) fn of_message(mut self, message_id: String) -> Self {
        let start = Step { pause: Duration::ZERO, chunk: Chunk::Start { message_id } };
        self.steps.insert(0, start);
        self
    }

    /// What ends the answer early, when its first `written` steps are said.
    pub(crate) fn cut_short(&self, written: usize) -> Vec<Chunk> {
        let said = self.steps.iter().take(written).map(|step| &step.chunk);
        Draft::of(said).ended_by([Chunk::Abort])
    }

    fn then(&mut self, chunk: Chunk) {
        self.steps.push(Step { pause: Duration::ZERO, chunk });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Chunk, Kind, Script};

    #[test]
    fn deltas_put_together_are_the_text() {
        let text = "  two  spaces\n\nünï 日本語\u{2028}🎉 end ";
        let script = Script::saying(text, Duration::ZERO);
        let said: String = script
            .steps
            .iter()
            .filter_map(|step| match &step.chunk {
                Chunk::TextDelta { delta, .. } => Some(delta.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(said, text);
    }

    #[test]
    fn an_answer_cut_short_closes_the_part_that_is_open_and_no_other() {
        let parts = [(Kind::Reasoning, "a b"), (Kind::Text, "c d")];
        let script = Script::of_parts(&parts, Duration::ZERO);
        let thought = Chunk::ReasoningEnd { id: "reasoning-1".to_owned() };
        let text = Chunk::TextEnd { id: "text-2".to_owned() };
        assert_eq!(script.cut_short(1), [Chunk::Abort]);
        assert_eq!(script.cut_short(3), [thought, Chunk::Abort]);
        assert_eq!(script.cut_short(5), [Chunk::Abort]);
        assert_eq!(script.cut_short(7), [text, Chunk::Abort]);
        assert_eq!(script.cut_short(9), [Chunk::Abort]);
    }
}
