//! What agents say, in the chunks of the AI SDK's UI message stream.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A `UIMessageChunk`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Chunk {
    Start(Start),
    StartStep,
    ReasoningStart {
        id: String,
    },
    ReasoningDelta {
        id: String,
        delta: String,
    },
    ReasoningEnd {
        id: String,
    },
    TextStart {
        id: String,
    },
    TextDelta {
        id: String,
        delta: String,
    },
    TextEnd {
        id: String,
    },
    ToolInputStart {
        tool_call_id: String,
        tool_name: String,
    },
    ToolInputDelta {
        tool_call_id: String,
        input_text_delta: String,
    },
    ToolInputAvailable {
        tool_call_id: String,
        tool_name: String,
        input: Value,
    },
    ToolApprovalRequest {
        approval_id: String,
        tool_call_id: String,
    },
    ToolOutputAvailable {
        tool_call_id: String,
        output: Value,
    },
    ToolOutputDenied {
        tool_call_id: String,
    },
    /// What an agent that works for this one says.
    #[serde(rename = "data-subagent")]
    SubAgent {
        data: Batch,
        transient: bool,
    },
    /// Where messages that came during the turn were taken into it.
    #[serde(rename = "data-pending-message-injected")]
    Injected {
        id: String,
        data: Injection,
    },
    FinishStep,
    Finish,
    Abort,
    Error {
        error_text: String,
    },
}

/// The beginning of a message, or of more of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Start {
    pub(crate) message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message_metadata: Option<Value>,
}

/// Chunks of an agent that works inside a tool call of another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Batch {
    pub(crate) tool_call_id: String,
    /// Counts the batches of the call, from 0 on.
    pub(crate) seq: usize,
    pub(crate) chunks: Vec<Chunk>,
}

/// Messages of the user that were taken into a running turn.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Injection {
    pub(crate) message_ids: Vec<String>,
    pub(crate) messages: Vec<Injected>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Injected {
    pub(crate) id: String,
    pub(crate) text: String,
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
    use super::{Batch, Chunk, Kind, Part, Start};

    #[test]
    fn chunks_are_spelled_as_the_ai_sdk_spells_them() {
        let start = Chunk::Start(Start { message_id: "m".to_owned(), message_metadata: None });
        assert_eq!(start.to_json(), r#"{"type":"start","messageId":"m"}"#);
        assert_eq!(Chunk::StartStep.to_json(), r#"{"type":"start-step"}"#);
        let thought = Part::nth(1, Kind::Reasoning).delta("hm".to_owned());
        let spelled = r#"{"type":"reasoning-delta","id":"reasoning-1","delta":"hm"}"#;
        assert_eq!(thought.to_json(), spelled);
        let error = Chunk::Error { error_text: "é".to_owned() };
        assert_eq!(error.to_json(), r#"{"type":"error","errorText":"é"}"#);
        let batch = Batch { tool_call_id: "c".to_owned(), seq: 0, chunks: vec![Chunk::Abort] };
        assert_eq!(
            Chunk::SubAgent { data: batch, transient: true }.to_json(),
            r#"{"type":"data-subagent","data":{"toolCallId":"c","seq":0,"chunks":[{"type":"abort"}]},"transient":true}"#
        );
    }
}
