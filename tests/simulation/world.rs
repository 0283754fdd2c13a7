//! A whole world on one virtual clock: a server, a network, and tabs with a chat machine each.
//!
//! [`World::step`] takes the earliest event. Every order of a machine is checked as it is carried
//! out; when nothing is left to happen, nothing may be left open.

use std::collections::{BTreeMap, BTreeSet};

use trigger_chat_transport::chat::action::{
    Action, Answer, CallId, Head, Input, RequestId, Send, StreamId,
};
use trigger_chat_transport::chat::error::{ChatError, Foreign};
use trigger_chat_transport::chat::event::SendSource;
use trigger_chat_transport::chat::session::PersistedSession;
use trigger_chat_transport::chat::time::Time;

use crate::model_server::{Character, Dialect, Faults, ModelServer};
use crate::network::{Arrival, Connection, Fact, Network, Request, Weather};
use crate::random::Random;
use crate::tab::{Call, Tab};
use crate::user::{Habits, User, Wish};

/// More than the longest of these worlds takes, many times over.
const MAX_STEPS: u32 = 60_000;

/// So many bodies without a record or a ping fail a stream, and no fewer.
const MAX_BARREN_BODIES: u32 = 5;

/// Something that will happen at a page.
#[derive(Debug, Clone, Copy)]
enum Due {
    Wish,
    SessionStarted,
    TokenReady,
    Wanted(StreamId),
}

/// Which fact a batch of orders follows from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    /// A call of the user's, a consumer's wish, a token, a deadline.
    Other,
    Aborted {
        call: CallId,
        stops: bool,
    },
    Disposed,
    /// An append, by its part id, has landed.
    Landed(String),
    /// A body has brought something, or ended.
    Body,
}

pub(crate) struct World {
    now: u64,
    random: Random,
    server: ModelServer,
    network: Network,
    tabs: Vec<Tab>,
    agenda: BTreeMap<(u64, u64), (usize, u32, Due)>,
    scheduled: u64,
    pages: u32,
    /// The app's callbacks fail at times, in percent.
    callbacks_fail: u64,
    /// The first tab's stored state is of another environment.
    is_stale: bool,
    is_over: bool,
    trace: Option<Vec<String>>,
    /// What has come up in this world.
    pub(crate) tally: BTreeSet<&'static str>,
}

impl World {
    pub(crate) fn new(seed: u64, is_traced: bool) -> Self {
        let mut random = Random::new(seed);
        let dialect =
            random.one_of(&[Dialect::V2, Dialect::V2, Dialect::V2WithoutHeader, Dialect::V1]);
        let gives_seq = dialect == Dialect::V1 || random.percent(85);
        // Without the numbers a boundary cannot be told from another: then turns do not overlap.
        let has_numbers = gives_seq && dialect != Dialect::V1;
        let habits = habits(has_numbers, gives_seq, &mut random);
        let character = character(dialect, gives_seq, has_numbers, &mut random);
        let weather = weather(has_numbers, &mut random);
        let is_stale = random.percent(10);
        let mut world = Self {
            now: 1_000,
            server: ModelServer::new(character, random.fork()),
            network: Network::new(weather, random.fork()),
            tabs: Vec::new(),
            agenda: BTreeMap::new(),
            scheduled: 0,
            pages: 0,
            // The stream of a turn that runs on may fail then, and leaves a boundary like above.
            callbacks_fail: if has_numbers { random.one_of(&[0, 0, 10]) } else { 0 },
            is_stale,
            is_over: false,
            trace: is_traced.then(Vec::new),
            tally: BTreeSet::new(),
            random,
        };
        world.trace(|| format!("{habits:?} {weather:?} stale: {is_stale} {dialect:?}"));
        world.open_tab(habits);
        if habits.overlaps && !is_stale && world.random.percent(25) {
            world.open_tab(Habits { wishes: 4, ..habits });
        }
        world
    }

