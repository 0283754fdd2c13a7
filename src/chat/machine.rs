//! The chat itself: which call waits for what, and what an append's end means for the stream.

use std::mem;

use super::action::{Action, Answer, CallId, Input, PartId, Send};
use super::append::{self, Append, Outcome};
use super::backoff::Backoff;
use super::connection::ConnectionState;
use super::context::{Context, Shared};
use super::error::{ApiError, ChatError};
use super::event::{ChatEvent, PendingVersionSource, SendSource};
use super::head_start::HeadStart;
use super::page::{Page, Return};
use super::session::{Cursor, PersistedSession, Session, Turn};
use super::subscription::{self, Subscription};
use super::token::Credentials;
use crate::rules::{Rule, holds};
use crate::time::Time;
use crate::wire::answer::AppendAnswer;

/// The record of `.in` that stops the running turn.
const STOP_BODY: &str = r#"{"kind":"stop"}"#;

/// What waits for the session to exist.
#[derive(Debug)]
enum Waiting {
    Start(CallId),
    /// Without a call where nobody waits for the answer any more.
    Send(Option<CallId>, Send),
}

impl Waiting {
    fn call(&self) -> Option<CallId> {
        match self {
            Self::Start(call) => Some(*call),
            Self::Send(call, _) => *call,
        }
    }
}

/// One chat.
#[derive(Debug)]
pub struct Chat {
    id: String,
    seed: u64,
    shared: Shared,
    session: Option<Session>,
    /// Where the session is to start, once it is there.
    seed_cursor: Option<Cursor>,
    /// How the session stands in the tab that owns the chat, once it is there.
    adopted: Option<PersistedSession>,
    waiting: Vec<Waiting>,
    head_start: Option<HeadStart>,
    /// In the order of their calls; only the first one is under way, so that they land in it.
    appends: Vec<Append>,
    subscription: Option<Subscription>,
}

impl Chat {
    /// A chat with the app's id. `can_start_session`: the app gave a `startSession`. `seed` decides
    /// the jitter of all its waits.
    pub fn new(id: String, can_start_session: bool, seed: u64) -> Self {
        Self {
            id,
            seed,
            shared: Shared::new(Credentials::new(can_start_session)),
            session: None,
            seed_cursor: None,
            adopted: None,
            waiting: Vec::new(),
            head_start: None,
            appends: Vec::new(),
            subscription: None,
        }
    }

    /// Restores what the app had stored, before anything else happens.
    pub fn restore(&mut self, persisted: PersistedSession) {
        self.session = Some(Session::restore(persisted));
    }

    /// The persisted form of the session, where there is one.
    pub fn session(&self) -> Option<PersistedSession> {
        self.session.as_ref().map(Session::persisted)
    }

    /// The app has given a `startSession`, or taken it away.
    pub fn set_can_start_session(&mut self, can: bool) {
        self.shared.credentials.set_can_start_session(can);
    }

    /// Whether deltas are merged while many of them wait for the consumer. They are by default.
    pub fn set_coalesces(&mut self, coalesces: bool) {
        self.shared.coalesces = coalesces;
    }

    /// Whether the chat is only watched: its streams show whatever turns there are, and stay open. It
    /// is not by default.
    pub fn set_watches(&mut self, watches: bool) {
        self.shared.watches = watches;
    }

    /// How long a send is retried, in milliseconds; 60 s unless it is said. An attempt that is under
    /// way then is waited for.
    pub fn set_send_timeout(&mut self, ms: u64) {
        self.shared.send_timeout_ms = ms;
    }

    /// How the connection to the chat's answers is. Ask again after each fact.
    pub fn connection(&self) -> ConnectionState {
        if self.session.as_ref().is_some_and(|session| session.closed.is_some()) {
            return ConnectionState::Closed;
        }
        let message = self.appends.first().filter(|append| append.turn_call().is_some());
        if message.is_some_and(Append::is_offline) {
            return ConnectionState::Offline;
        }
        if let Some((attempt, next_try)) = message.and_then(Append::retrying) {
            return ConnectionState::Reconnecting { attempt, next_try };
        }
        match (&self.subscription, &self.head_start) {
            (Some(subscription), _) => subscription.state(),
            (None, Some(head_start)) => head_start.connection(),
            (None, None) if self.is_sending() => ConnectionState::Connecting,
            (None, None) => ConnectionState::Idle,
        }
    }

