//! The answer of an agent as a list of steps, in the chunks of the AI SDK's UI message stream.

use std::time::Duration;

use serde::Serialize;

/// The id of the one text part of an answer.
const TEXT_ID: &str = "text-1";

/// A `UIMessageChunk`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Chunk {
    Start { message_id: String },
    StartStep,
    TextStart { id: &'static str },
    TextDelta { id: &'static str, delta: String },
    TextEnd { id: &'static str },
    FinishStep,
    Finish,
    Abort,
    Error { error_text: String },
}

impl Chunk {
    /// The chunk as JSON text.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings are always JSON")
    }
}

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
        let mut script = Self::default();
        script.then(Chunk::StartStep);
        script.then(Chunk::TextStart { id: TEXT_ID });
        for word in text.split_inclusive(char::is_whitespace) {
            script.steps.push(Step {
                pause: pace,
                chunk: Chunk::TextDelta { id: TEXT_ID, delta: word.to_owned() },
            });
        }
        script.then(Chunk::TextEnd { id: TEXT_ID });
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
        let mut open = None;
        for step in self.steps.iter().take(written) {
            match &step.chunk {
                Chunk::TextStart { id } => open = Some(*id),
                Chunk::TextEnd { .. } => open = None,
                _ => {}
            }
        }
        let mut chunks: Vec<_> = open.map(|id| Chunk::TextEnd { id }).into_iter().collect();
        chunks.push(Chunk::Abort);
        chunks
    }

    fn then(&mut self, chunk: Chunk) {
        self.steps.push(Step { pause: Duration::ZERO, chunk });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Chunk, Script};

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
    fn an_answer_cut_in_its_text_closes_the_text() {
        let script = Script::saying("a b", Duration::ZERO);
        let end = Chunk::TextEnd { id: super::TEXT_ID };
        assert_eq!(script.cut_short(3), [end, Chunk::Abort]);
        assert_eq!(script.cut_short(1), [Chunk::Abort]);
        assert_eq!(script.cut_short(6), [Chunk::Abort]);
    }

    #[test]
    fn chunks_are_spelled_as_the_ai_sdk_spells_them() {
        let start = Chunk::Start { message_id: "m".to_owned() };
        assert_eq!(start.to_json(), r#"{"type":"start","messageId":"m"}"#);
        assert_eq!(Chunk::StartStep.to_json(), r#"{"type":"start-step"}"#);
        let error = Chunk::Error { error_text: "é".to_owned() };
        assert_eq!(error.to_json(), r#"{"type":"error","errorText":"é"}"#);
    }
}
