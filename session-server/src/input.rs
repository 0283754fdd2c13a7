//! What a client may write to `.in`, as far as the server has to understand it.

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use crate::json;

/// What a record of `.in` means to the agent's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A message of the user: begins a turn, and later turns may come back to it.
    Question,
    /// Begins a turn without a new message of the user.
    Turn,
    /// Ends the running turn.
    Stop,
    /// Needs no answer.
    Note,
}

impl Role {
    /// As the store writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Turn => "turn",
            Self::Stop => "stop",
            Self::Note => "note",
        }
    }
}

/// One `ChatInputChunk`.
#[derive(Debug)]
pub(crate) enum Input<'a> {
    Message(Payload<'a>),
    Stop,
    Handover,
    HandoverSkip,
}

impl<'a> Input<'a> {
    /// Reads a chunk, or says what is wrong with it.
    pub(crate) fn parse(json: &'a str) -> Result<Self, String> {
        let wire: Wire<'a> = json::object(json)?;
        match wire.kind.as_str() {
            "message" => {
                let payload = wire.payload.ok_or("a `message` needs a `payload`")?;
                let payload = Payload::parse(payload.get())?;
                if payload.trigger == Trigger::SubmitMessage && payload.message.is_none() {
                    return Err("`submit-message` needs a `message`".to_owned());
                }
                Ok(Self::Message(payload))
            }
            "stop" => Ok(Self::Stop),
            "handover" => match (wire.partial_assistant_message, wire.is_final) {
                (Some(_), Some(_)) => Ok(Self::Handover),
                _ => Err("a `handover` needs `partialAssistantMessage` and `isFinal`".to_owned()),
            },
            "handover-skip" => Ok(Self::HandoverSkip),
            other => Err(format!("unknown kind `{other}`")),
        }
    }

    /// What it means to the agent's queue.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::Message(payload) => payload.role(),
            Self::Stop => Role::Stop,
            Self::Handover => Role::Turn,
            Self::HandoverSkip => Role::Note,
        }
    }
}

/// The payload of a message, also found in a session's `triggerConfig.basePayload`.
#[derive(Debug, Deserialize)]
pub(crate) struct Payload<'a> {
    /// Only checked to be there.
    #[serde(rename = "chatId")]
    _chat_id: Text,
    pub(crate) trigger: Trigger,
    pub(crate) message: Option<Message>,
    #[serde(borrow)]
    pub(crate) metadata: Option<&'a RawValue>,
    /// What an `action` asks for.
    #[serde(borrow)]
    pub(crate) action: Option<&'a RawValue>,
    /// What was said before the message, where the session was made with it.
    #[serde(borrow, rename = "headStartMessages")]
    pub(crate) head_start_messages: Option<&'a RawValue>,
}

impl<'a> Payload<'a> {
    /// Reads a payload, or says what is wrong with it.
    pub(crate) fn parse(json: &'a str) -> Result<Self, String> {
        json::object(json).map_err(|error| format!("payload: {error}"))
    }

    /// What it means to the agent's queue.
    pub(crate) fn role(&self) -> Role {
        match self.trigger {
            Trigger::SubmitMessage => match &self.message {
                Some(message) if message.is_from_user() => Role::Question,
                Some(_) => Role::Turn,
                None => Role::Note,
            },
            Trigger::RegenerateMessage | Trigger::Action => Role::Turn,
            Trigger::Preload | Trigger::Close | Trigger::HandoverPrepare => Role::Note,
        }
    }
}

/// Why a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trigger {
    SubmitMessage,
    RegenerateMessage,
    Action,
    Preload,
    Close,
    HandoverPrepare,
}

/// A `UIMessage`, as far as agents read it.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    #[serde(default)]
    id: Text,
    role: String,
    #[serde(default)]
    parts: Vec<Part>,
}

impl Message {
    /// The id that the client knows it by.
    pub(crate) fn id(&self) -> &str {
        &self.id.0
    }

    /// Whether the user wrote it.
    pub(crate) fn is_from_user(&self) -> bool {
        self.role == "user"
    }

    /// The text of all its text parts.
    pub(crate) fn text(&self) -> String {
        self.parts
            .iter()
            .filter(|part| part.kind == "text")
            .filter_map(|part| serde_json::from_str::<Text>(part.text.as_deref()?.get()).ok())
            .map(|text| text.0)
            .collect()
    }

    /// What the user has decided on the tool calls that had asked.
    pub(crate) fn decisions(&self) -> Vec<Decision> {
        self.parts.iter().filter_map(Part::decision).collect()
    }
}