    /// Whether a call waits for its message to land.
    fn is_sending(&self) -> bool {
        !self.waiting.is_empty() || self.appends.iter().any(|append| append.turn_call().is_some())
    }

    /// When [`Input::Woken`] is due.
    pub fn deadline(&self) -> Option<Time> {
        let stream = self.subscription.as_ref().and_then(Subscription::deadline);
        let send = self.appends.first().and_then(Append::deadline);
        let callback = self.shared.credentials.deadline().filter(|_| self.is_active());
        stream.into_iter().chain(send).chain(callback).min()
    }

    /// Whether something is under way: a call, a send or a stream.
    pub fn is_active(&self) -> bool {
        let has_calls = !self.waiting.is_empty() || !self.appends.is_empty();
        has_calls || self.subscription.is_some() || self.head_start.is_some()
    }

    /// Takes a fact; appends the orders that follow from it to `out`.
    pub fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Vec<Action>) {
        match input {
            Input::Start { call } => self.want_session(Waiting::Start(call), now, out),
            Input::Send { call, send } => {
                self.want_session(Waiting::Send(Some(call), send), now, out);
            }
            Input::Reconnect { call } => self.reconnect(call, now, out),
            Input::Stop { call, part_id } => {
                self.send_aside(call, append::Purpose::Stop(call), stop_send(part_id), now, out);
            }
            Input::Steer { call, send } => {
                self.send_aside(call, append::Purpose::Steer(call), send, now, out);
            }
            Input::Retry => {
                self.wake_append(now, out, &mut Append::retry_now);
                self.with_subscription(now, out, &mut Subscription::retry_now);
            }
            Input::Online => {
                self.shared.page.is_offline = false;
                self.wake_append(now, out, &mut Append::went_online);
                if holds(Rule::OnlineConnects) {
                    self.with_subscription(now, out, &mut Subscription::reconnect_now);
                }
            }
            Input::Offline => {
                self.shared.page.is_offline = true;
                self.wake_append(now, out, &mut |append, _, cx| append.went_offline(cx));
                self.with_subscription(now, out, &mut |subscription, _, _| {
                    subscription.went_offline()
                });
            }
            Input::PutAway => self.with_subscription(now, out, &mut |subscription, _, cx| {
                subscription.put_away(cx);
            }),
            Input::Hidden => self.shared.page.hidden(now),
            Input::Shown => match self.shared.page.shown(now) {
                Return::Late => {
                    self.wake_append(now, out, &mut Append::returned);
                    self.with_subscription(now, out, &mut Subscription::returned);
                }
                Return::Early => self.with_subscription(now, out, &mut Subscription::hurry),
            },
            Input::SetSession(persisted) => self.set_session(persisted, out),
            Input::SeedCursor(cursor) => self.seed_cursor(&cursor, out),
            Input::Adopt(told) => self.adopt(told, out),
            Input::ClearGate => self.clear_gate(out),
            Input::Aborted { call, stop } => self.aborted(call, stop, now, out),
            Input::Disposed => self.disposed(now, out),
            Input::SessionStarted { token, pending_version } => {
                self.session_started(token, pending_version, now, out);
            }
            Input::StartFailed(error) => self.start_failed(&error, now, out),
            Input::TokenReady(token) => self.token_ready(token, now, out),
            Input::TokenFailed(error) => self.token_failed(&error, now, out),
            Input::Woken => {
                self.give_up_callbacks(now, out);
                self.with_append(now, out, &mut |append, session, cx| append.woken(session, cx));
                self.with_subscription(now, out, &mut Subscription::woken);
            }
            // What is left is about a request or a stream: whoever it concerns takes it.
            input => {
                self.with_append(now, out, &mut |append, session, cx| {
                    append.take(&input, session, cx)
                });
                self.with_subscription(now, out, &mut |subscription, session, cx| {
                    subscription.take(&input, session, cx);
                });
                self.with_head_start(now, out, &mut |head_start, session, cx| {
                    head_start.take(&input, session, cx);
                });
            }
        }
        self.let_go_of_stray(now, out);
        self.forget_gone(now, out);
        if !self.is_active() {
            // Nobody tells of the page while nothing is under way.
            self.shared.page = Page::default();
        }
    }

    /// Lets the open stream take a fact, and forgets it when it is over.
    fn with_subscription(
        &mut self,
        now: Time,
        out: &mut Vec<Action>,
        take: &mut dyn FnMut(&mut Subscription, &mut Session, &mut Context<'_>),
    ) {
        let (Some(subscription), Some(session)) = (&mut self.subscription, &mut self.session)
        else {
            return;
        };
        take(subscription, session, &mut Context::new(now, &mut self.shared, out));
        if subscription.is_over() {
            self.subscription = None;
        }
    }

    /// Lets the head start take a fact. Whoever has waited for its session, or its end, goes on.
    fn with_head_start(
        &mut self,
        now: Time,
        out: &mut Vec<Action>,
        take: &mut dyn FnMut(&mut HeadStart, &mut Option<Session>, &mut Context<'_>),
    ) {
        let Some(head_start) = &mut self.head_start else {
            return;
        };
        take(head_start, &mut self.session, &mut Context::new(now, &mut self.shared, out));
        self.head_start.take_if(|head_start| head_start.is_over());
        if self.session.is_some() || self.head_start.is_none() {
            for waiting in mem::take(&mut self.waiting) {
                self.want_session(waiting, now, out);
            }
        }
    }

    /// Lets the append that is under way take a fact, and acts on its end.
    fn with_append(
        &mut self,
        now: Time,
        out: &mut Vec<Action>,
        take: &mut dyn FnMut(&mut Append, &mut Session, &mut Context<'_>) -> Option<Outcome>,
    ) {
        let (Some(append), Some(session)) = (self.appends.first_mut(), &mut self.session) else {
            return;
        };
        if let Some(outcome) = take(append, session, &mut Context::new(now, &mut self.shared, out))
        {
            let append = self.appends.remove(0);
            self.append_over(append.purpose, outcome, now, out);
        }
    }

    /// The same, for what ends no append.
    fn wake_append(
        &mut self,
        now: Time,
        out: &mut Vec<Action>,
        take: &mut dyn FnMut(&mut Append, &Session, &mut Context<'_>),
    ) {
        self.with_append(now, out, &mut |append, session, cx| {
            take(append, session, cx);
            None
        });
    }

    // Calls of the app

    /// A call that needs the session: goes on now, or when the session is there.
    fn want_session(&mut self, mut waiting: Waiting, now: Time, out: &mut Vec<Action>) {
        if self.session.is_some() {
            return self.go_on(waiting, now, out);
        }
        let mut cx = Context::new(now, &mut self.shared, out);
        if self.head_start.is_some() {
            // Its route creates the session.
        } else if let Waiting::Send(Some(call), send) = &mut waiting
            && let Some(body) = send.head_start.take()
        {
            self.head_start = Some(HeadStart::begin(*call, send.clone(), body, &mut cx));
            return;
        } else if cx.can_start_session() {
            cx.start_session();
        } else if let Waiting::Start(call) = waiting {
            let error = "`startSession` is required to start a chat: pass it, or restore the session \
                         with `sessions`.";
            return cx.reject(call, ChatError::Other(error.to_owned()));
        } else {
            // The app creates its sessions elsewhere; a token is all that is missing.
            cx.refresh_token();
        }
        self.waiting.push(waiting);
    }

    /// The session is there.
    fn go_on(&mut self, waiting: Waiting, now: Time, out: &mut Vec<Action>) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut cx = Context::new(now, &mut self.shared, out);
        match waiting {
            Waiting::Start(call) => cx.resolve(call, Answer::Session(session.persisted())),
            Waiting::Send(call, _) if session.closed.is_some() => {
                let reason = session.closed.as_ref().and_then(|closed| closed.reason.as_deref());
                let error = ChatError::Api(ApiError::closed(&self.id, reason));
                reject_if_awaited(call, &error, &mut cx);
            }
            Waiting::Send(call, send) => {
                self.queue(append::Purpose::Turn(call), send, now, out);
            }
        }
    }

    fn reconnect(&mut self, call: CallId, now: Time, out: &mut Vec<Action>) {
        let is_streaming = self.subscription.is_some() || self.head_start.is_some();
        let mut cx = Context::new(now, &mut self.shared, out);
        let resumable = self.session.as_mut().filter(|session| {
            let may_run = session.turn != Turn::Idle || cx.watches();
            session.closed.is_none() && may_run && !is_streaming
        });
        let Some(session) = resumable else {
            return cx.resolve(call, Answer::Nothing);
        };
        session.replay();
        let mut purpose =
            subscription::Purpose { call, input_seq: session.active_input_seq, is_resumed: true };
        if cx.watches() {
            // Every turn is shown, whoever has sent what it answers, and whoever has stopped it.
            session.gate = None;
            purpose.input_seq = None;
        }
        let backoff = Backoff::new(self.seed);
        self.subscription = Some(Subscription::open(purpose, backoff, session, &mut cx));
    }

    /// A send that begins no turn: a stop, or a message for the turn that runs. It needs a session that
    /// is there.
    fn send_aside(
        &mut self,
        call: CallId,
        purpose: append::Purpose,
        send: Send,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        match &self.session {
            Some(session) if session.closed.is_none() => self.queue(purpose, send, now, out),
            _ => Context::new(now, &mut self.shared, out).resolve(call, Answer::Delivered(false)),
        }
    }

    fn set_session(&mut self, persisted: PersistedSession, out: &mut Vec<Action>) {
        let session = self.session.insert(Session::restore(persisted));
        if let Some(cursor) = self.seed_cursor.take() {
            session.seed(cursor);
        }
        out.push(Action::Persist(session.persisted()));
    }

    fn seed_cursor(&mut self, cursor: &str, out: &mut Vec<Action>) {
        let cursor = Cursor::parse(cursor);
        let Some(session) = &mut self.session else {
            self.seed_cursor = Some(cursor);
            return;
        };
        if session.seed(cursor) {
            out.push(Action::Persist(session.persisted()));
        }
    }

    fn adopt(&mut self, told: PersistedSession, out: &mut Vec<Action>) {
        if self.is_active() {
            return;
        }
        let Some(session) = &mut self.session else {
            self.adopted = Some(told);
            return;
        };
        let told = PersistedSession { public_access_token: session.token.clone(), ..told };
        session.adopt(told);
        out.push(Action::Persist(session.persisted()));
    }

    fn clear_gate(&mut self, out: &mut Vec<Action>) {
        if let Some(session) = &mut self.session
            && session.clear_gate()
        {
            out.push(Action::Persist(session.persisted()));
        }
    }

    /// A session that is new begins where the app has said.
    fn begin_session(&mut self, token: String, turn: Turn, now: Time) {
        let session = self.session.insert(Session::begin(token, turn, now));
        if let Some(told) = self.adopted.take() {
            session.adopt(told);
        }
        if let Some(cursor) = self.seed_cursor.take() {
            session.seed(cursor);
        }
    }

    /// The signal of a call was aborted: the call is answered at once, whatever it waits for, or its
    /// stream closes. Its turn is stopped, unless the app wants it to go on.
    fn aborted(&mut self, call: CallId, stop: Option<PartId>, now: Time, out: &mut Vec<Action>) {
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.call() == Some(call))
        {
            match waiting {
                Waiting::Send(call, _) if stop.is_none() => *call = None,
                _ => self.waiting.retain(|waiting| waiting.call() != Some(call)),
            }
            return Context::new(now, &mut self.shared, out).reject(call, ChatError::Aborted);
        }
        if self.appends.iter().any(|append| append.turn_call() == Some(call)) {
            return self.append_aborted(call, stop, now, out);
        }
        if self.head_start.as_ref().is_some_and(|head_start| head_start.call() == call) {
            return self.head_start_aborted(stop.is_some(), now, out);
        }
        let mut cx = Context::new(now, &mut self.shared, out);
        let (Some(subscription), Some(session)) = (&mut self.subscription, &mut self.session)
        else {
            return;
        };
        if subscription.call() != call {
            return;
        }
        subscription.close(&mut cx);
        if let Some(stop) = stop
            && session.has_outstanding_turn()
        {
            session.abandon_turn();
            cx.order(Action::Persist(session.persisted()));
            self.subscription = None;
            return self.queue_stop(stop, now, out);
        }
        self.subscription = None;
    }

    /// The route notices that nobody reads its answer: there is no run yet to be stopped, as far as is
    /// known.
    fn head_start_aborted(&mut self, stops_turn: bool, now: Time, out: &mut Vec<Action>) {
        self.with_head_start(now, out, &mut |head_start, session, cx| {
            head_start.close(cx);
            if let Some(session) = session
                && stops_turn
            {
                session.complete_turn();
                cx.order(Action::Persist(session.persisted()));
            }
        });
    }

    /// The message of an aborted call is on its way, or waits for its turn to be.
    fn append_aborted(
        &mut self,
        call: CallId,
        stop: Option<PartId>,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        let mut cx = Context::new(now, &mut self.shared, out);
        drop_held(&mut self.subscription, Some(call), &mut cx);
        let is_its = |append: &Append| append.turn_call() == Some(call);
        let Some(append) = self.appends.iter_mut().find(|append| is_its(append)) else {
            return;
        };
        match stop {
            // The turn is to go on.
            None => append.purpose = append::Purpose::Turn(None),
            Some(stop) if append.may_have_landed() => append.abandon(stop),
            Some(_) => {
                append.failed(ChatError::Aborted, &mut cx);
                self.appends.retain(|append| !is_its(append));
            }
        }
        Context::new(now, &mut self.shared, out).reject(call, ChatError::Aborted);
        self.send_next(now, out);
    }

    /// Puts an append behind the others.
    fn queue(&mut self, purpose: append::Purpose, send: Send, now: Time, out: &mut Vec<Action>) {
        let last = if holds(Rule::SendsWaitTheirTurn) { self.appends.len() } else { 0 };
        self.queue_at(last, purpose, send, now, out);
    }

    /// Stops the turn of an aborted call, before whatever waits: a later message must not be stopped.
    fn queue_stop(&mut self, stop: PartId, now: Time, out: &mut Vec<Action>) {
        let first = self.appends.iter().take_while(|append| !append.is_queued()).count();
        self.queue_at(first, append::Purpose::UnattendedStop, stop_send(stop), now, out);
    }

    fn queue_at(
        &mut self,
        place: usize,
        purpose: append::Purpose,
        send: Send,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        let cx = Context::new(now, &mut self.shared, out);
        self.appends.insert(place, Append::queue(purpose, send, Backoff::new(self.seed), &cx));
        self.send_next(now, out);
    }

    /// Sends the first append, if it is not under way, once there is a session to send it to.
    fn send_next(&mut self, now: Time, out: &mut Vec<Action>) {
        let (Some(append), Some(session)) = (self.appends.first_mut(), &self.session) else {
            return;
        };
        if !append.is_queued() || session.is_gone {
            return;
        }
        if let Some(closed) = &session.closed {
            let error = ChatError::Api(ApiError::closed(&self.id, closed.reason.as_deref()));
            return self.fail_append(&Append::is_queued, &error, now, out);
        }
        let mut cx = Context::new(now, &mut self.shared, out);
        if session.is_lost && append.starts_turn() && cx.can_start_session() {
            return cx.start_session();
        }
        append.begin(session, &mut cx);
        if self.head_start.is_none() {
            subscribe_early(&mut self.subscription, append, self.seed, session, &mut cx);
        }
    }

    /// The transport goes: nobody reads any more. A message that is on its way still goes out, for
    /// its turn belongs to the chat and not to this page.
    fn disposed(&mut self, now: Time, out: &mut Vec<Action>) {
        let mut cx = Context::new(now, &mut self.shared, out);
        self.waiting.retain_mut(|waiting| match waiting {
            Waiting::Start(call) => {
                cx.reject(*call, ChatError::Aborted);
                false
            }
            Waiting::Send(call, _) => {
                reject_if_awaited(call.take(), &ChatError::Aborted, &mut cx);
                true
            }
        });
        for append in &mut self.appends {
            if let append::Purpose::Turn(call) = &mut append.purpose {
                reject_if_awaited(call.take(), &ChatError::Aborted, &mut cx);
            }
        }
        close_stream(&mut self.subscription, &mut cx);
        close_head_start(&mut self.head_start, &mut cx);
    }

    // Answers of the app's callbacks

    fn session_started(
        &mut self,
        token: String,
        pending_version: bool,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        self.shared.credentials.started();
        if pending_version {
            out.push(Action::Tell(ChatEvent::RunPendingVersion(PendingVersionSource::Start)));
        }
        match &mut self.session {
            Some(session) if session.is_lost => {
                session.recreate(token, now);
                if let Some(subscription) = &mut self.subscription {
                    subscription.session_recreated(&mut Context::new(now, &mut self.shared, out));
                }
            }
            Some(session) => session.renew_token(token, now),
            None => self.begin_session(token, Turn::Idle, now),
        }
        self.session_renewed(now, out);
    }

    fn token_ready(&mut self, token: String, now: Time, out: &mut Vec<Action>) {
        self.shared.credentials.refreshed();
        match &mut self.session {
            Some(session) => session.renew_token(token, now),
            None => self.begin_session(token, Turn::Unknown, now),
        }
        self.session_renewed(now, out);
    }

    /// There is a new token: whoever waited for it goes on.
    fn session_renewed(&mut self, now: Time, out: &mut Vec<Action>) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut cx = Context::new(now, &mut self.shared, out);
        cx.order(Action::Persist(session.persisted()));
        for append in &mut self.appends {
            // A fresh token is of no use in a session that is still lost.
            if append.awaits_token() || (append.awaits_session() && !session.is_lost) {
                append.request(session, &mut cx);
            }
        }
        if let Some(subscription) = &mut self.subscription
            && subscription.awaits_token()
        {
            subscription.connect(session, &mut cx);
        }
        self.send_next(now, out);
        for waiting in mem::take(&mut self.waiting) {
            self.go_on(waiting, now, out);
        }
    }

    fn start_failed(&mut self, error: &ChatError, now: Time, out: &mut Vec<Action>) {
        self.shared.credentials.started();
        self.fail_waiting(error, now, out);
        // One that is first, and was not sent yet, waits for the session as well.
        let waits = |append: &Append| append.awaits_session() || append.is_queued();
        self.fail_append(&waits, error, now, out);
    }

    fn token_failed(&mut self, error: &ChatError, now: Time, out: &mut Vec<Action>) {
        self.shared.credentials.refreshed();
        self.fail_waiting(error, now, out);
        self.fail_append(&Append::awaits_token, error, now, out);
        self.with_subscription(now, out, &mut |subscription, session, cx| {
            if subscription.awaits_token() {
                subscription.fail(error.clone(), session, cx);
            }
        });
    }

    /// A callback that takes too long counts as failed.
    fn give_up_callbacks(&mut self, now: Time, out: &mut Vec<Action>) {
        self.shared.credentials.notice_sleep(now);
        if self.shared.credentials.is_start_overdue(now) {
            let error = "`startSession` has not answered for a minute.";
            self.start_failed(&ChatError::Other(error.to_owned()), now, out);
        }
        if self.shared.credentials.is_refresh_overdue(now) {
            let error = "`accessToken` has not answered for a minute.";
            self.token_failed(&ChatError::Other(error.to_owned()), now, out);
        }
    }

    fn fail_waiting(&mut self, error: &ChatError, now: Time, out: &mut Vec<Action>) {
        let mut cx = Context::new(now, &mut self.shared, out);
        for waiting in self.waiting.drain(..) {
            reject_if_awaited(waiting.call(), error, &mut cx);
        }
    }

    /// Fails the append that is under way, where it is concerned.
    fn fail_append(
        &mut self,
        is_concerned: &dyn Fn(&Append) -> bool,
        error: &ChatError,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        self.with_append(now, out, &mut |append, _, cx| {
            is_concerned(append).then(|| Err(append.failed(error.clone(), cx)))
        });
    }

    /// A message that nobody wants any more, and that has not arrived so far, keeps no other one waiting.
    fn let_go_of_stray(&mut self, now: Time, out: &mut Vec<Action>) {
        if self.appends.len() < 2 {
            return;
        }
        self.with_append(now, out, &mut |append, _, cx| {
            append.is_stray().then(|| Err(append.let_go(cx)))
        });
    }

    /// The service has lost the session for good: whoever waits for something in it is told, and the
    /// next send begins anew. A message that is on its way has the last word: it may land.
    fn forget_gone(&mut self, now: Time, out: &mut Vec<Action>) {
        if self.appends.first().is_some_and(|append| !append.is_queued()) {
            return;
        }
        let Some(mut session) = self.session.take_if(|session| session.is_gone) else {
            return;
        };
        let error = ChatError::Api(ApiError::of_subscribe(404));
        for append in mem::take(&mut self.appends) {
            append.failed(error.clone(), &mut Context::new(now, &mut self.shared, out));
            self.append_over(append.purpose, Err(error.clone()), now, out);
        }
        if let Some(mut subscription) = self.subscription.take() {
            let cx = &mut Context::new(now, &mut self.shared, out);
            subscription.fail(error, &mut session, cx);
        }
        out.push(Action::Forget);
    }

    // Answers to appends

    fn append_over(
        &mut self,
        purpose: append::Purpose,
        outcome: Outcome,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        let mut cx = Context::new(now, &mut self.shared, out);
        match (purpose, outcome) {
            (append::Purpose::Turn(call), Ok(answer)) => self.turn_sent(call, answer, now, out),
            (append::Purpose::Turn(call), Err(error)) => {
                drop_held(&mut self.subscription, call, &mut cx);
                reject_if_awaited(call, &error, &mut cx);
            }
            (append::Purpose::AbandonedTurn { stop }, Ok(answer)) => {
                self.abandoned_turn_sent(stop, answer, now, out);
            }
            (append::Purpose::Stop(call), Ok(_)) => self.stopped(call, now, out),
            (append::Purpose::Steer(call), Ok(_)) => cx.resolve(call, Answer::Delivered(true)),
            (append::Purpose::Stop(call), Err(_)) => cx.resolve(call, Answer::Delivered(false)),
            (append::Purpose::Steer(call), Err(error)) => cx.reject(call, error),
            (append::Purpose::AbandonedTurn { .. }, Err(_))
            | (append::Purpose::UnattendedStop, _) => {}
        }
        self.send_next(now, out);
    }

    /// The message has landed: its turn supersedes whatever stream is open.
    fn turn_sent(
        &mut self,
        call: Option<CallId>,
        answer: AppendAnswer,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut cx = Context::new(now, &mut self.shared, out);
        if session.is_overtaken(answer.seq) {
            // Superseded before it began.
            drop_held(&mut self.subscription, call, &mut cx);
            if let Some(call) = call {
                let stream = cx.next_stream();
                cx.order(Action::OpenStream { call, stream });
                cx.order(Action::CloseStream { stream });
            }
            return;
        }
        close_head_start(&mut self.head_start, &mut cx);
        let held = take_held(&mut self.subscription, call);
        let mut superseded = self.subscription.take();
        if let Some(superseded) = &mut superseded
            && holds(Rule::NewTurnsSupersede)
        {
            superseded.close(&mut cx);
        }
        session.begin_turn(answer.seq);
        if holds(Rule::RunningTurnsAreStored) {
            cx.order(Action::Persist(session.persisted()));
        }
        self.subscription = match (held, call) {
            (Some(mut held), _) => {
                held.release(answer.seq, session, &mut cx);
                Some(held).filter(|held| !held.is_over())
            }
            (None, Some(call)) => {
                let input_seq = answer.seq;
                let purpose = subscription::Purpose { call, input_seq, is_resumed: false };
                let backoff = Backoff::new(self.seed);
                let mut subscription = Subscription::open(purpose, backoff, session, &mut cx);
                subscription.doubts(superseded.as_ref(), session);
                Some(subscription)
            }
            (None, None) => None,
        };
    }

    /// A message whose call was aborted has landed all the same: its turn is stopped.
    fn abandoned_turn_sent(
        &mut self,
        stop: PartId,
        answer: AppendAnswer,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut cx = Context::new(now, &mut self.shared, out);
        if !session.is_overtaken(answer.seq) {
            close_stream(&mut self.subscription, &mut cx);
            close_head_start(&mut self.head_start, &mut cx);
            session.begin_turn(answer.seq);
            session.abandon_turn();
            cx.order(Action::Persist(session.persisted()));
        }
        self.queue_stop(stop, now, out);
    }

    /// The stop was delivered: the stream ends, and the turn is no longer waited for.
    fn stopped(&mut self, call: CallId, now: Time, out: &mut Vec<Action>) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut cx = Context::new(now, &mut self.shared, out);
        session.abandon_turn();
        close_stream(&mut self.subscription, &mut cx);
        close_head_start(&mut self.head_start, &mut cx);
        cx.order(Action::Persist(session.persisted()));
        cx.resolve(call, Answer::Delivered(true));
    }
}

