//! One append to `.in`: the same bytes under the same part id, until the service has them for sure.
//!
//! ```text
//! Queued ──▶ Requesting ──200, with its seq or at the first attempt──▶ over: acknowledged
//!              │    ▲
//!              │    ├── BackingOff ◀── no network, no answer, 408, 425, 429, 5xx, a proxy's page
//!              │    ├── Offline
//!              │    ├── AwaitingToken ◀── 401, 403
//!              │    └── AwaitingSession ◀── 404
//!              └──any other answer, the deadline──▶ over: failed
//! ```
//!
//! A `200` without a seq after a retry proves nothing: the service gives it to every repeat of a part
//! id, also to one whose first attempt has died. So the next request asks `.in/records` for the part
//! id, and if it is not there the same bytes go out again. Where the service has no such records, the
//! `200` has to do.
//!
//! It asks as well before it sends again what it sent long ago, after a sleep or an outage: the service
//! may have forgotten by then that it has the message, and would take it twice.

use std::mem;

use super::action::{Action, CallId, Input, PartId, RequestId, Send};
use super::backoff::Backoff;
use super::context::Context;
use super::error::{ApiError, ChatError};
use super::event::{ChatEvent, ClosedSource, LastSend, PendingVersionSource, SendReport};
use super::liveness::{AWAY_MS, Health, Watch};
use super::session::Session;
use crate::rules::{Rule, holds};
use crate::time::Time;
use crate::wire::answer::{AppendAnswer, Landing};

/// How long an answer may take, beside the time that the body takes to get there.
const ANSWER_PATIENCE_MS: u64 = 30_000;

/// How long an earlier attempt keeps the service from taking a later one as well. It says 5 minutes; an
/// attempt may still be under way for some of them.
const CLAIM_TRUSTED_MS: u64 = 180_000;

/// The slowest uplink that is waited for: 16 kB/s.
const BYTES_PER_MS: u64 = 16;

/// Who waits for an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A call that wants the stream of the turn that the append starts; none once its transport is
    /// disposed.
    Turn(Option<CallId>),
    /// Nobody: the call was aborted while its message was on the way. The message may land, and then
    /// its turn has to be stopped.
    AbandonedTurn { stop: PartId },
    /// A call that wants to know whether the stop was delivered.
    Stop(CallId),
    /// A call that wants to know that its message was, or why not, which begins no turn of its own.
    Steer(CallId),
    /// Nobody: the stop of an aborted signal.
    UnattendedStop,
}

#[derive(Debug)]
enum State {
    /// Behind another one: what is sent first lands first.
    Queued,
    Requesting {
        request: RequestId,
        token_generation: u32,
        watch: Watch,
    },
    BackingOff {
        until: Time,
        /// The service has asked for the pause.
        is_ordered: bool,
    },
    Offline,
    AwaitingToken,
    AwaitingSession,
}

/// What the next request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Append,
    /// To learn whether an earlier attempt has landed.
    Prove,
}

/// An append that is under way.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) purpose: Purpose,
    send: Send,
    state: State,
    step: Step,
    wanted_at: Time,
    /// After this no further attempt is made. Counted from the first one, and not while there is no
    /// network.
    give_up_at: Time,
    offline_since: Option<Time>,
    backoff: Backoff,
    /// Why the last attempt was none.
    last_error: ChatError,
    /// How many attempts were in vain.
    failures: u32,
    /// When the oldest attempt left that may have landed, as far as was asked.
    doubtful_since: Option<Time>,
    /// The answer that proves nothing.
    unproven: Option<AppendAnswer>,
    /// Nobody wants it any more, and when it was looked for it had not landed.
    is_stray: bool,
    has_renewed_token: bool,
    has_recreated_session: bool,
}

/// How an append ended.
pub(super) type Outcome = Result<AppendAnswer, ChatError>;

