//! The answer of an agent as a list of steps.

use std::time::Duration;

use super::chunk::{Chunk, Kind, Part};
use super::draft::Draft;
use crate::store::Closing;

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
    /// Whether messages that come while it is said are answered in it, where one step of the message
    /// ends and the next begins.
    is_steered: bool,
    /// Whether the session ends with it.
    pub(crate) closing: Option<Closing>,
    /// How many parts are begun.
    parts: usize,
}

impl Script {
    /// Says `text` word by word; the deltas put together are `text` to the byte.
    pub(crate) fn saying(text: &str, pace: Duration) -> Self {
        Self::of_parts(&[(Kind::Text, text)], pace)
    }

    /// Says several parts, one after the other, word by word.
    pub(crate) fn of_parts(parts: &[(Kind, &str)], pace: Duration) -> Self {
        let mut script = Self::default();
        script.step(parts, pace);
        script.then(Chunk::Finish);
        script
    }

    /// Tells the user what is wrong.
    pub(crate) fn failing(error_text: String) -> Self {
        let mut script = Self::default();
        script.then(Chunk::Error { error_text });
        script
    }

    /// Says nothing and ends the session.
    pub(crate) fn closing(closing: Closing) -> Self {
        Self { closing: Some(closing), ..Self::default() }
    }

    /// An answer, still to be written, that takes in messages while it is said.
    pub(crate) fn steered() -> Self {
        Self { is_steered: true, ..Self::default() }
    }

    /// The same answer in a message that begins so.
    pub(crate) fn begun_by(mut self, start: Chunk) -> Self {
        self.steps.insert(0, Step { pause: Duration::ZERO, chunk: start });
        self
    }

    /// Up to `most` chunks from this step on that come without a pause. None goes past a place where
    /// messages may be taken in.
    pub(crate) fn burst(&self, from: usize, most: usize) -> impl Iterator<Item = &Chunk> {
        let goes_on = move |(at, step): &(usize, &Step)| {
            *at == from || (step.pause.is_zero() && !self.takes_in(*at))
        };
        let steps = self.steps.iter().enumerate().skip(from).take(most);
        steps.take_while(goes_on).map(|(_, step)| &step.chunk)
    }

    /// Whether messages may be taken in at all.
    pub(crate) fn is_steered(&self) -> bool {
        self.is_steered
    }

    /// Whether messages that have come may be taken in before this step.
    pub(crate) fn takes_in(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.steps.get(before));
        self.is_steered && before.is_some_and(|step| step.chunk == Chunk::FinishStep)
    }

    /// Puts what is added here before the step at `at`.
    pub(crate) fn insert(&mut self, at: usize, add: impl FnOnce(&mut Self)) {
        let rest = self.steps.split_off(at);
        add(self);
        self.steps.extend(rest);
    }

    /// What ends the answer early, when its first `written` steps are said.
    pub(crate) fn cut_short(&self, written: usize) -> Vec<Chunk> {
        let said = self.steps.iter().take(written).map(|step| &step.chunk);
        Draft::of(said).ended_by([Chunk::Abort])
    }

    /// Adds a whole step of the message: these parts, word by word.
    pub(crate) fn step(&mut self, parts: &[(Kind, &str)], pace: Duration) {
        self.then(Chunk::StartStep);
        for (kind, text) in parts {
            self.part(*kind, text, pace);
        }
        self.then(Chunk::FinishStep);
    }

    /// Adds a part, word by word.
    pub(crate) fn part(&mut self, kind: Kind, text: &str, pace: Duration) {
        self.parts += 1;
        let part = Part::nth(self.parts, kind);
        self.then(part.start());
        for word in text.split_inclusive(char::is_whitespace) {
            self.after(pace, part.delta(word.to_owned()));
        }
        self.then(part.end());
    }

    /// Adds a chunk.
    pub(crate) fn then(&mut self, chunk: Chunk) {
        self.after(Duration::ZERO, chunk);
    }

    /// Adds a chunk that comes after a pause.
    pub(crate) fn after(&mut self, pause: Duration, chunk: Chunk) {
        self.steps.push(Step { pause, chunk });
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