    /// Lives through all of it.
    pub(crate) fn run(&mut self) {
        if self.is_stale {
            self.restore_stale();
        }
        self.run_until_idle();
        self.is_over = true;
        self.network.weather = Weather::FAIR;
        self.server.calm_down();
        for tab in 0..self.tabs.len() {
            self.come_back_once_more(tab);
        }
        self.run_until_idle();
        for tab in 0..self.tabs.len() {
            self.assert_all_over(tab);
        }
    }

    fn open_tab(&mut self, habits: Habits) {
        let user = User::new(habits, self.random.fork());
        self.pages += 1;
        self.tabs.push(Tab::new(self.pages, user, self.random.fork()));
        self.schedule_wish(self.tabs.len() - 1);
    }

    fn restore_stale(&mut self) {
        let tab = &mut self.tabs[0];
        let stored = PersistedSession {
            public_access_token: "of-another-environment".to_owned(),
            last_event_id: Some("500".to_owned()),
            is_streaming: Some(self.random.percent(50)),
            ..PersistedSession::default()
        };
        tab.chat.restore(stored.clone());
        tab.stored = Some(stored);
    }

    // Time

    fn run_until_idle(&mut self) {
        for _ in 0..MAX_STEPS {
            if !self.step() {
                return;
            }
        }
        panic!(
            "never idle: {:?}",
            self.tabs.iter().map(|tab| &tab.witness.open).collect::<Vec<_>>()
        );
    }

    /// Takes the earliest event; `false` when there is none.
    fn step(&mut self) -> bool {
        let deadline = |tab: &Tab| tab.chat.deadline().map(Time::as_millis);
        let woken = self.tabs.iter().filter_map(deadline).min();
        let due = self.agenda.keys().next().map(|(at, _)| *at);
        let sources = [self.network.next_time(), self.server.next_time(), woken, due];
        let Some(next) = sources.into_iter().flatten().min() else {
            return false;
        };
        self.now = self.now.max(next);
        let is_due = |at: Option<u64>| at.is_some_and(|at| at <= self.now);
        match sources.map(is_due) {
            [true, ..] => self.step_network(),
            [_, true, ..] => self.step_server(),
            [_, _, true, _] => self.wake(),
            _ => self.step_agenda(),
        }
        true
    }

    fn step_network(&mut self) {
        match self.network.advance(self.now) {
            Some(Arrival::AtServer(connection, request)) => self.serve(connection, &request),
            Some(Arrival::AtPage(connection, fact)) => self.learn(connection, fact),
            Some(Arrival::LetGo(connection)) => self.server.let_go(connection),
            None => {}
        }
    }

    fn step_server(&mut self) {
        for (connection, fact) in self.server.advance(self.now) {
            self.network.respond(self.now, connection, fact);
        }
    }

    fn wake(&mut self) {
        let now = Time::from_millis(self.now);
        let is_due = |tab: &Tab| tab.chat.deadline().is_some_and(|deadline| deadline <= now);
        if let Some(tab) = self.tabs.iter().position(is_due) {
            self.tell(tab, Input::Woken, &Cause::Other);
            assert!(!is_due(&self.tabs[tab]), "a deadline stays due after it was told");
        }
    }

    /// A browser's timers fire early at times, and for no reason.
    fn wake_early(&mut self, tab: usize) {
        let now = Time::from_millis(self.now);
        if self.tabs[tab].chat.deadline().is_some_and(|deadline| deadline > now) {
            let mut orders = Vec::new();
            self.tabs[tab].chat.handle(now, Input::Woken, &mut orders);
            assert!(orders.is_empty(), "acts before its deadline: {orders:?}");
        }
    }

    fn step_agenda(&mut self) {
        let Some((_, (tab, page, due))) = self.agenda.pop_first() else {
            return;
        };
        if let Due::Wish = due {
            self.wish(tab);
            return self.schedule_wish(tab);
        }
        if self.tabs[tab].page != page {
            return;
        }
        match due {
            Due::Wish => {}
            Due::SessionStarted => self.session_started(tab),
            Due::TokenReady => self.token_ready(tab),
            Due::Wanted(stream) => self.wanted(tab, stream),
        }
    }

    fn schedule(&mut self, tab: usize, delay: u64, due: Due) {
        self.scheduled += 1;
        let page = self.tabs[tab].page;
        self.agenda.insert((self.now + delay, self.scheduled), (tab, page, due));
    }

