//! The first message of a chat, given to the app's own route, which answers it before there is a run.
//!
//! ```text
//! Requesting ──200 with a token──▶ Reading ──body ended──▶ Over: closed
//!      │                              └──broke off──▶ Over: failed
//!      └──any other answer, no network──▶ Over: rejected
//! ```
//!
//! The route's answer is an event stream of bare chunks, whose cursor comes as a record of its own,
//! behind the boundary: it is read to its end. It is asked for once, as the route takes every request
//! for a new message, and its body's end is the turn's end, boundary or not. (Source: `chat.headStart`
//! of the published SDK, whose route stitches the run's answer to its own.)

use std::mem;

use super::action::{Action, CallId, Input, RequestId, Send, StreamId};
use super::chunks::Chunks;
use super::connection::ConnectionState;
use super::context::Context;
use super::error::{ApiError, ChatError};
use super::event::{ChatEvent, LastSend, PendingVersionSource, SendReport, SendSource};
use super::session::{Cursor, Session, Turn};
use crate::time::Time;
use crate::wire::control::{Control, TurnComplete};
use crate::wire::event_stream::EventStreamDecoder;
use crate::wire::record::{Record, decode_v1};

/// A message that the app's own route has.
#[derive(Debug)]
pub(super) struct HeadStart {
    call: CallId,
    message_id: Option<String>,
    body_bytes: usize,
    wanted_at: Time,
    request: RequestId,
    stream: StreamId,
    state: State,
}

#[derive(Debug)]
enum State {
    Requesting,
    Reading(Body),
    Over,
}

/// The body of the route's answer.
#[derive(Debug)]
struct Body {
    decoder: EventStreamDecoder,
    chunks: Chunks,
    /// The consumer has room.
    is_wanted: bool,
    /// A read has been ordered and not answered.
    is_reading: bool,
    has_told_first_chunk: bool,
}

impl HeadStart {
    /// Gives a message to the route; `body` is what the route takes.
    pub(super) fn begin(call: CallId, send: Send, body: String, cx: &mut Context<'_>) -> Self {
        let begun = Self {
            call,
            message_id: send.message_id,
            body_bytes: body.len(),
            wanted_at: cx.now,
            request: cx.next_request(),
            stream: cx.next_stream(),
            state: State::Requesting,
        };
        cx.order(Action::HeadStart { request: begun.request, body });
        begun
    }