impl Append {
    /// Makes an append that is not sent yet.
    pub(super) fn queue(purpose: Purpose, send: Send, backoff: Backoff, cx: &Context<'_>) -> Self {
        Self {
            purpose,
            send,
            state: State::Queued,
            step: Step::Append,
            wanted_at: cx.now,
            give_up_at: cx.now,
            offline_since: None,
            backoff,
            last_error: ChatError::Other("The message could not be sent in time.".to_owned()),
            failures: 0,
            doubtful_since: None,
            unproven: None,
            is_stray: false,
            has_renewed_token: false,
            has_recreated_session: false,
        }
    }

    /// Sends the first request.
    pub(super) fn begin(&mut self, session: &Session, cx: &mut Context<'_>) {
        self.give_up_at = cx.now.after(cx.send_timeout_ms());
        self.offline_since = cx.page().is_offline.then_some(cx.now);
        self.request(session, cx);
    }

    /// Takes a fact about its request, or about the page. `None` while the append goes on.
    pub(super) fn take(
        &mut self,
        input: &Input<'_>,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) -> Option<Outcome> {
        match input {
            Input::Answered { request, status, retry_after_ms, body }
                if self.has_request(*request) =>
            {
                self.answered(*status, *retry_after_ms, body, session, cx)
            }
            Input::NetworkFailed { request, error } if self.has_request(*request) => {
                self.network_failed(ChatError::Foreign(*error), cx)
            }
            Input::Woken => self.woken(session, cx),
            _ => {
                self.page_told(input, session, cx);
                None
            }
        }
    }

    /// Takes a fact that ends no append.
    fn page_told(&mut self, input: &Input<'_>, session: &Session, cx: &mut Context<'_>) {
        match input {
            Input::Retry => self.retry_now(session, cx),
            Input::Online => self.went_online(session, cx),
            Input::Offline => self.went_offline(cx),
            Input::Shown if cx.page().was_away => self.returned(session, cx),
            _ => {}
        }
    }

    fn has_request(&self, id: RequestId) -> bool {
        matches!(self.state, State::Requesting { request, .. } if request == id)
    }

    pub(super) fn is_queued(&self) -> bool {
        matches!(self.state, State::Queued)
    }

    /// Whether a new session has a use for it.
    pub(super) fn starts_turn(&self) -> bool {
        self.send.source.starts_turn()
    }