    fn schedule_wish(&mut self, tab: usize) {
        if let Some(delay) = self.tabs[tab].user.thinks_for() {
            self.schedule(tab, delay, Due::Wish);
        }
    }

    // The server's side of a request

    fn serve(&mut self, connection: Connection, request: &Request) {
        self.trace(|| format!("server gets {connection:?} {request:?}"));
        match request {
            Request::Append { token, part_id, body } => {
                let answer = self.server.append(self.now, token, part_id, body);
                self.network.respond(self.now, connection, answer);
            }
            Request::Subscribe { token, last_event_id, peek_settled } => {
                let last_event_id = last_event_id.as_deref();
                let (head, _) = self.server.subscribe(
                    self.now,
                    connection,
                    token,
                    last_event_id,
                    *peek_settled,
                );
                self.network.respond(self.now, connection, Fact::Head(head));
            }
        }
    }

    // What a page learns

    fn learn(&mut self, connection: Connection, fact: Fact) {
        let Some(tab) = self.tabs.iter().position(|tab| tab.page == connection.page) else {
            return;
        };
        let request = RequestId(connection.request);
        let part_id = self.tabs[tab].append_over(request);
        match fact {
            Fact::Answered { status, body } => {
                let cause = if status == 200 { Cause::Landed(part_id) } else { Cause::Other };
                self.tell(
                    tab,
                    Input::Answered { request, status, retry_after_ms: None, body: &body },
                    &cause,
                );
            }
            Fact::Head(head) => {
                let settled_at = head.settled_at;
                let head = Head {
                    status: head.status,
                    is_event_stream: true,
                    retry_after_ms: None,
                    is_v2: head.is_v2,
                    is_settled: head.settled_at.is_some(),
                };
                if let Some(open) = &mut self.tabs[tab].witness.open {
                    open.settled_at = settled_at;
                    if settled_at.is_some() {
                        self.tally.insert("a settled peek");
                    }
                }
                self.tell(tab, Input::Connected { request, head }, &Cause::Other);
            }
            Fact::Bytes(bytes) => {
                self.tell(tab, Input::Bytes { request, bytes: &bytes }, &Cause::Body);
            }
            Fact::Ended => self.tell(tab, Input::Ended { request }, &Cause::Body),
            Fact::Failed => {
                self.tally.insert(if part_id.is_empty() { "a cut" } else { "a lost append" });
                let error = Foreign::new("no network");
                self.tell(tab, Input::NetworkFailed { request, error }, &Cause::Other);
            }
        }
    }

    fn session_started(&mut self, tab: usize) {
        self.tabs[tab].is_starting = false;
        if self.callback_fails() {
            let error = ChatError::Other("startSession failed".to_owned());
            self.tally.insert("a callback that failed");
            return self.tell(tab, Input::StartFailed(error), &Cause::Other);
        }
        let token = self.server.create(self.now);
        self.tell(tab, Input::SessionStarted { token, pending_version: false }, &Cause::Other);
    }

    fn token_ready(&mut self, tab: usize) {
        self.tabs[tab].is_refreshing = false;
        if self.callback_fails() {
            let error = ChatError::Other("accessToken failed".to_owned());
            return self.tell(tab, Input::TokenFailed(error), &Cause::Other);
        }
        let token = self.server.make_token(self.now);
        self.tell(tab, Input::TokenReady(token), &Cause::Other);
    }

    fn callback_fails(&mut self) -> bool {
        !self.is_over && self.random.percent(self.callbacks_fail)
    }

    fn wanted(&mut self, tab: usize, stream: StreamId) {
        if let Some(open) = &mut self.tabs[tab].witness.open
            && open.stream == stream
        {
            open.is_wanting = true;
        }
        self.tell(tab, Input::Wanted { stream }, &Cause::Other);
    }

    // The user

