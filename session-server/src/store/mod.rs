//! Everything that outlives the process: sessions with their channels, how far each agent has come,
//! and the demo app's chats.
//!
//! One trait, two stores behind it: `sqlite` keeps all in one file, for one machine; `s2` keeps all in
//! the streams of a log, for as many instances as there are. What is the same in both, down to the
//! bytes of `.out`, is said here.

mod records;
mod s2;
mod sqlite;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::input::Role;
use crate::time::{self, Millis};

pub(crate) use records::{Headers, OutPart, OutRecord};
pub(crate) use s2::{Endpoint, EndpointError, S2Store};
pub(crate) use sqlite::{OpenError, SqliteStore};

/// What a store call answers.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// An event stream, piece by piece: no piece is made before the one before it was taken.
pub(crate) type Events = BoxStream<'static, Result<Bytes>>;

/// Why a store fails a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("S2 does not answer: {0}")]
    Away(String),
    #[error("S2 refuses: {0}")]
    Refused(String),
    #[error("the store holds what cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// What all that is served rests on. A call that changes something does all of it or nothing, also
/// where the process is killed in the middle.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// The secret that signs session tokens; made once, so that tokens survive a restart.
    async fn signing_secret(&self) -> Result<Vec<u8>>;

    /// Puts a new secret in the place of the one that signs session tokens.
    async fn renew_signing_secret(&self) -> Result<Vec<u8>>;

    /// What the server is to know without having asked, from now on.
    async fn news(&self) -> Result<BoxStream<'static, News>>;

    /// The session with this `session_…` id or external id.
    async fn session(&self, name: &str) -> Result<Option<Session>>;

    /// Makes the session unless its external id is taken; true when it was made.
    async fn create_session(&self, new: &NewSession) -> Result<bool>;

    /// Closes the session for good and ends its running turn; the first reason stays.
    async fn close_session(&self, id: &str, reason: Option<&str>) -> Result<()>;

    /// Appends to `.in`, once per part id.
    async fn append_in(
        &self,
        session: &str,
        part_id: &str,
        role: Role,
        body: &str,
    ) -> Result<Append>;

    /// The next records of `.in` after `after`, or from the start: a page of them.
    async fn in_records(&self, session: &str, after: Option<u64>) -> Result<Vec<InRecord>>;

    /// `.out` from `from` on, as an event stream of S2: for a window that no record ends, or else up
    /// to its end. What was trimmed away is passed over; behind the end means at the end.
    async fn subscribe(&self, session: &str, from: u64, window: Option<Duration>)
    -> Result<Events>;

    /// Where `.out` ends.
    async fn out_tail(&self, session: &str) -> Result<Tail>;

    /// Whether the newest record of `.out` that is no command is a turn-complete.
    async fn is_settled(&self, session: &str) -> Result<bool>;

    /// The running turn, or else the next one, which then runs.
    async fn take_turn(&self, session: &str) -> Result<Position>;

    /// The `.in` record under this number.
    async fn in_record(&self, session: &str, seq: u64) -> Result<Option<InRecord>>;

    /// What came up to `seq`, and is more than a word on how to go on.
    async fn history(&self, session: &str, seq: u64) -> Result<Vec<InRecord>>;

    /// The user's messages that wait for the running turn to end.
    async fn waiting_questions(&self, session: &str) -> Result<Vec<InRecord>>;

    /// The answers that were kept, by the question they answer.
    async fn answers(&self, session: &str) -> Result<Answers>;

    /// Whether the running turn is to end: a stop has come for it, or the session was closed.
    /// A stop is heeded by `complete_turn`.
    async fn is_stopped(&self, session: &str) -> Result<bool>;

    /// Writes the next steps of the running turn; false when that is not this instance's any more,
    /// as when the session was closed meanwhile.
    async fn write_steps(&self, session: &str, parts: &[OutPart]) -> Result<bool>;

    /// Writes the next steps of the running turn, and with them takes these messages into it.
    async fn inject(&self, session: &str, parts: &[OutPart], messages: &[InRecord]) -> Result<()>;

    /// What is written of the running turn, chunk by chunk, as JSON.
    async fn turn_chunks(&self, session: &str) -> Result<Vec<Box<RawValue>>>;

    /// Ends the running turn: its last chunks, its turn-complete, and the trim to the one before.
    /// An answer takes the place of an earlier one to the same question.
    async fn complete_turn(
        &self,
        session: &str,
        parts: &[OutPart],
        token: String,
        end: End,
    ) -> Result<()>;

    /// All chats, the last used first.
    async fn chats(&self) -> Result<Vec<ChatSummary>>;

    /// One chat.
    async fn chat(&self, id: &str) -> Result<Option<Chat>>;

    /// Makes the chat, or changes what is given.
    async fn put_chat(
        &self,
        id: &str,
        title: Option<&str>,
        agent: Option<&str>,
        default_agent: &str,
    ) -> Result<()>;

    /// Saves the transcript, and `title` where the chat has none; false when there is no such chat.
    async fn save_messages(&self, id: &str, messages: &str, title: Option<&str>) -> Result<bool>;

    /// Saves the transport's state; false when there is no such chat.
    async fn save_chat_session(&self, id: &str, session: Option<&str>) -> Result<bool>;

    /// Forgets the chat; false when there was none.
    async fn delete_chat(&self, id: &str) -> Result<bool>;
}