    /// Whether the service may have its record.
    pub(super) fn may_have_landed(&self) -> bool {
        self.failures > 0 || matches!(self.state, State::Requesting { .. })
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

    /// When [`Append::woken`] is due.
    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Requesting { watch, .. } => Some(watch.due()),
            State::BackingOff { until, .. } => Some((*until).min(self.give_up_at)),
            _ => None,
        }
    }

    /// How many attempts were in vain and when the next one is due, once there was one.
    pub(super) fn retrying(&self) -> Option<(u32, Option<Time>)> {
        let next_try = match self.state {
            State::BackingOff { until, .. } => Some(until),
            _ => None,
        };
        (self.failures > 0).then_some((self.failures, next_try))
    }

    pub(super) fn is_offline(&self) -> bool {
        matches!(self.state, State::Offline)
    }

    /// Sends the next request, with the session's token of now.
    pub(super) fn request(&mut self, session: &Session, cx: &mut Context<'_>) {
        cx.refresh_token_in_time(session);
        let request = cx.next_request();
        let token = session.token.clone();
        self.doubt(cx);
        self.state = State::Requesting {
            request,
            token_generation: session.token_generation,
            watch: Watch::begin(cx.now),
        };
        cx.order(match self.step {
            Step::Append => Action::Append {
                request,
                token,
                part_id: self.part_id(),
                body: self.send.body.clone(),
            },
            // What this client sent before lies before it.
            Step::Prove => Action::ListInput { request, token, after: session.newest_input_seq },
        });
    }

    /// What may have landed so long ago that a repeat could land beside it is looked for first.
    fn doubt(&mut self, cx: &Context<'_>) {
        let is_old = |since: Time| {
            cx.now.since(since) >= CLAIM_TRUSTED_MS && holds(Rule::OldAttemptsAreLookedFor)
        };
        match self.doubtful_since {
            Some(since) if is_old(since) => self.step = Step::Prove,
            // Without a network no attempt gets anywhere.
            None if self.step == Step::Append && self.offline_since.is_none() => {
                self.doubtful_since = Some(cx.now);
            }
            _ => {}
        }
    }

    fn part_id(&self) -> PartId {
        if self.failures > 0 && !holds(Rule::RetriesKeepTheirPartId) {
            return PartId(self.send.part_id.0.clone() + "-again");
        }
        self.send.part_id.clone()
    }

    /// Nobody wants the answer any more. Whether the message has landed must be known all the same,
    /// for then its turn has to be stopped; but it is not sent again.
    pub(super) fn abandon(&mut self, stop: PartId) {
        self.purpose = Purpose::AbandonedTurn { stop };
        if !matches!(self.state, State::Requesting { .. }) {
            self.step = Step::Prove;
        }
    }

    // Answers

    /// The service has answered.
    fn answered(
        &mut self,
        status: u16,
        retry_after_ms: Option<u64>,
        body: &str,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) -> Option<Outcome> {
        self.notice_sleep(cx);
        let has_renewed_token = mem::take(&mut self.has_renewed_token);
        match status {
            200..=299 if self.step == Step::Prove => self.proven(body, session, cx),
            200..=299 => self.accepted(body, session, cx),
            // Older servers, and proxies that pass appends alone, have no list of records.
            404 | 405 | 501 if self.step == Step::Prove => self.unprovable(session, cx),
            401 | 403 if !has_renewed_token => self.renew_token(session, cx),
            408 | 425 | 429 | 500..=599 => {
                self.last_error = ChatError::Api(self.refusal(status, body));
                self.try_again(retry_after_ms, cx)
            }
            400..=499 if !holds(Rule::RefusalsAreFinal) => self.try_again(None, cx),
            404 => self.session_lost(session, cx),
            _ => {
                let error = self.refusal(status, body);
                if error.is_session_closed() {
                    // An open stream reads on: the end of its answer is in `.out` as well.
                    let reason = error.closed_reason.as_deref();
                    cx.close_session(session, reason, ClosedSource::Append);
                }
                Some(Err(self.failed(ChatError::Api(error), cx)))
            }
        }
    }

    fn refusal(&self, status: u16, body: &str) -> ApiError {
        ApiError::of_append(status, body, self.send.body.len())
    }

    /// A `200` to the append.
    fn accepted(
        &mut self,
        body: &str,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) -> Option<Outcome> {
        let Some(answer) = AppendAnswer::read(body) else {
            self.last_error = ChatError::Other(
                "Something between here and the service answered in its place.".to_owned(),
            );
            return self.try_again(None, cx);
        };
        let is_believed = self.failures == 0 || !holds(Rule::BareAnswersAreProven);
        if answer.seq.is_some() || is_believed {
            return Some(Ok(self.acknowledged(answer, session, cx)));
        }
        self.unproven = Some(answer);
        self.step = Step::Prove;
        self.request(session, cx);
        None
    }

    /// The answer of `.in/records`.
    fn proven(
        &mut self,
        body: &str,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) -> Option<Outcome> {
        match Landing::find(body, &self.send.part_id.0) {
            Landing::Landed { seq } => {
                let answer = AppendAnswer { seq, ..self.unproven.unwrap_or_default() };
                Some(Ok(self.acknowledged(answer, session, cx)))
            }
            // What is merely late lands yet, and then its turn has to be stopped.
            Landing::Missing if self.is_abandoned() => {
                self.is_stray = true;
                self.last_error = ChatError::Aborted;
                self.try_again(None, cx)
            }
            Landing::Missing => {
                self.step = Step::Append;
                // What the service was still at when it was asked may have landed since, or may yet. The
                // answer may be old: it waits while the machine sleeps.
                if let State::Requesting { watch, .. } = &self.state {
                    self.doubtful_since = Some(watch.alive_at());
                }
                self.last_error = ChatError::Unproven { part_id: self.send.part_id.clone() };
                self.try_again(None, cx)
            }
            Landing::Unreadable => self.unprovable(session, cx),
        }
    }

    /// There is no list of records to ask: the `200` has to do, where there was one. Else it is better
    /// to say so than to send twice.
    fn unprovable(&mut self, session: &mut Session, cx: &mut Context<'_>) -> Option<Outcome> {
        Some(match self.unproven {
            Some(answer) => Ok(self.acknowledged(answer, session, cx)),
            None if self.is_abandoned() => Err(self.failed(ChatError::Aborted, cx)),
            None => {
                let part_id = self.send.part_id.clone();
                Err(self.failed(ChatError::Unproven { part_id }, cx))
            }
        })
    }

    fn is_abandoned(&self) -> bool {
        matches!(self.purpose, Purpose::AbandonedTurn { .. })
    }

    /// Whether all that is left to do is to see that it does not land late: nobody has to wait for that.
    pub(super) fn is_stray(&self) -> bool {
        self.is_stray
    }

    /// It is no longer looked for.
    pub(super) fn let_go(&self, cx: &mut Context<'_>) -> ChatError {
        self.cancel_request(cx);
        self.failed(ChatError::Aborted, cx)
    }

    fn renew_token(&mut self, session: &Session, cx: &mut Context<'_>) -> Option<Outcome> {
        if self.is_abandoned() {
            if self.failures == 0 {
                // It has not landed, and is not sent again.
                return Some(Err(self.failed(ChatError::Aborted, cx)));
            }
            self.step = Step::Prove;
        }
        match self.state {
            // There is another one by now; its stream has asked for it, say.
            State::Requesting { token_generation, .. }
                if token_generation < session.token_generation =>
            {
                self.has_renewed_token = session.is_token_fresh;
                self.request(session, cx);
            }
            _ => {
                self.has_renewed_token = true;
                self.state = State::AwaitingToken;
                cx.refresh_token();
            }
        }
        None
    }

    /// The service does not know the session: it is created anew, once.
    fn session_lost(&mut self, session: &mut Session, cx: &mut Context<'_>) -> Option<Outcome> {
        if self.is_abandoned() {
            return Some(Err(self.failed(ChatError::Aborted, cx)));
        }
        if !cx.can_start_session() {
            session.is_gone = true;
            let error = ChatError::Other(
                "There is no such chat session, nor `startSession`: pass it, or clear the stored \
                 state."
                    .to_owned(),
            );
            return Some(Err(self.failed(error, cx)));
        }
        // A session that is gone has nothing to stop.
        if !self.starts_turn() || mem::replace(&mut self.has_recreated_session, true) {
            let error = ChatError::Api(self.refusal(404, ""));
            return Some(Err(self.failed(error, cx)));
        }
        session.is_lost = true;
        // Nothing has landed in the new one.
        self.failures = 0;
        self.doubtful_since = None;
        self.state = State::AwaitingSession;
        cx.start_session();
        None
    }

    /// The request found no network.
    fn network_failed(&mut self, error: ChatError, cx: &mut Context<'_>) -> Option<Outcome> {
        self.notice_sleep(cx);
        self.last_error = error;
        self.try_again(None, cx)
    }

    /// The attempt was in vain, and may have landed all the same.
    fn try_again(&mut self, retry_after_ms: Option<u64>, cx: &mut Context<'_>) -> Option<Outcome> {
        self.failures = self.failures.saturating_add(1);
        // The fresh token may have expired by the next one.
        self.has_renewed_token = false;
        if self.is_out_of_time(cx) {
            return Some(Err(self.given_up(cx)));
        }
        if self.is_abandoned() {
            self.step = Step::Prove;
        }
        let is_ordered = retry_after_ms.is_some();
        let ordered_ms = retry_after_ms.unwrap_or_default();
        let until = cx.now.after(self.backoff.next_delay_ms().max(ordered_ms));
        self.state = match self.offline_since {
            Some(_) => State::Offline,
            None => State::BackingOff { until, is_ordered },
        };
        None
    }

    // Time, and the page

    /// A deadline may have passed. `None` while the append goes on.
    fn woken(&mut self, session: &Session, cx: &mut Context<'_>) -> Option<Outcome> {
        self.deadline().filter(|due| *due <= cx.now)?;
        self.notice_sleep(cx);
        let patience_ms = self.patience_ms();
        if let State::Requesting { watch, .. } = &mut self.state {
            if watch.look(cx.now, Some(patience_ms), cx.page().is_hidden()) == Health::Sound {
                return None;
            }
            self.cancel_request(cx);
            let error = "The service did not answer in time.";
            self.last_error = ChatError::Other(error.to_owned());
            return self.try_again(None, cx);
        }
        if self.is_out_of_time(cx) {
            return Some(Err(self.given_up(cx)));
        }
        self.request(session, cx);
        None
    }

    /// The machine slept, if the timer comes far too late, or something else before it: there was no
    /// time to try. What passes without a network is not counted anyway.
    fn notice_sleep(&mut self, cx: &Context<'_>) {
        let late_ms = self.deadline().map_or(0, |due| cx.now.since(due));
        if late_ms >= AWAY_MS && self.offline_since.is_none() {
            self.give_up_at = self.give_up_at.after(late_ms);
        }
    }

    fn is_out_of_time(&self, cx: &Context<'_>) -> bool {
        let is_late = self.give_up_at <= cx.now && holds(Rule::SendsAreGivenUp);
        is_late && self.offline_since.is_none()
    }

    fn patience_ms(&self) -> u64 {
        let bytes = u64::try_from(self.send.body.len()).unwrap_or(u64::MAX);
        ANSWER_PATIENCE_MS.saturating_add(bytes / BYTES_PER_MS)
    }

    /// There is no network: the clock waits.
    fn went_offline(&mut self, cx: &Context<'_>) {
        if !self.is_queued() {
            self.notice_sleep(cx);
            self.offline_since.get_or_insert(cx.now);
        }
        if matches!(self.state, State::BackingOff { .. }) {
            self.state = State::Offline;
        }
    }

    /// There is a network again.
    fn went_online(&mut self, session: &Session, cx: &mut Context<'_>) {
        if let Some(since) = self.offline_since.take() {
            self.give_up_at = self.give_up_at.after(cx.now.since(since));
        }
        self.retry_now(session, cx);
    }

    /// Somebody looks, after a while: a pause that is only ours is over.
    fn returned(&mut self, session: &Session, cx: &mut Context<'_>) {
        if matches!(self.state, State::BackingOff { is_ordered: false, .. }) {
            self.retry_now(session, cx);
        }
    }

    /// Somebody asks for the next attempt.
    fn retry_now(&mut self, session: &Session, cx: &mut Context<'_>) {
        if matches!(self.state, State::BackingOff { .. } | State::Offline) {
            self.notice_sleep(cx);
            self.backoff.reset();
            self.request(session, cx);
        }
    }

    fn cancel_request(&self, cx: &mut Context<'_>) {
        if let State::Requesting { request, .. } = self.state {
            cx.order(Action::CancelRequest { request });
        }
    }

    // Ends

    fn acknowledged(
        &self,
        answer: AppendAnswer,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) -> AppendAnswer {
        session.is_gone = false;
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

    /// The time is up. Where the question whether it has landed went unanswered, that is what the app
    /// has to know, and not what became of the question.
    fn given_up(&self, cx: &mut Context<'_>) -> ChatError {
        let error = match self.step {
            Step::Append => self.last_error.clone(),
            Step::Prove if self.is_stray => ChatError::Aborted,
            Step::Prove => ChatError::Unproven { part_id: self.send.part_id.clone() },
        };
        self.failed(error, cx)
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
            part_id: Some(self.send.part_id.0.clone()),
            body_bytes: self.send.body.len(),
            duration_ms: cx.now.since(self.wanted_at),
        }
    }
}
