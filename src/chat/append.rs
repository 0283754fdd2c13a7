//! One append to `.in`: the request, a token that is renewed once, a session that is recreated once.
//!
//! ```text
//!            ┌──── 401, 403 ────▶ AwaitingToken ───┐
//! Sending ───┤                                      ├──▶ Sending
//!            └──── 404 ─────────▶ AwaitingSession ─┘
//!    │
//!    └──── any other answer ────▶ over: acknowledged, or failed
//! ```
//!
//! Every attempt sends the same bytes under the same part id, so that the service can tell a repeat.

use std::mem;

use super::action::{Action, CallId, PartId, RequestId, Send};
use super::context::Context;
use super::error::{ApiError, ChatError};
use super::event::{ChatEvent, ClosedSource, LastSend, PendingVersionSource, SendReport};
use super::session::Session;
use super::time::Time;
use crate::wire::answer::AppendAnswer;

/// Who waits for an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A call that wants the stream of the turn that the append starts; none once its transport is
    /// disposed.
    Turn(Option<CallId>),
    /// Nobody: the call was aborted while its message was on the way. The message may land, and then
    /// its turn has to be stopped.
    AbandonedTurn { stop: PartId },
    /// A call that wants to know whether the stop was delivered, and the turn that it was meant for.
    Stop { call: CallId, turn: u32 },
    /// Nobody: the stop of an aborted signal.
    UnattendedStop,
}

#[derive(Debug)]
enum State {
    Sending {
        request: RequestId,
        token_generation: u32,
    },
    AwaitingToken,
    AwaitingSession,
    /// A stop, while the message whose turn it is to end is on its way: it must not overtake it.
    Held,
}

/// An append that is under way.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) purpose: Purpose,
    send: Send,
    state: State,
    wanted_at: Time,
    has_renewed_token: bool,
    has_recreated_session: bool,
}

/// How an append ended.
pub(super) type Outcome = Result<AppendAnswer, ChatError>;

impl Append {
    /// Makes an append that is not sent yet.
    pub(super) fn hold(purpose: Purpose, send: Send, cx: &Context<'_>) -> Self {
        Self {
            purpose,
            send,
            state: State::Held,
            wanted_at: cx.now,
            has_renewed_token: false,
            has_recreated_session: false,
        }
    }

    /// Sends the first request.
    pub(super) fn begin(
        purpose: Purpose,
        send: Send,
        session: &Session,
        cx: &mut Context<'_>,
    ) -> Self {
        let mut append = Self::hold(purpose, send, cx);
        append.request(session, cx);
        append
    }

    /// Whether this request is this append's current one.
    pub(super) fn has_request(&self, id: RequestId) -> bool {
        matches!(self.state, State::Sending { request, .. } if request == id)
    }

    pub(super) fn is_sending(&self) -> bool {
        matches!(self.state, State::Sending { .. })
    }

    pub(super) fn is_held(&self) -> bool {
        matches!(self.state, State::Held)
    }

    /// The call that waits for the stream of the turn that this append begins.
    pub(super) fn turn_call(&self) -> Option<CallId> {
        match self.purpose {
            Purpose::Turn(call) => call,
            _ => None,
        }
    }

    pub(super) fn awaits_token(&self) -> bool {
        matches!(self.state, State::AwaitingToken)
    }

    pub(super) fn awaits_session(&self) -> bool {
        matches!(self.state, State::AwaitingSession)
    }

    /// Sends the same bytes again, with the session's token of now.
    pub(super) fn request(&mut self, session: &Session, cx: &mut Context<'_>) {
        let request = cx.next_request();
        self.state = State::Sending { request, token_generation: session.token_generation };
        cx.order(Action::Append {
            request,
            token: session.token.clone(),
            part_id: self.send.part_id.clone(),
            body: self.send.body.clone(),
        });
    }

    /// The service has answered. `None` while the append goes on.
    pub(super) fn answered(
        &mut self,
        status: u16,
        body: &str,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) -> Option<Outcome> {
        match status {
            200..=299 => Some(Ok(self.acknowledged(AppendAnswer::read(body), session, cx))),
            // Nobody waits for it, and it has not landed: it is not sent again.
            401 | 403 | 404 if matches!(self.purpose, Purpose::AbandonedTurn { .. }) => {
                Some(Err(self.failed(ChatError::Aborted, cx)))
            }
            401 | 403 if self.renew_token(session, cx) => None,
            404 if self.recreate_session(session, cx) => None,
            404 if !cx.can_start_session() => {
                let error = ChatError::Other(
                    "There is no such chat session, and no `startSession` to recreate it: pass it, or \
                     clear the stored state."
                        .to_owned(),
                );
                Some(Err(self.failed(error, cx)))
            }
            _ => {
                let error = ApiError::of_append(status, body);
                if error.is_session_closed() {
                    // An open stream reads on: the end of its answer is in `.out` as well.
                    let reason = error.closed_reason.as_deref();
                    cx.close_session(session, reason, ClosedSource::Append);
                }
                Some(Err(self.failed(ChatError::Api(error), cx)))
            }
        }
    }

    /// `false` when it was refused before, with another token.
    fn renew_token(&mut self, session: &Session, cx: &mut Context<'_>) -> bool {
        let State::Sending { token_generation, .. } = self.state else {
            return false;
        };
        if mem::replace(&mut self.has_renewed_token, true) {
            return false;
        }
        if token_generation < session.token_generation {
            // Its stream has asked for one already.
            self.request(session, cx);
            return true;
        }
        self.state = State::AwaitingToken;
        cx.refresh_token();
        true
    }

    fn recreate_session(&mut self, session: &mut Session, cx: &mut Context<'_>) -> bool {
        if let State::Sending { token_generation, .. } = self.state
            && token_generation < session.token_generation
        {
            // The session may have been created anew since.
            self.request(session, cx);
            return true;
        }
        // A session that is gone has nothing to stop.
        let is_worth_it = self.send.source.starts_turn() && cx.can_start_session();
        if self.has_recreated_session || !is_worth_it {
            return false;
        }
        self.has_recreated_session = true;
        session.is_lost = true;
        self.state = State::AwaitingSession;
        cx.start_session();
        true
    }

    fn acknowledged(
        &self,
        answer: AppendAnswer,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) -> AppendAnswer {
        if answer.pending_version {
            cx.tell(ChatEvent::RunPendingVersion(PendingVersionSource::Send));
        }
        if self.send.source.is_message() {
            session.last_send = Some(LastSend {
                message_id: self.send.message_id.clone(),
                acknowledged_at: cx.now,
            });
        }
        cx.tell(ChatEvent::MessageSent(self.report(cx)));
        answer
    }

    /// Tells the app that the append has failed for good.
    pub(super) fn failed(&self, error: ChatError, cx: &mut Context<'_>) -> ChatError {
        cx.tell(ChatEvent::MessageSendFailed(self.report(cx), error.clone()));
        error
    }

    fn report(&self, cx: &Context<'_>) -> SendReport {
        SendReport {
            source: self.send.source,
            message_id: self.send.message_id.clone(),
            part_id: self.send.part_id.0.clone(),
            body_bytes: self.send.body.len(),
            duration_ms: cx.now.since(self.wanted_at),
        }
    }
}