    fn wish(&mut self, tab: usize) {
        let view = self.tabs[tab].view();
        let wish = self.tabs[tab].user.next_wish(view);
        self.trace(|| format!("tab {tab} wishes {wish:?}"));
        match wish {
            Wish::Nothing => self.wake_early(tab),
            Wish::Start => self.start(tab),
            Wish::Send => self.send(tab),
            Wish::SendTwice => {
                self.send(tab);
                self.send(tab);
            }
            Wish::Stop => self.stop(tab),
            Wish::StopAndSend => {
                self.stop(tab);
                self.send(tab);
            }
            Wish::Abort => self.abort(tab, true),
            Wish::LetGo => self.abort(tab, false),
            Wish::Reload => self.reload(tab),
            Wish::Dispose => self.dispose(tab),
            Wish::Cancel => self.cancel(tab),
            Wish::Reconnect => self.reconnect(tab),
            Wish::ReconnectTwice => {
                self.reconnect(tab);
                self.reconnect(tab);
            }
        }
    }

    fn start(&mut self, tab: usize) {
        let call = self.tabs[tab].next_call(Call::Start);
        self.tell(tab, Input::Start { call }, &Cause::Other);
    }

    fn send(&mut self, tab: usize) {
        let part_id = self.tabs[tab].next_part_id();
        let call = self.tabs[tab].next_call(Call::Send { part_id: part_id.0.clone() });
        let message = format!(r#"{{"id":"m-{}","role":"user","parts":[]}}"#, call.0);
        let send = Send {
            source: SendSource::SubmitMessage,
            message_id: Some(format!("m-{}", call.0)),
            body: format!(r#"{{"kind":"message","payload":{{"message":{message}}}}}"#),
            part_id,
        };
        self.tell(tab, Input::Send { call, send }, &Cause::Other);
    }

    fn stop(&mut self, tab: usize) {
        let turn = self.tabs[tab].witness.current;
        let part_id = self.tabs[tab].next_part_id();
        let call = self.tabs[tab].next_call(Call::Stop { turn });
        self.tabs[tab].stops.insert(part_id.0.clone(), call);
        self.tell(tab, Input::Stop { call, part_id }, &Cause::Other);
    }

    fn abort(&mut self, tab: usize, stops: bool) {
        let Some(call) = self.tabs[tab].abortable() else {
            return;
        };
        if let Some(Call::Send { part_id }) = self.tabs[tab].calls.get(&call).cloned()
            && stops
        {
            self.tabs[tab].aborted.insert(part_id);
        }
        // The driver asks for no stop after the abort of a plain reconnect.
        let open = self.tabs[tab].witness.open.as_ref();
        let stops = stops && !open.is_some_and(|open| open.call == call && open.is_resumed);
        let stop = stops.then(|| self.tabs[tab].next_part_id());
        self.tell(tab, Input::Aborted { call, stop }, &Cause::Aborted { call, stops });
    }

    fn dispose(&mut self, tab: usize) {
        self.tell(tab, Input::Disposed, &Cause::Disposed);
        let waits = |call: &Call| !matches!(call, Call::Stop { .. });
        assert!(!self.tabs[tab].calls.values().any(waits), "a call waits on after the end");
        assert!(self.tabs[tab].witness.open.is_none(), "a stream is open after the end");
    }

    fn cancel(&mut self, tab: usize) {
        if let Some(open) = self.tabs[tab].witness.open.take() {
            self.tell(tab, Input::Cancelled { stream: open.stream }, &Cause::Other);
        }
    }

    fn reload(&mut self, tab: usize) {
        for connection in self.network.open_lines(self.tabs[tab].page) {
            self.network.cancel(self.now, connection);
        }
        self.pages += 1;
        self.tabs[tab].reload(self.pages);
        let active = self.tabs[tab].stored.as_ref().and_then(|stored| stored.active_input_seq);
        let current = active.and_then(|seq| self.server.turn_of_input(seq));
        let is_gated = self.tabs[tab].is_streaming() == Some(false);
        self.tabs[tab].witness.reloaded(current, is_gated);
        // `useChat` resumes as the page loads, unless the app does not want it to.
        if self.random.percent(80) {
            self.reconnect(tab);
        }
    }

    fn reconnect(&mut self, tab: usize) {
        let is_nothing = self.tabs[tab].has_nothing_to_reconnect_to();
        let call = self.tabs[tab].next_call(Call::Reconnect { is_nothing });
        self.tell(tab, Input::Reconnect { call }, &Cause::Other);
        assert!(!self.tabs[tab].calls.contains_key(&call), "a reconnect is answered at once");
    }

    // What a machine orders

    fn tell(&mut self, tab: usize, input: Input<'_>, cause: &Cause) {
        self.trace(|| format!("tab {tab} told {}", short(&input)));
        let mut orders = Vec::new();
        self.tabs[tab].chat.handle(Time::from_millis(self.now), input, &mut orders);
        self.assert_stopped_if_aborted(tab, cause, &orders);
        for order in orders {
            self.trace(|| format!("    {order:?}"));
            self.carry_out(tab, order, cause);
        }
        let overtaken = self.tabs[tab].witness.overtaken;
        assert_eq!(overtaken, None, "a second stream is open");
        if let Cause::Landed(part_id) = cause {
            self.landed(tab, part_id);
        }
    }

    /// The signal of a send whose stream is open stops the turn, that of a reconnect does not.
    fn assert_stopped_if_aborted(&self, tab: usize, cause: &Cause, orders: &[Action]) {
        let open = self.tabs[tab].witness.open.as_ref();
        if let (Cause::Aborted { call, stops }, Some(open)) = (cause, open)
            && open.call == *call
        {
            let is_append = |order: &Action| matches!(order, Action::Append { .. });
            assert_eq!(orders.iter().any(is_append), *stops && !open.is_resumed, "{orders:?}");
        }
    }

    fn carry_out(&mut self, tab: usize, order: Action, cause: &Cause) {
        match order {
            Action::StartSession => self.order_session(tab),
            Action::RefreshToken => self.order_token(tab),
            Action::Append { request, token, part_id, body } => {
                let part_id = part_id.0.clone();
                let running = self.running_turn(tab, cause);
                self.tabs[tab].appended(request, &part_id, &body, running);
                self.request(tab, request, Request::Append { token, part_id, body });
            }
            Action::Subscribe { request, token, last_event_id, peek_settled } => {
                self.subscribe(tab, request, token, last_event_id, peek_settled);
            }
            Action::Read { request } => self.read(tab, request),
            Action::CancelRequest { request } => {
                self.tabs[tab].witness.cancelled(request);
                self.network.cancel(self.now, self.tabs[tab].connection(request));
            }
            Action::OpenStream { call, stream } => self.open_stream(tab, call, stream),
            Action::Emit { stream, chunks } => {
                self.tabs[tab].witness.emitted(stream, &chunks, &self.server);
                self.consume(tab, stream);
            }
            Action::CloseStream { stream } => self.close_stream(tab, stream, cause),
            Action::FailStream { stream, error } => self.fail_stream(tab, stream, &error),
            Action::Resolve { call, answer } => self.resolve(tab, call, &answer),
            Action::Reject { call, error } => self.reject(tab, call, &error, cause),
            Action::Persist(session) => self.tabs[tab].stored = Some(session),
            Action::Tell(_) => {}
        }
    }

    /// The turn that the tab waits for, also when it has begun by this very cause.
    fn running_turn(&self, tab: usize, cause: &Cause) -> Option<usize> {
        let witness = &self.tabs[tab].witness;
        let landed = match cause {
            Cause::Landed(part_id) => self.server.turn_of_part(part_id),
            _ => None,
        };
        landed.filter(|turn| !witness.is_late(*turn, &self.server)).or(witness.current)
    }

    fn order_session(&mut self, tab: usize) {
        assert!(!self.tabs[tab].is_starting, "`startSession` is called twice at once");
        let is_lost = self.tabs[tab].stored.is_none() || !self.server.exists;
        assert!(is_lost, "creates a session anew that is there");
        self.tabs[tab].is_starting = true;
        let delay = self.random.within(1..2_000);
        self.schedule(tab, delay, Due::SessionStarted);
    }

    fn order_token(&mut self, tab: usize) {
        assert!(!self.tabs[tab].is_refreshing, "`accessToken` is called twice at once");
        self.tabs[tab].is_refreshing = true;
        self.tally.insert("a refused token");
        let delay = self.random.within(1..2_000);
        self.schedule(tab, delay, Due::TokenReady);
    }

    fn request(&mut self, tab: usize, request: RequestId, what: Request) {
        let connection = self.tabs[tab].connection(request);
        self.network.request(self.now, connection, what);
    }

    fn subscribe(
        &mut self,
        tab: usize,
        request: RequestId,
        token: String,
        last_event_id: Option<String>,
        peek_settled: bool,
    ) {
        let at = &mut self.tabs[tab];
        assert_eq!(self.network.open_subscriptions(at.page), 0, "a second subscription is open");
        // (The stream of a session that was lost may outlive it.)
        let is_stored = at.is_streaming() != Some(false) || self.is_stale;
        let is_early = at.witness.open.is_none();
        assert!(is_early || is_stored, "subscribes again, and the turn is not stored");
        assert!(!is_early || at.is_sending(), "subscribes for nobody");
        let is_new = at.witness.is_new();
        let is_resumed = at.witness.open.as_ref().is_some_and(|open| open.is_resumed);
        assert!(is_resumed || !peek_settled, "peeks while its own turn is outstanding");
        if is_new || last_event_id.is_some() || !self.is_stale {
            let stored = at.stored.as_ref().and_then(|stored| stored.last_event_id.as_deref());
            at.witness.subscribed(request, last_event_id.as_deref(), stored);
        }
        let is_known = self.server.has_made(&token) || self.is_stale;
        assert!(is_known, "a token that nobody made: {token}");
        self.request(tab, request, Request::Subscribe { token, last_event_id, peek_settled });
    }

    fn read(&mut self, tab: usize, request: RequestId) {
        let is_wanting = self.tabs[tab].witness.open.as_ref().is_some_and(|open| open.is_wanting);
        assert!(is_wanting, "reads what nobody has room for");
        self.network.read(self.now, self.tabs[tab].connection(request));
    }

    fn open_stream(&mut self, tab: usize, call: CallId, stream: StreamId) {
        let at = &mut self.tabs[tab];
        let (is_resumed, turn) = match at.answered(call) {
            Call::Send { part_id } => (false, self.server.turn_of_part(&part_id)),
            Call::Reconnect { is_nothing } => {
                assert_ne!(
                    is_nothing,
                    Some(true),
                    "a stream where there is nothing to reconnect to"
                );
                let active = at.stored.as_ref().and_then(|stored| stored.active_input_seq);
                (true, active.and_then(|seq| self.server.turn_of_input(seq)))
            }
            call => panic!("a stream for {call:?}"),
        };
        if !is_resumed && turn.is_some_and(|turn| at.witness.is_late(turn, &self.server)) {
            let is_overtaken = turn < at.witness.newest_landed;
            self.tally.insert(match is_overtaken {
                true => "an acknowledgement that was overtaken",
                false => "an acknowledgement after its turn's end",
            });
            at.witness.overtaken = Some(stream);
            return;
        }
        at.witness.opened(stream, call, is_resumed, turn);
        self.consume(tab, stream);
    }

    fn consume(&mut self, tab: usize, stream: StreamId) {
        let delay = self.tabs[tab].user.digests_for();
        self.schedule(tab, delay, Due::Wanted(stream));
    }

    fn close_stream(&mut self, tab: usize, stream: StreamId, cause: &Cause) {
        let at = &mut self.tabs[tab];
        if at.witness.overtaken.take_if(|overtaken| *overtaken == stream).is_some() {
            return;
        }
        match cause {
            Cause::Body => {
                self.tally.insert("a turn shown to its end");
                if at.witness.open.as_ref().is_some_and(|open| open.is_resumed) {
                    self.tally.insert("a replay shown to its end");
                }
                let cursor = at.cursor();
                at.witness.ended_by_itself(stream, cursor, &self.server);
                assert_eq!(at.is_streaming(), Some(false), "the end is not stored");
            }
            Cause::Aborted { call, stops } => {
                self.tally.insert("an aborted stream");
                let open = at.witness.open.as_ref().expect("a stream is open");
                assert_eq!(open.call, *call, "another call's signal was aborted");
                if let (false, true, Some(turn)) = (open.is_resumed, *stops, open.turn) {
                    at.witness.given_up(turn);
                }
                at.witness.ended_by_owner(stream);
            }
            Cause::Landed(part_id) => {
                self.tally.insert("a superseded stream");
                if let Some(call) = at.stops.get(part_id) {
                    self.tally.insert("a stopped stream");
                    let meant = at.calls.get(call);
                    let turn = at.witness.open.as_ref().and_then(|open| open.turn);
                    assert_eq!(meant, Some(&Call::Stop { turn }), "the stop was for another turn");
                }
                at.witness.ended_by_owner(stream);
            }
            Cause::Disposed => {
                self.tally.insert("a disposed stream");
                at.witness.ended_by_owner(stream);
            }
            Cause::Other => panic!("{stream:?} ends for no reason"),
        }
    }

    fn fail_stream(&mut self, tab: usize, stream: StreamId, error: &ChatError) {
        let at = &mut self.tabs[tab];
        assert_eq!(at.is_streaming(), Some(false), "the end is not stored");
        let is_understood = match error {
            ChatError::Other(text) if text.contains("output was lost") => {
                self.tally.insert("a lost output");
                let cursor = at.cursor();
                return at.witness.swallowed(cursor, &self.server);
            }
            ChatError::Other(text) if text.contains("reconnect budget exhausted") => {
                self.server.out.is_empty() || self.server.barren_bodies > MAX_BARREN_BODIES
            }
            ChatError::Other(text) => text == "accessToken failed",
            ChatError::Api(error) => error.status == 404 && self.is_stale,
            ChatError::Aborted | ChatError::Foreign(_) => false,
        };
        assert!(is_understood, "{stream:?} fails for no reason: {error:?}");
        at.witness.ended_by_owner(stream);
    }

    fn resolve(&mut self, tab: usize, call: CallId, answer: &Answer) {
        let at = &mut self.tabs[tab];
        match (at.answered(call), answer) {
            (Call::Start, Answer::Session(session)) => {
                assert_eq!(Some(session), at.stored.as_ref(), "not what is stored");
            }
            (Call::Reconnect { is_nothing }, Answer::Nothing) => {
                self.tally.insert("nothing to reconnect to");
                assert_ne!(
                    is_nothing,
                    Some(false),
                    "nothing, where there was a turn to reconnect to"
                );
            }
            (Call::Stop { turn }, Answer::Stopped(true)) => self.stopped(tab, turn),
            (Call::Stop { .. }, Answer::Stopped(false)) => {}
            (call, answer) => panic!("{answer:?} to {call:?}"),
        }
    }

    fn stopped(&mut self, tab: usize, turn: Option<usize>) {
        let newest = self.server.turns.len().checked_sub(1);
        let witness = &mut self.tabs[tab].witness;
        match turn {
            Some(turn) if witness.current == Some(turn) => witness.given_up(turn),
            Some(_) => {}
            None => witness.perhaps_given_up(newest),
        }
    }

    fn reject(&mut self, tab: usize, call: CallId, error: &ChatError, cause: &Cause) {
        self.tabs[tab].answered(call);
        if let Some(status) = error.status() {
            assert!(
                ![401, 403, 404].contains(&status),
                "{call:?} is refused, and could be tried again"
            );
        }
        if matches!(error, ChatError::Aborted) {
            let is_meant = match cause {
                Cause::Aborted { call: aborted, .. } => *aborted == call,
                cause => *cause == Cause::Disposed,
            };
            assert!(is_meant, "{call:?} is aborted for no reason");
        }
    }

    /// An append has landed, and its orders were carried out.
    fn landed(&mut self, tab: usize, part_id: &str) {
        let Some(turn) = self.server.turn_of_part(part_id) else {
            return;
        };
        let witness = &mut self.tabs[tab].witness;
        if witness.is_late(turn, &self.server) {
            return;
        }
        witness.newest_landed = Some(turn);
        witness.current = Some(turn);
        if self.tabs[tab].aborted.contains(part_id) {
            let open = &self.tabs[tab].witness.open;
            assert!(open.is_none(), "outlives the turn that superseded it: {open:?}");
            self.tabs[tab].witness.given_up(turn);
        } else if self.tabs[tab].witness.open.is_none() {
            assert_eq!(self.tabs[tab].is_streaming(), Some(true), "a turn that runs is not stored");
        }
    }

    // The end

    fn come_back_once_more(&mut self, tab: usize) {
        let at = &self.tabs[tab];
        if at.witness.open.is_some() || !at.calls.is_empty() {
            return;
        }
        if at.user.habits.leaves {
            self.reload(tab);
        }
        if self.tabs[tab].witness.open.is_none() {
            self.reconnect(tab);
        }
    }

    fn assert_all_over(&self, tab: usize) {
        let at = &self.tabs[tab];
        assert!(at.witness.open.is_none(), "a stream never ended: {:?}", at.witness.open);
        assert!(at.calls.is_empty(), "never answered: {:?}", at.calls);
        assert_eq!(self.network.open_lines(at.page), [], "requests are left open");
        assert_eq!(at.chat.deadline(), None, "a deadline is left");
        assert_eq!(at.chat.session(), at.stored, "what is stored is not the state");
        assert_ne!(at.is_streaming(), Some(true), "a turn is stored that is over");
        assert!(!self.server.is_busy(), "the agent still works");
    }

    fn trace(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let line = format!("{:>8} {}", self.now, line());
            trace.push(line);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in self.trace.iter().flatten() {
                eprintln!("{line}");
            }
        }
    }
}

fn short(input: &Input<'_>) -> String {
    match input {
        Input::Bytes { request, bytes } => {
            format!("Bytes of {request:?}: {:?}", String::from_utf8_lossy(bytes))
        }
        input => format!("{input:?}"),
    }
}

fn habits(has_numbers: bool, gives_seq: bool, random: &mut Random) -> Habits {
    // Without numbers a reload forgets which turn was given up, and a reconnect may be told
    // "settled" about the turn before: then the user does one of both.
    let stops = has_numbers || !gives_seq || random.percent(50);
    Habits {
        wishes: u32::try_from(random.within(5..80)).expect("small"),
        overlaps: has_numbers && random.percent(60),
        stops,
        has_numbers,
        leaves: has_numbers || !stops,
        forgets: has_numbers && random.percent(30),
        is_slow: random.percent(40),
    }
}

fn character(
    dialect: Dialect,
    gives_seq: bool,
    has_numbers: bool,
    random: &mut Random,
) -> Character {
    Character {
        dialect,
        gives_seq,
        window_ms: random.one_of(&[5_500, 20_000, 120_000]),
        token_life_ms: random.one_of(&[90_000, 3_600_000]),
        think_ms: random.one_of(&[5, 500, 20_000]),
        faults: Faults {
            refuses: random.one_of(&[0, 0, 20]),
            refuses_appends: random.one_of(&[0, 0, 10]),
            rewinds: random.one_of(&[0, 30]),
            repeats: random.one_of(&[0, 10]),
            damages: random.one_of(&[0, 0, 5]),
            barren: random.one_of(&[0, 0, 10]),
            errors: random.one_of(&[0, 0, 5]),
            joins: if has_numbers { random.one_of(&[0, 40]) } else { 0 },
            swallows: if has_numbers { random.one_of(&[0, 50]) } else { 0 },
        },
    }
}

fn weather(has_numbers: bool, random: &mut Random) -> Weather {
    Weather {
        latency_ms: random.one_of(&[2, 30, 400, 2_000]),
        refuses: random.one_of(&[0, 0, 15]),
        // A message that landed unknown to the client leaves a boundary that only numbers tell.
        loses_answers: if has_numbers { random.one_of(&[0, 0, 15]) } else { 0 },
        cuts: random.one_of(&[0, 30, 80]),
        stalls: random.one_of(&[0, 0, 3]),
        late_answers: random.one_of(&[0, 0, 25]),
    }
}
