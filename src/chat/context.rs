//! What every machine of a chat works with.

use super::action::{Action, Answer, CallId, RequestId, StreamId};
use super::error::ChatError;
use super::event::{ChatEvent, ClosedSource, LastSend};
use super::page::Page;
use super::session::{Cursor, Session};
use super::token::Credentials;
use crate::time::Time;
use crate::wire::record::Data;

/// How long a send is retried, unless the app says something else.
const SEND_TIMEOUT_MS: u64 = 60_000;

/// What a chat's machines share, beside its session.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) credentials: Credentials,
    pub(super) page: Page,
    /// Whether deltas may be merged while many wait.
    pub(super) coalesces: bool,
    /// Whether the chat is only watched: a stream shows whatever turns there are.
    pub(super) watches: bool,
    /// How long a send is retried.
    pub(super) send_timeout_ms: u64,
    last_request: u32,
    last_stream: u32,
}

impl Shared {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            page: Page::default(),
            coalesces: true,
            watches: false,
            send_timeout_ms: SEND_TIMEOUT_MS,
            last_request: 0,
            last_stream: 0,
        }
    }
}

/// The time of a fact, and where the orders go that follow from it.
pub(super) struct Context<'a> {
    pub(super) now: Time,
    pub(super) shared: &'a mut Shared,
    pub(super) out: &'a mut Vec<Action>,
}

impl<'a> Context<'a> {
    pub(super) fn new(now: Time, shared: &'a mut Shared, out: &'a mut Vec<Action>) -> Self {
        Self { now, shared, out }
    }

    pub(super) fn next_request(&mut self) -> RequestId {
        self.shared.last_request = self.shared.last_request.wrapping_add(1);
        RequestId(self.shared.last_request)
    }

    pub(super) fn next_stream(&mut self) -> StreamId {
        self.shared.last_stream = self.shared.last_stream.wrapping_add(1);
        StreamId(self.shared.last_stream)
    }

    pub(super) fn coalesces(&self) -> bool {
        self.shared.coalesces
    }

    pub(super) fn watches(&self) -> bool {
        self.shared.watches
    }

    pub(super) fn send_timeout_ms(&self) -> u64 {
        self.shared.send_timeout_ms
    }

    pub(super) fn page(&self) -> &Page {
        &self.shared.page
    }

    pub(super) fn can_start_session(&self) -> bool {
        self.shared.credentials.can_start_session()
    }

    pub(super) fn start_session(&mut self) {
        self.shared.credentials.start_session(self.now, self.out);
    }

    pub(super) fn refresh_token(&mut self) {
        self.shared.credentials.refresh(self.now, self.out);
    }

    /// Has a fresh token fetched where the present one is about to expire. Nobody waits for it: the
    /// present one may still do.
    pub(super) fn refresh_token_in_time(&mut self, session: &Session) {
        if session.wants_fresh_token(self.now) {
            self.refresh_token();
        }
    }

    pub(super) fn order(&mut self, action: Action) {
        self.out.push(action);
    }

    /// Tells the app how the session stands now.
    pub(super) fn persist(&mut self, session: &Session) {
        self.order(Action::Persist(session.persisted()));
    }

    /// Flips the session to closed and tells the app, once.
    pub(super) fn close_session(
        &mut self,
        session: &mut Session,
        reason: Option<&str>,
        source: ClosedSource,
    ) {
        if session.close(reason) {
            self.tell(ChatEvent::SessionClosed { reason: reason.map(ToOwned::to_owned), source });
            self.persist(session);
        }
    }

    /// Tells the first chunk of a turn.
    pub(super) fn tell_first_chunk(
        &mut self,
        data: &Data<'_>,
        last_event_id: Option<String>,
        session: &Session,
    ) {
        self.tell(ChatEvent::FirstChunk {
            chunk_type: data.chunk_type.as_deref().map(ToOwned::to_owned),
            last_event_id,
            attribution: LastSend::attribution(session.last_send.as_ref(), self.now),
        });
    }

    /// Tells a turn's end, where the session stands now.
    pub(super) fn tell_turn_completed(
        &mut self,
        session_in_event_id: Option<String>,
        session: &Session,
    ) {
        self.tell(ChatEvent::TurnCompleted {
            last_event_id: session.cursor.as_ref().map(Cursor::to_text),
            session_in_event_id,
            attribution: LastSend::attribution(session.last_send.as_ref(), self.now),
        });
    }

    pub(super) fn tell(&mut self, event: ChatEvent) {
        self.order(Action::Tell(event));
    }

    pub(super) fn resolve(&mut self, call: CallId, answer: Answer) {
        self.order(Action::Resolve { call, answer });
    }

    pub(super) fn reject(&mut self, call: CallId, error: ChatError) {
        self.order(Action::Reject { call, error });
    }
}
