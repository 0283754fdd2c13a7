//! What agents say, in the chunks of the AI SDK's UI message stream.

use serde::{Deserialize, Serialize};

/// A `UIMessageChunk`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Chunk {
    Start { message_id: String },
    StartStep,
    ReasoningStart { id: String },
    ReasoningDelta { id: String, delta: String },
    ReasoningEnd { id: String },
    TextStart { id: String },
    TextDelta { id: String, delta: String },
    TextEnd { id: String },
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

/// What a part of a message is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Thinking aloud before the answer.
    Reasoning,
    /// The answer.
    Text,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) id: String,
}

impl Part {
    /// The `n`th part of a message, from 1 on.
    pub(crate) fn nth(n: usize, kind: Kind) -> Self {
        let name = match kind {
            Kind::Reasoning => "reasoning",
            Kind::Text => "text",
        };
        Self { kind, id: format!("{name}-{n}") }
    }

    /// The chunk that begins it.
    pub(crate) fn start(&self) -> Chunk {
        let id = self.id.clone();
        match self.kind {
            Kind::Reasoning => Chunk::ReasoningStart { id },
            Kind::Text => Chunk::TextStart { id },
        }
    }

    /// A chunk that says more of it.
    pub(crate) fn delta(&self, delta: String) -> Chunk {
        let id = self.id.clone();
        match self.kind {
            Kind::Reasoning => Chunk::ReasoningDelta { id, delta },
            Kind::Text => Chunk::TextDelta { id, delta },
        }
    }

    /// The chunk that ends it.
    pub(crate) fn end(&self) -> Chunk {
        let id = self.id.clone();
        match self.kind {
            Kind::Reasoning => Chunk::ReasoningEnd { id },
            Kind::Text => Chunk::TextEnd { id },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunk, Kind, Part};

    #[test]
    fn chunks_are_spelled_as_the_ai_sdk_spells_them() {
        let start = Chunk::Start { message_id: "m".to_owned() };
        assert_eq!(start.to_json(), r#"{"type":"start","messageId":"m"}"#);
        assert_eq!(Chunk::StartStep.to_json(), r#"{"type":"start-step"}"#);
        let thought = Part::nth(1, Kind::Reasoning).delta("hm".to_owned());
        let spelled = r#"{"type":"reasoning-delta","id":"reasoning-1","delta":"hm"}"#;
        assert_eq!(thought.to_json(), spelled);
        let error = Chunk::Error { error_text: "é".to_owned() };
        assert_eq!(error.to_json(), r#"{"type":"error","errorText":"é"}"#);
    }
}