/// The store that a server was started with.
pub(crate) type AnyStore = Arc<dyn Store>;

/// What a store tells by itself.
#[derive(Debug)]
pub(crate) enum News {
    /// The agent of this session may have something to do.
    Work(String),
    /// From now on this secret signs session tokens.
    Secret(Vec<u8>),
}

/// What a caller says about a session to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NewSession {
    pub(crate) external_id: String,
    pub(crate) kind: String,
    pub(crate) task_identifier: String,
    /// JSON.
    pub(crate) trigger_config: String,
    /// JSON.
    pub(crate) tags: String,
    /// JSON.
    pub(crate) metadata: Option<String>,
    pub(crate) expires_at: Option<Millis>,
    /// Whether the creation brings a message that the agent is to answer.
    pub(crate) boot_waits: bool,
}

/// A session row, as far as callers see it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) external_id: String,
    pub(crate) kind: String,
    pub(crate) task_identifier: String,
    pub(crate) trigger_config: String,
    pub(crate) run_id: String,
    pub(crate) tags: String,
    pub(crate) metadata: Option<String>,
    pub(crate) expires_at: Option<Millis>,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Millis,
    pub(crate) closed_at: Option<Millis>,
    pub(crate) closed_reason: Option<String>,
}

impl Session {
    /// Whether its time is over.
    pub(crate) fn has_expired(&self) -> bool {
        self.expires_at.is_some_and(|at| at <= time::now())
    }
}

/// A record of `.in`.
#[derive(Debug)]
pub(crate) struct InRecord {
    pub(crate) seq: u64,
    pub(crate) part_id: String,
    /// The chunk, as JSON text.
    pub(crate) body: String,
    /// Whether a turn that ran when it came has answered it.
    pub(crate) is_injected: bool,
}

/// What became of an append.
#[derive(Debug)]
pub(crate) enum Append {
    /// It landed under this sequence number.
    Landed(u64),
    /// Its part id was claimed before.
    Repeated,
    /// The session takes nothing any more.
    Closed(Option<String>),
}

/// Where a channel ends: the next sequence number, and the time of the last record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(crate) seq: u64,
    pub(crate) timestamp: Millis,
}

/// A turn that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// The `.in` record it answers; none for the message that came with the session's creation.
    pub(crate) input: Option<u64>,
    /// How many steps of the answer are written.
    pub(crate) step: usize,
}

/// What the agent of a session has to do.
#[derive(Debug)]
pub(crate) enum Position {
    /// Nothing, for good.
    Closed,
    /// Nothing until a record comes, or another instance is at it.
    Idle,
    /// To go on with this turn.
    Running(Turn),
}

/// What a turn leaves behind at its end.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// What to keep for later turns.
    pub(crate) answer: Option<Answer>,
    /// Whether the session ends with it.
    pub(crate) closing: Option<Closing>,
}

/// The end of a session, as its agent decides it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closing {
    pub(crate) reason: Option<String>,
}

/// What was answered, by the `.in` record that asked; none for what came with the session's creation.
pub(crate) type Answers = HashMap<Option<u64>, String>;

/// What was answered to a question of the user.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The `.in` record that asked; none for the message that came with the session's creation.
    pub(crate) question: Option<u64>,
    pub(crate) text: String,
}

/// A chat as the sidebar lists it.
#[derive(Clone, Debug)]
pub(crate) struct ChatSummary {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    pub(crate) agent: String,
    pub(crate) updated_at: Millis,
}

/// A chat with its transcript and the transport's saved state, both JSON.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) title: Option<String>,
    pub(crate) agent: String,
    pub(crate) messages: String,
    pub(crate) session: Option<String>,
}

/// An id nobody else has, such as `run_0a1b…`.
pub(crate) fn fresh_id(prefix: &str) -> String {
    format!("{prefix}_{:032x}", rand::random::<u128>())
}