/// Opens the connection for the answer while the message is still on its way. Not where a stream is
/// open: that one goes on, if the message is refused.
fn subscribe_early(
    open: &mut Option<Subscription>,
    append: &Append,
    seed: u64,
    session: &Session,
    cx: &mut Context<'_>,
) {
    if let Some(call) = append.turn_call()
        && open.is_none()
    {
        *open = Some(Subscription::hold(call, Backoff::new(seed), session, cx));
    }
}

/// The subscription that is held for this call.
fn take_held(open: &mut Option<Subscription>, call: Option<CallId>) -> Option<Subscription> {
    open.take_if(|held| call.is_some_and(|call| held.is_held_for(call)))
}

/// The message of this call has not landed, or nobody waits for its answer any more.
fn drop_held(open: &mut Option<Subscription>, call: Option<CallId>, cx: &mut Context<'_>) {
    close_stream(&mut take_held(open, call), cx);
}

/// Ends the open stream well, where there is one.
fn close_stream(open: &mut Option<Subscription>, cx: &mut Context<'_>) {
    if let Some(mut subscription) = open.take() {
        subscription.close(cx);
    }
}

/// The same for the answer to a chat's first message.
fn close_head_start(open: &mut Option<HeadStart>, cx: &mut Context<'_>) {
    if let Some(mut head_start) = open.take() {
        head_start.close(cx);
    }
}

fn reject_if_awaited(call: Option<CallId>, error: &ChatError, cx: &mut Context<'_>) {
    if let Some(call) = call {
        cx.reject(call, error.clone());
    }
}

fn stop_send(part_id: PartId) -> Send {
    Send {
        source: SendSource::Stop,
        message_id: None,
        body: STOP_BODY.to_owned(),
        part_id,
        head_start: None,
    }
}
