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
use super::page::Page;
use super::session::{Cursor, PersistedSession, Session, Turn};
use super::subscription::{self, Subscription};
use super::token::Credentials;
use crate::rules::{Rule, holds};
use crate::time::{self, Time};
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
    shared: Shared,
    conversation: Conversation,
}

/// Which call waits for what, and what is under way for it.
#[derive(Debug)]
struct Conversation {
    chat_id: String,
    seed: u64,
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
            shared: Shared::new(Credentials::new(can_start_session)),
            conversation: Conversation {
                chat_id: id,
                seed,
                session: None,
                seed_cursor: None,
                adopted: None,
                waiting: Vec::new(),
                head_start: None,
                appends: Vec::new(),
                subscription: None,
            },
        }
    }

    /// Restores what the app had stored, before anything else happens.
    pub fn restore(&mut self, persisted: PersistedSession) {
        self.conversation.session = Some(Session::restore(persisted));
    }

    /// The persisted form of the session, where there is one.
    pub fn session(&self) -> Option<PersistedSession> {
        self.conversation.session.as_ref().map(Session::persisted)
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
        self.conversation.connection()
    }

    /// When [`Input::Woken`] is due.
    pub fn deadline(&self) -> Option<Time> {
        let callback = self.shared.credentials.deadline().filter(|_| self.is_active());
        time::earlier(self.conversation.deadline(), callback)
    }

    /// Whether something is under way: a call, a send or a stream.
    pub fn is_active(&self) -> bool {
        self.conversation.is_under_way()
    }

    /// Takes a fact; appends the orders that follow from it to `out`.
    pub fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Vec<Action>) {
        self.conversation.handle(input, &mut Context::new(now, &mut self.shared, out));
        if !self.is_active() {
            // Nobody tells of the page while nothing is under way.
            self.shared.page = Page::default();
        }
    }
}

