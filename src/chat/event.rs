//! Lifecycle events, as the app's `onEvent` is told them. The driver adds `chatId` and `timestamp`.

use super::error::ChatError;
use crate::time::Time;

/// Which path a send took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendSource {
    /// A message.
    SubmitMessage,
    /// A wish for the last answer anew.
    RegenerateMessage,
    /// An action of the app's own.
    Action,
    /// A message for the turn that runs.
    Steer,
    /// A stop.
    Stop,
    /// A chat's first message, to the app's own route.
    HeadStart,
}

impl SendSource {
    /// The name in the event.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SubmitMessage => "submit-message",
            Self::RegenerateMessage => "regenerate-message",
            Self::Action => "action",
            Self::Steer => "steer",
            Self::Stop => "stop",
            Self::HeadStart => "head-start",
        }
    }

    /// The path of that name; a submitted message where there is none.
    pub fn from_name(name: &str) -> Self {
        match name {
            "regenerate-message" => Self::RegenerateMessage,
            "action" => Self::Action,
            "steer" => Self::Steer,
            _ => Self::SubmitMessage,
        }
    }

    /// Whether an answer follows it.
    pub(super) const fn starts_turn(self) -> bool {
        !matches!(self, Self::Stop | Self::Steer)
    }

    /// Whether the answer's events name it: those of an action have no message to name.
    pub(super) const fn is_message(self) -> bool {
        matches!(self, Self::SubmitMessage | Self::RegenerateMessage | Self::HeadStart)
    }
}

/// How the client learnt that a run waits for its deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingVersionSource {
    /// From the creation of the session.
    Start,
    /// From the answer to an append.
    Send,
    /// From the app's own route, which had the first message.
    HeadStart,
    /// From a control record.
    Upgrade,
}

/// How the client learnt that a session is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedSource {
    /// From a record of `.out`.
    Stream,
    /// From the refusal of an append.
    Append,
}

/// What every event of a send tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendReport {
    /// The path it took.
    pub source: SendSource,
    /// The message that was sent.
    pub message_id: Option<String>,
    /// Its idempotency key, where it has one.
    pub part_id: Option<String>,
    /// How long its body was.
    pub body_bytes: usize,
    /// From the call's wish to its end.
    pub duration_ms: u64,
}

/// Which send an event of the answer belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribution {
    /// The message of the last send that started a turn.
    pub message_id: Option<String>,
    /// How long ago it was acknowledged.
    pub since_send_ms: Option<u64>,
}

/// A lifecycle event.
#[derive(Debug, Clone)]
pub enum ChatEvent {
    /// A send was acknowledged.
    MessageSent(SendReport),
    /// A send has failed for good.
    MessageSendFailed(SendReport, ChatError),
    /// A stream that the app holds has its first connection.
    StreamConnected {
        /// It resumes a turn that runs already.
        resumed: bool,
        /// The cursor it was opened from.
        last_event_id: Option<String>,
        /// The message of the last send.
        message_id: Option<String>,
    },
    /// The first chunk of a turn.
    FirstChunk {
        /// The chunk's `type`.
        chunk_type: Option<String>,
        /// The chunk's cursor.
        last_event_id: Option<String>,
        /// The send it answers.
        attribution: Attribution,
    },
    /// A turn has ended.
    TurnCompleted {
        /// The boundary's cursor.
        last_event_id: Option<String>,
        /// The `.in` seq that the turn had consumed.
        session_in_event_id: Option<String>,
        /// The send it answers.
        attribution: Attribution,
    },
    /// A stream has failed for good.
    StreamError(ChatError),
    /// The conversation is over, for good.
    SessionClosed {
        /// What the closer gave as its reason.
        reason: Option<String>,
        /// How the client learnt it.
        source: ClosedSource,
    },
    /// The run waits for a deployment.
    RunPendingVersion(PendingVersionSource),
}

/// The last send that started a turn.
#[derive(Debug, Clone)]
pub(super) struct LastSend {
    pub(super) message_id: Option<String>,
    pub(super) acknowledged_at: Time,
}

impl LastSend {
    pub(super) fn attribution(last: Option<&Self>, now: Time) -> Attribution {
        last.map(|send| Attribution {
            message_id: send.message_id.clone(),
            since_send_ms: Some(now.since(send.acknowledged_at)),
        })
        .unwrap_or_default()
    }
}