    pub(super) fn call(&self) -> CallId {
        self.call
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// What the app can show of it.
    pub(super) fn connection(&self) -> ConnectionState {
        match &self.state {
            State::Reading(body) if body.has_told_first_chunk => ConnectionState::Live,
            State::Reading(_) => ConnectionState::Waiting,
            State::Requesting | State::Over => ConnectionState::Connecting,
        }
    }

    /// Takes a fact about its stream or its request. The session is there once the route has answered.
    pub(super) fn take(
        &mut self,
        input: &Input<'_>,
        session: &mut Option<Session>,
        cx: &mut Context<'_>,
    ) {
        let mine = self.request;
        match (input, session) {
            (Input::HeadStarted { request, status, token, pending_version }, session)
                if *request == mine =>
            {
                self.connected(*status, token.clone(), *pending_version, session, cx);
            }
            (Input::Wanted { stream }, _) if *stream == self.stream => self.wanted(cx),
            (Input::Cancelled { stream }, _) if *stream == self.stream => self.detach(cx),
            (Input::Bytes { request, bytes }, Some(session)) if *request == mine => {
                self.bytes(bytes, session, cx);
            }
            (Input::Ended { request }, Some(session)) if *request == mine => {
                self.body_ended(session, cx);
            }
            (Input::NetworkFailed { request, error }, session) if *request == mine => {
                self.network_failed(ChatError::Foreign(*error), session.as_mut(), cx);
            }
            _ => {}
        }
    }

    // The answer

    /// `token` is that of the session that the route has created.
    fn connected(
        &mut self,
        status: u16,
        token: Option<String>,
        pending_version: bool,
        session: &mut Option<Session>,
        cx: &mut Context<'_>,
    ) {
        if !(200..=299).contains(&status) {
            return self.reject(ChatError::Api(ApiError::of_head_start(status)), cx);
        }
        let Some(token) = token else {
            let error = "The head-start route gave no session token: its answer needs the header \
                         `X-Trigger-Chat-Access-Token`, exposed where the route is of another origin.";
            return self.reject(ChatError::Other(error.to_owned()), cx);
        };
        let session = session.insert(Session::begin(token, Turn::Running { start: None }, cx.now));
        let message_id = self.message_id.clone();
        session.last_send = Some(LastSend { message_id, acknowledged_at: cx.now });
        cx.tell(ChatEvent::MessageSent(self.report(cx)));
        cx.persist(session);
        if pending_version {
            cx.tell(ChatEvent::RunPendingVersion(PendingVersionSource::HeadStart));
        }
        cx.tell(ChatEvent::StreamConnected {
            resumed: false,
            last_event_id: None,
            message_id: self.message_id.clone(),
        });
        cx.order(Action::OpenStream { call: self.call, stream: self.stream });
        self.state = State::Reading(Body {
            decoder: EventStreamDecoder::default(),
            chunks: Chunks::new(cx.coalesces()),
            is_wanted: false,
            is_reading: false,
            has_told_first_chunk: false,
        });
    }

    /// The consumer has room for more.
    fn wanted(&mut self, cx: &mut Context<'_>) {
        if let State::Reading(body) = &mut self.state {
            body.is_wanted = true;
            body.read_on(self.request, cx);
        }
    }

    /// The next bytes of the body.
    fn bytes(&mut self, bytes: &[u8], session: &mut Session, cx: &mut Context<'_>) {
        let State::Reading(body) = &mut self.state else {
            return;
        };
        body.is_reading = false;
        let Body { decoder, chunks, has_told_first_chunk, .. } = body;
        let decoded = decoder.push(bytes, |event| match decode_v1(event.data) {
            Record::Data(data) => {
                if !mem::replace(has_told_first_chunk, true) {
                    cx.tell_first_chunk(&data, None, session);
                }
                chunks.push(&data);
            }
            Record::Control { control: Control::TurnComplete(boundary), .. } => {
                turn_complete(&boundary, session, cx);
            }
            Record::Control { control: Control::SessionState { last_event_id }, .. } => {
                session.cursor = last_event_id.as_deref().map(Cursor::parse);
                cx.persist(session);
            }
            Record::Control { .. } | Record::Command | Record::Malformed => {}
        });
        if let Some(chunks) = body.chunks.take() {
            body.is_wanted = false;
            cx.order(Action::Emit { stream: self.stream, chunks });
        }
        body.read_on(self.request, cx);
        if let Err(error) = decoded {
            self.fail(error.into(), session, cx);
        }
    }

    // Ends

    /// Its turn is over, with the body.
    fn body_ended(&mut self, session: &mut Session, cx: &mut Context<'_>) {
        if !matches!(session.turn, Turn::Idle) {
            session.complete_turn();
            cx.persist(session);
        }
        self.state = State::Over;
        cx.order(Action::CloseStream { stream: self.stream });
    }

    /// There is no network, or the body broke off.
    fn network_failed(
        &mut self,
        error: ChatError,
        session: Option<&mut Session>,
        cx: &mut Context<'_>,
    ) {
        match (&self.state, session) {
            (State::Reading(_), Some(session)) => self.fail(error, session, cx),
            _ => self.reject(error, cx),
        }
    }

    /// Ends it well; whoever still waits for the route's answer is told that it was aborted.
    pub(super) fn close(&mut self, cx: &mut Context<'_>) {
        let is_open = matches!(self.state, State::Reading(_));
        self.detach(cx);
        if is_open {
            cx.order(Action::CloseStream { stream: self.stream });
        } else {
            self.reject(ChatError::Aborted, cx);
        }
    }

    /// Lets everything go, for a consumer that is gone already.
    fn detach(&mut self, cx: &mut Context<'_>) {
        self.state = State::Over;
        cx.order(Action::CancelRequest { request: self.request });
    }

    fn fail(&mut self, error: ChatError, session: &mut Session, cx: &mut Context<'_>) {
        self.detach(cx);
        session.complete_turn();
        cx.persist(session);
        cx.tell(ChatEvent::StreamError(error.clone()));
        cx.order(Action::FailStream { stream: self.stream, error });
    }

    /// The message was not taken.
    fn reject(&mut self, error: ChatError, cx: &mut Context<'_>) {
        self.detach(cx);
        cx.tell(ChatEvent::MessageSendFailed(self.report(cx), error.clone()));
        cx.reject(self.call, error);
    }

    fn report(&self, cx: &Context<'_>) -> SendReport {
        SendReport {
            source: SendSource::HeadStart,
            message_id: self.message_id.clone(),
            part_id: None,
            body_bytes: self.body_bytes,
            duration_ms: cx.now.since(self.wanted_at),
        }
    }
}

impl Body {
    /// Orders the next read, where one is wanted and none is under way.
    fn read_on(&mut self, request: RequestId, cx: &mut Context<'_>) {
        if self.is_wanted && !self.is_reading {
            self.is_reading = true;
            cx.order(Action::Read { request, rest_ms: 0 });
        }
    }
}

fn turn_complete(boundary: &TurnComplete<'_>, session: &mut Session, cx: &mut Context<'_>) {
    if let Some(token) = &boundary.public_access_token {
        session.take_token(token.clone().into_owned(), cx.now);
    }
    cx.tell_turn_completed(None, session);
    session.complete_turn();
    cx.persist(session);
}