impl Conversation {
    fn connection(&self) -> ConnectionState {
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

    fn deadline(&self) -> Option<Time> {
        let stream = self.subscription.as_ref().and_then(Subscription::deadline);
        let send = self.appends.first().and_then(Append::deadline);
        time::earlier(stream, send)
    }

    fn is_under_way(&self) -> bool {
        let has_calls = !self.waiting.is_empty() || !self.appends.is_empty();
        has_calls || self.subscription.is_some() || self.head_start.is_some()
    }

    fn handle(&mut self, input: Input<'_>, cx: &mut Context<'_>) {
        match input {
            Input::Start { call } => self.want_session(Waiting::Start(call), cx),
            Input::Send { call, send } => {
                self.want_session(Waiting::Send(Some(call), send), cx);
            }
            Input::Reconnect { call } => self.reconnect(call, cx),
            Input::Stop { call, part_id } => {
                self.send_aside(call, append::Purpose::Stop(call), stop_send(part_id), cx);
            }
            Input::Steer { call, send } => {
                self.send_aside(call, append::Purpose::Steer(call), send, cx);
            }
            Input::SetSession(persisted) => self.set_session(persisted, cx),
            Input::SeedCursor(cursor) => self.seed_cursor(&cursor, cx),
            Input::Adopt(told) => self.adopt(told, cx),
            Input::ClearGate => self.clear_gate(cx),
            Input::Aborted { call, stop } => self.aborted(call, stop, cx),
            Input::Disposed => self.disposed(cx),
            Input::SessionStarted { token, pending_version } => {
                self.session_started(token, pending_version, cx);
            }
            Input::StartFailed(error) => self.start_failed(&error, cx),
            Input::TokenReady(token) => self.token_ready(token, cx),
            Input::TokenFailed(error) => self.token_failed(&error, cx),
            // What is left is about the page, a request or a stream: whoever it concerns takes it.
            input => {
                cx.shared.page.take(&input, cx.now);
                if matches!(input, Input::Woken) {
                    self.give_up_callbacks(cx);
                }
                if let Some((append, session)) = self.append_under_way() {
                    let outcome = append.take(&input, session, cx);
                    self.append_told(outcome, cx);
                }
                if let Some((subscription, session)) = self.stream() {
                    subscription.take(&input, session, cx);
                    self.stream_told();
                }
                if let Some(head_start) = &mut self.head_start {
                    head_start.take(&input, &mut self.session, cx);
                    self.head_start_told(cx);
                }
            }
        }
        self.let_go_of_stray(cx);
        self.forget_gone(cx);
    }

    fn append_under_way(&mut self) -> Option<(&mut Append, &mut Session)> {
        self.appends.first_mut().zip(self.session.as_mut())
    }

    fn stream(&mut self) -> Option<(&mut Subscription, &mut Session)> {
        self.subscription.as_mut().zip(self.session.as_mut())
    }

    /// The append that is under way has taken a fact, which may have ended it.
    fn append_told(&mut self, outcome: Option<Outcome>, cx: &mut Context<'_>) {
        if let Some(outcome) = outcome {
            let append = self.appends.remove(0);
            self.append_over(append.purpose, outcome, cx);
        }
    }

    /// The open stream has taken a fact: it is forgotten when it is over.
    fn stream_told(&mut self) {
        if self.subscription.as_ref().is_some_and(Subscription::is_over) {
            self.subscription = None;
        }
    }

    /// The head start has taken a fact. Whoever has waited for its session, or its end, goes on.
    fn head_start_told(&mut self, cx: &mut Context<'_>) {
        if self.head_start.as_ref().is_some_and(HeadStart::is_over) {
            self.head_start = None;
        }
        if self.session.is_some() || self.head_start.is_none() {
            self.release_waiting(cx);
        }
    }

    /// Whatever waits for the session goes on, or waits for it in another way.
    fn release_waiting(&mut self, cx: &mut Context<'_>) {
        for waiting in mem::take(&mut self.waiting) {
            self.want_session(waiting, cx);
        }
    }

    // Calls of the app

    /// A call that needs the session: goes on now, or when the session is there.
    fn want_session(&mut self, mut waiting: Waiting, cx: &mut Context<'_>) {
        if self.session.is_some() {
            return self.go_on(waiting, cx);
        }
        if self.head_start.is_some() {
            // Its route creates the session.
        } else if let Waiting::Send(Some(call), send) = &mut waiting
            && let Some(body) = send.head_start.take()
        {
            self.head_start = Some(HeadStart::begin(*call, send.clone(), body, cx));
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
    fn go_on(&mut self, waiting: Waiting, cx: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        match waiting {
            Waiting::Start(call) => cx.resolve(call, Answer::Session(session.persisted())),
            Waiting::Send(call, _) if session.closed.is_some() => {
                let reason = session.closed.as_ref().and_then(|closed| closed.reason.as_deref());
                let error = ChatError::Api(ApiError::closed(&self.chat_id, reason));
                reject_if_awaited(call, &error, cx);
            }
            Waiting::Send(call, send) => {
                self.queue(append::Purpose::Turn(call), send, cx);
            }
        }
    }

    fn reconnect(&mut self, call: CallId, cx: &mut Context<'_>) {
        let is_streaming = self.subscription.is_some() || self.head_start.is_some();
        let resumable = self.session.as_mut().filter(|session| {
            let may_run = !matches!(session.turn, Turn::Idle) || cx.watches();
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
        self.subscription = Some(Subscription::open(purpose, backoff, session, cx));
    }

    /// A send that begins no turn: a stop, or a message for the turn that runs. It needs a session that
    /// is there.
    fn send_aside(
        &mut self,
        call: CallId,
        purpose: append::Purpose,
        send: Send,
        cx: &mut Context<'_>,
    ) {
        match &self.session {
            Some(session) if session.closed.is_none() => self.queue(purpose, send, cx),
            _ => cx.resolve(call, Answer::Delivered(false)),
        }
    }

    fn set_session(&mut self, persisted: PersistedSession, cx: &mut Context<'_>) {
        let session = self.session.insert(Session::restore(persisted));
        if let Some(cursor) = self.seed_cursor.take() {
            session.seed(cursor);
        }
        cx.persist(session);
    }

    fn seed_cursor(&mut self, cursor: &str, cx: &mut Context<'_>) {
        let cursor = Cursor::parse(cursor);
        let Some(session) = &mut self.session else {
            self.seed_cursor = Some(cursor);
            return;
        };
        if session.seed(cursor) {
            cx.persist(session);
        }
    }

    fn adopt(&mut self, told: PersistedSession, cx: &mut Context<'_>) {
        if self.is_under_way() {
            return;
        }
        let Some(session) = &mut self.session else {
            self.adopted = Some(told);
            return;
        };
        let told = PersistedSession { public_access_token: session.token.clone(), ..told };
        session.adopt(told);
        cx.persist(session);
    }

    fn clear_gate(&mut self, cx: &mut Context<'_>) {
        if let Some(session) = &mut self.session
            && session.clear_gate()
        {
            cx.persist(session);
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
    fn aborted(&mut self, call: CallId, stop: Option<PartId>, cx: &mut Context<'_>) {
        let mut waiting = self.waiting.iter_mut().enumerate();
        if let Some((place, waiting)) = waiting.find(|(_, waiting)| waiting.call() == Some(call)) {
            match waiting {
                Waiting::Send(call, _) if stop.is_none() => *call = None,
                _ => drop(self.waiting.remove(place)),
            }
            return cx.reject(call, ChatError::Aborted);
        }
        if self.appends.iter().any(|append| append.turn_call() == Some(call)) {
            return self.append_aborted(call, stop, cx);
        }
        if self.head_start.as_ref().is_some_and(|head_start| head_start.call() == call) {
            return self.head_start_aborted(stop.is_some(), cx);
        }
        let (Some(subscription), Some(session)) = (&mut self.subscription, &mut self.session)
        else {
            return;
        };
        if subscription.call() != call {
            return;
        }
        subscription.close(cx);
        if let Some(stop) = stop
            && session.has_outstanding_turn()
        {
            session.abandon_turn();
            cx.persist(session);
            self.subscription = None;
            return self.queue_stop(stop, cx);
        }
        self.subscription = None;
    }

    /// The route notices that nobody reads its answer: there is no run yet to be stopped, as far as is
    /// known.
    fn head_start_aborted(&mut self, stops_turn: bool, cx: &mut Context<'_>) {
        close_head_start(&mut self.head_start, cx);
        if let Some(session) = &mut self.session
            && stops_turn
        {
            session.complete_turn();
            cx.persist(session);
        }
        self.head_start_told(cx);
    }

    /// The message of an aborted call is on its way, or waits for its turn to be.
    fn append_aborted(&mut self, call: CallId, stop: Option<PartId>, cx: &mut Context<'_>) {
        drop_held(&mut self.subscription, Some(call), cx);
        let is_its = |append: &Append| append.turn_call() == Some(call);
        let mut appends = self.appends.iter_mut().enumerate();
        let Some((place, append)) = appends.find(|(_, append)| is_its(append)) else {
            return;
        };
        match stop {
            // The turn is to go on.
            None => append.purpose = append::Purpose::Turn(None),
            Some(stop) if append.may_have_landed() => append.abandon(stop),
            Some(_) => {
                append.failed(ChatError::Aborted, cx);
                self.appends.remove(place);
            }
        }
        cx.reject(call, ChatError::Aborted);
        self.send_next(cx);
    }

    /// Puts an append behind the others.
    fn queue(&mut self, purpose: append::Purpose, send: Send, cx: &mut Context<'_>) {
        let last = if holds(Rule::SendsWaitTheirTurn) { self.appends.len() } else { 0 };
        self.queue_at(last, purpose, send, cx);
    }

    /// Stops the turn of an aborted call, before whatever waits: a later message must not be stopped.
    fn queue_stop(&mut self, stop: PartId, cx: &mut Context<'_>) {
        let first = self.appends.iter().take_while(|append| !append.is_queued()).count();
        self.queue_at(first, append::Purpose::UnattendedStop, stop_send(stop), cx);
    }

    fn queue_at(
        &mut self,
        place: usize,
        purpose: append::Purpose,
        send: Send,
        cx: &mut Context<'_>,
    ) {
        self.appends.insert(place, Append::queue(purpose, send, Backoff::new(self.seed), cx));
        self.send_next(cx);
    }

    /// Sends the first append, if it is not under way, once there is a session to send it to.
    fn send_next(&mut self, cx: &mut Context<'_>) {
        let (Some(append), Some(session)) = (self.appends.first_mut(), &self.session) else {
            return;
        };
        if !append.is_queued() || session.is_gone {
            return;
        }
        if let Some(closed) = &session.closed {
            let error = ChatError::Api(ApiError::closed(&self.chat_id, closed.reason.as_deref()));
            return self.fail_append(Append::is_queued, &error, cx);
        }
        if session.is_lost && append.starts_turn() && cx.can_start_session() {
            return cx.start_session();
        }
        append.begin(session, cx);
        if self.head_start.is_none() {
            subscribe_early(&mut self.subscription, append, self.seed, session, cx);
        }
    }

    /// The transport goes: nobody reads any more. A message that is on its way still goes out, for
    /// its turn belongs to the chat and not to this page.
    fn disposed(&mut self, cx: &mut Context<'_>) {
        for waiting in mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Start(call) => cx.reject(call, ChatError::Aborted),
                Waiting::Send(call, send) => {
                    reject_if_awaited(call, &ChatError::Aborted, cx);
                    self.waiting.push(Waiting::Send(None, send));
                }
            }
        }
        for append in &mut self.appends {
            if let append::Purpose::Turn(call) = &mut append.purpose {
                reject_if_awaited(call.take(), &ChatError::Aborted, cx);
            }
        }
        close_stream(&mut self.subscription, cx);
        close_head_start(&mut self.head_start, cx);
    }

    // Answers of the app's callbacks

    fn session_started(&mut self, token: String, pending_version: bool, cx: &mut Context<'_>) {
        cx.shared.credentials.started();
        if pending_version {
            cx.order(Action::Tell(ChatEvent::RunPendingVersion(PendingVersionSource::Start)));
        }
        match &mut self.session {
            Some(session) if session.is_lost => {
                session.recreate(token, cx.now);
                if let Some(subscription) = &mut self.subscription {
                    subscription.session_recreated(cx);
                }
            }
            Some(session) => session.renew_token(token, cx.now),
            None => self.begin_session(token, Turn::Idle, cx.now),
        }
        self.session_renewed(cx);
    }

    fn token_ready(&mut self, token: String, cx: &mut Context<'_>) {
        cx.shared.credentials.refreshed();
        match &mut self.session {
            Some(session) => session.renew_token(token, cx.now),
            None => self.begin_session(token, Turn::Unknown, cx.now),
        }
        self.session_renewed(cx);
    }

    /// There is a new token: whoever waited for it goes on.
    fn session_renewed(&mut self, cx: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        cx.persist(session);
        for append in &mut self.appends {
            // A fresh token is of no use in a session that is still lost.
            if append.awaits_token() || (append.awaits_session() && !session.is_lost) {
                append.request(session, cx);
            }
        }
        if let Some(subscription) = &mut self.subscription
            && subscription.awaits_token()
        {
            subscription.connect(session, cx);
        }
        self.send_next(cx);
        self.release_waiting(cx);
    }

    fn start_failed(&mut self, error: &ChatError, cx: &mut Context<'_>) {
        cx.shared.credentials.started();
        self.fail_waiting(error, cx);
        // One that is first, and was not sent yet, waits for the session as well.
        let waits = |append: &Append| append.awaits_session() || append.is_queued();
        self.fail_append(waits, error, cx);
    }

    fn token_failed(&mut self, error: &ChatError, cx: &mut Context<'_>) {
        cx.shared.credentials.refreshed();
        self.fail_waiting(error, cx);
        self.fail_append(Append::awaits_token, error, cx);
        if let Some((subscription, session)) = self.stream()
            && subscription.awaits_token()
        {
            subscription.fail(error.clone(), session, cx);
            self.stream_told();
        }
    }

    /// A callback that takes too long counts as failed.
    fn give_up_callbacks(&mut self, cx: &mut Context<'_>) {
        cx.shared.credentials.notice_sleep(cx.now);
        if cx.shared.credentials.is_start_overdue(cx.now) {
            let error = "`startSession` has not answered for a minute.";
            self.start_failed(&ChatError::Other(error.to_owned()), cx);
        }
        if cx.shared.credentials.is_refresh_overdue(cx.now) {
            let error = "`accessToken` has not answered for a minute.";
            self.token_failed(&ChatError::Other(error.to_owned()), cx);
        }
    }

    fn fail_waiting(&mut self, error: &ChatError, cx: &mut Context<'_>) {
        for waiting in mem::take(&mut self.waiting) {
            reject_if_awaited(waiting.call(), error, cx);
        }
    }

    /// Fails the append that is under way, where it is concerned.
    fn fail_append(
        &mut self,
        is_concerned: fn(&Append) -> bool,
        error: &ChatError,
        cx: &mut Context<'_>,
    ) {
        if let Some((append, _)) = self.append_under_way()
            && is_concerned(append)
        {
            let failed = append.failed(error.clone(), cx);
            self.append_told(Some(Err(failed)), cx);
        }
    }

    /// A message that nobody wants any more, and that has not arrived so far, keeps no other one waiting.
    fn let_go_of_stray(&mut self, cx: &mut Context<'_>) {
        if self.appends.len() > 1
            && let Some((append, _)) = self.append_under_way()
            && append.is_stray()
        {
            let gone = append.let_go(cx);
            self.append_told(Some(Err(gone)), cx);
        }
    }

    /// The service has lost the session for good: whoever waits for something in it is told, and the
    /// next send begins anew. A message that is on its way has the last word: it may land.
    fn forget_gone(&mut self, cx: &mut Context<'_>) {
        let is_sending = self.appends.first().is_some_and(|append| !append.is_queued());
        if is_sending || !self.session.as_ref().is_some_and(|session| session.is_gone) {
            return;
        }
        let error = ChatError::Api(ApiError::of_subscribe(404));
        while !self.appends.is_empty() {
            self.fail_append(|_| true, &error, cx);
        }
        if let Some((subscription, session)) = self.stream() {
            subscription.fail(error, session, cx);
        }
        self.subscription = None;
        self.session = None;
        cx.order(Action::Forget);
    }

    // Answers to appends

    fn append_over(&mut self, purpose: append::Purpose, outcome: Outcome, cx: &mut Context<'_>) {
        match (purpose, outcome) {
            (append::Purpose::Turn(call), Ok(answer)) => self.turn_sent(call, answer, cx),
            (append::Purpose::Turn(call), Err(error)) => {
                drop_held(&mut self.subscription, call, cx);
                reject_if_awaited(call, &error, cx);
            }
            (append::Purpose::AbandonedTurn { stop }, Ok(answer)) => {
                self.abandoned_turn_sent(stop, answer, cx);
            }
            (append::Purpose::Stop(call), Ok(_)) => self.stopped(call, cx),
            (append::Purpose::Steer(call), Ok(_)) => cx.resolve(call, Answer::Delivered(true)),
            (append::Purpose::Stop(call), Err(_)) => cx.resolve(call, Answer::Delivered(false)),
            (append::Purpose::Steer(call), Err(error)) => cx.reject(call, error),
            (append::Purpose::AbandonedTurn { .. }, Err(_))
            | (append::Purpose::UnattendedStop, _) => {}
        }
        self.send_next(cx);
    }

    /// The message has landed: its turn supersedes whatever stream is open.
    fn turn_sent(&mut self, call: Option<CallId>, answer: AppendAnswer, cx: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        if session.is_overtaken(answer.seq) {
            // Superseded before it began.
            drop_held(&mut self.subscription, call, cx);
            if let Some(call) = call {
                let stream = cx.next_stream();
                cx.order(Action::OpenStream { call, stream });
                cx.order(Action::CloseStream { stream });
            }
            return;
        }
        close_head_start(&mut self.head_start, cx);
        let held = take_held(&mut self.subscription, call);
        let mut superseded = self.subscription.take();
        if let Some(superseded) = &mut superseded
            && holds(Rule::NewTurnsSupersede)
        {
            superseded.close(cx);
        }
        session.begin_turn(answer.seq);
        if holds(Rule::RunningTurnsAreStored) {
            cx.persist(session);
        }
        self.subscription = match (held, call) {
            (Some(mut held), _) => {
                held.release(answer.seq, session, cx);
                Some(held).filter(|held| !held.is_over())
            }
            (None, Some(call)) => {
                let input_seq = answer.seq;
                let purpose = subscription::Purpose { call, input_seq, is_resumed: false };
                let backoff = Backoff::new(self.seed);
                let mut subscription = Subscription::open(purpose, backoff, session, cx);
                subscription.doubts(superseded.as_ref(), session);
                Some(subscription)
            }
            (None, None) => None,
        };
    }

    /// A message whose call was aborted has landed all the same: its turn is stopped.
    fn abandoned_turn_sent(&mut self, stop: PartId, answer: AppendAnswer, cx: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        if !session.is_overtaken(answer.seq) {
            close_stream(&mut self.subscription, cx);
            close_head_start(&mut self.head_start, cx);
            session.begin_turn(answer.seq);
            session.abandon_turn();
            cx.persist(session);
        }
        self.queue_stop(stop, cx);
    }

    /// The stop was delivered: the stream ends, and the turn is no longer waited for.
    fn stopped(&mut self, call: CallId, cx: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.abandon_turn();
        close_stream(&mut self.subscription, cx);
        close_head_start(&mut self.head_start, cx);
        cx.persist(session);
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