/// The user's answer to a tool call that needs approval.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) tool_call_id: String,
    pub(crate) approval_id: String,
    pub(crate) approved: bool,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    /// Unread unless this is a text part: what other parts name `text` is their own affair. So it is
    /// with the fields of tool parts.
    text: Option<Box<RawValue>>,
    state: Option<Box<RawValue>>,
    tool_call_id: Option<Box<RawValue>>,
    approval: Option<Box<RawValue>>,
}

impl Part {
    fn decision(&self) -> Option<Decision> {
        #[derive(Deserialize)]
        struct Approval {
            id: String,
            approved: bool,
            reason: Option<Text>,
        }
        if self.state.as_deref()?.get() != r#""approval-responded""# {
            return None;
        }
        let approval: Approval = serde_json::from_str(self.approval.as_deref()?.get()).ok()?;
        Some(Decision {
            tool_call_id: serde_json::from_str(self.tool_call_id.as_deref()?.get()).ok()?,
            approval_id: approval.id,
            approved: approval.approved,
            reason: approval.reason.map(|reason| reason.0),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    kind: String,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    partial_assistant_message: Option<Vec<de::IgnoredAny>>,
    is_final: Option<bool>,
}

/// A JSON string that JavaScript wrote. It may hold half a surrogate pair, which no Rust string can:
/// such a half becomes U+FFFD, as every browser shows it.
#[derive(Debug, Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lossy;
        impl Visitor<'_> for Lossy {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Text, E> {
                let mut text = String::with_capacity(bytes.len());
                for chunk in bytes.utf8_chunks() {
                    text.push_str(chunk.valid());
                    // Half a pair is three bytes, the first of them always this one.
                    if chunk.invalid().first() == Some(&0xED) {
                        text.push(char::REPLACEMENT_CHARACTER);
                    }
                }
                Ok(Text(text))
            }
        }
        deserializer.deserialize_bytes(Lossy)
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Input, Message, Role};

    fn role(json: &str) -> Result<Role, String> {
        Input::parse(json).map(|input| input.role())
    }

    #[test]
    fn each_kind_has_its_role() {
        let user = r#"{"kind":"message","payload":{"chatId":"c","trigger":"submit-message","message":{"role":"user","parts":[]}}}"#;
        let tool = r#"{"kind":"message","payload":{"chatId":"c","trigger":"submit-message","message":{"role":"assistant","parts":[]}}}"#;
        let again = r#"{"kind":"message","payload":{"chatId":"c","trigger":"regenerate-message"}}"#;
        let close = r#"{"kind":"message","payload":{"chatId":"c","trigger":"close"}}"#;
        assert_eq!(role(user), Ok(Role::Question));
        assert_eq!(role(tool), Ok(Role::Turn));
        assert_eq!(role(again), Ok(Role::Turn));
        assert_eq!(role(close), Ok(Role::Note));
        assert_eq!(role(r#"{"kind":"stop","message":"x"}"#), Ok(Role::Stop));
        assert_eq!(role(r#"{"kind":"handover-skip"}"#), Ok(Role::Note));
        assert_eq!(
            role(r#"{"kind":"handover","partialAssistantMessage":[{}],"isFinal":true}"#),
            Ok(Role::Turn)
        );
    }

    #[test]
    fn half_a_surrogate_pair_is_taken_and_shown_as_a_replacement() {
        let json = r#"{"kind":"message","payload":{"chatId":"c","trigger":"submit-message","message":{"role":"user","parts":[{"type":"text","text":"a\ud83db 🎉"}]}}}"#;
        let Ok(Input::Message(payload)) = Input::parse(json) else {
            panic!("not taken");
        };
        let text = payload.message.map(|message| message.text());
        assert_eq!(text.as_deref(), Some("a\u{fffd}b 🎉"));
    }

    #[test]
    fn decisions_are_read_from_the_tool_parts_that_hold_one() {
        let json = r#"{"id":"m","role":"assistant","parts":[
            {"type":"tool-a","toolCallId":"1","state":"approval-responded",
             "approval":{"id":"x","approved":false,"reason":"no"}},
            {"type":"tool-a","toolCallId":"2","state":"output-available","approval":{"id":"y","approved":true}},
            {"type":"data-a","state":7,"toolCallId":{},"approval":[]},
            {"type":"tool-a","state":"approval-responded"}]}"#;
        let message: Message = serde_json::from_str(json).expect("a message");
        let decision = Decision {
            tool_call_id: "1".to_owned(),
            approval_id: "x".to_owned(),
            approved: false,
            reason: Some("no".to_owned()),
        };
        assert_eq!((message.id(), message.decisions()), ("m", vec![decision]));
    }
}
