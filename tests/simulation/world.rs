//! A whole world on one virtual clock: servers, a network, and pages with a chat machine or two on
//! devices that sleep and lose their network.
//!
//! [`World::step`] takes the earliest event. Every order of a machine is checked as it is carried
//! out; when nothing is left to happen, nothing may be left open.

use std::collections::{BTreeMap, BTreeSet};

use trigger_chat_transport::chat::action::{
    Action, Answer, CallId, Head, Input, PartId, RequestId, Send, StreamId,
};
use trigger_chat_transport::chat::connection::ConnectionState;
use trigger_chat_transport::chat::error::{ChatError, Foreign};
use trigger_chat_transport::chat::event::{ChatEvent, SendSource};
use trigger_chat_transport::chat::session::PersistedSession;
use trigger_chat_transport::time::Time;

use crate::device::{Absence, Device};
use crate::ledger::Aim;
use crate::model_server::{Listing, ModelServer};
use crate::network::{self, Arrival, Connection, Fact, Network, Request, Weather};
use crate::random::Random;
use crate::tab::{Call, Tab};
use crate::user::{Habits, User, Wish};
use crate::variety::{self, Variety};

/// More than the longest of these worlds takes, many times over.
const MAX_STEPS: u32 = 60_000;

/// What every token has in it, and nothing else.
const MARK: &str = "token-";

const STOP: &str = r#"{"kind":"stop"}"#;

/// So long may one of the app's callbacks take before it is called again.
const CALLBACK_PATIENCE_MS: u64 = 60_000;

/// So long may an answer to an append take: a small one.
const ANSWER_PATIENCE_MS: u64 = 30_100;

/// So long may a head take, and a read, before its connection is given up.
const HEAD_PATIENCE_MS: u64 = 30_000;
const SILENCE_MS: u64 = 60_000;

/// No longer is a service's wish to be left alone respected.
const MAX_RETRY_AFTER_MS: u64 = 300_000;

/// So many bodies without a record or a ping fail a stream, and no fewer.
const MAX_BARREN_BODIES: u32 = 5;

/// Something that will happen.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// At this page of a tab, should it still be there.
    AtPage(usize, u32, Due),
    /// A device goes away in some way.
    Leaves(usize),
    Returns(usize, Absence),
    /// The app's server closes a session.
    Closes(usize),
    /// The service of a session starts anew.
    Restarts(usize),
}

/// Something that will happen at a page.
#[derive(Debug, Clone, Copy)]
enum Due {
    Wish,
    SessionStarted,
    TokenReady,
    Wanted(StreamId),
    /// The user has waited for this stream for long enough.
    Despairs(StreamId),
    /// A body is read behind a rest.
    Rested(RequestId),
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
    /// An append, by its part id, was answered with 200, or a question for it: it has landed, perhaps.
    Landed(String),
    /// A body has brought something, or ended.
    Body,
    /// A deadline has passed.
    Woken,
    /// The user has asked for an attempt, or the network is there again.
    Hurried,
}

struct World {
    now: u64,
    random: Random,
    servers: Vec<ModelServer>,
    network: Network,
    devices: Vec<Device>,
    tabs: Vec<Tab>,
    agenda: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
    pages: u32,
    /// Which session each page is of, also of those that are gone: what they have sent may arrive.
    sessions_of_pages: BTreeMap<u32, usize>,
    /// The app's callbacks fail, or hang, at times, in percent.
    callbacks_fail: u64,
    is_over: bool,
    trace: Option<Vec<String>>,
    tally: BTreeSet<&'static str>,
}

/// Lives through the world of a seed; what has come up in it.
pub(crate) fn live(seed: u64, is_traced: bool) -> BTreeSet<&'static str> {
    let mut world = World::new(seed, is_traced);
    world.run();
    std::mem::take(&mut world.tally)
}

impl World {
    fn new(seed: u64, is_traced: bool) -> Self {
        let mut random = Random::new(seed);
        let chats = random.one_of(&[1, 1, 1, 2]);
        let kinds: Vec<_> = (0..chats).map(|_| Variety::draw(&mut random)).collect();
        let have_numbers = kinds.iter().all(|kind| kind.habits.has_numbers);
        let have_no_doubles = kinds.iter().all(|kind| kind.character.faults.doubles == 0);
        let weather = variety::weather(have_numbers, &mut random);
        let stays = kinds.iter().any(|kind| kind.character.listing != Listing::Given);
        let serve = |(chat, kind): (usize, &Variety)| {
            ModelServer::new(chat, kind.character.clone(), random.fork())
        };
        let servers = kinds.iter().enumerate().map(serve).collect();
        let mut world = Self {
            now: 1_000,
            servers,
            network: Network::new(weather, random.fork()),
            devices: vec![Device::new(stays, random.fork())],
            tabs: Vec::new(),
            agenda: BTreeMap::new(),
            scheduled: 0,
            pages: 0,
            sessions_of_pages: BTreeMap::new(),
            // The stream of a turn that runs on may fail then, and leaves a boundary that only
            // numbers tell.
            callbacks_fail: if have_numbers && have_no_doubles {
                random.one_of(&[0, 0, 10])
            } else {
                0
            },
            is_over: false,
            trace: is_traced.then(Vec::new),
            tally: BTreeSet::new(),
            random,
        };
        world.trace(|| format!("{kinds:#?} {weather:?}"));
        world.open_page(&kinds);
        world.schedule_absence(0);
        world
    }

    /// Opens a page with a chat of each kind; at times another one with the same, elsewhere.
    fn open_page(&mut self, kinds: &[Variety]) {
        let coalesces = self.random.percent(50);
        for (session, kind) in kinds.iter().enumerate() {
            if session > 0 {
                self.tally.insert("two chats in one page");
            }
            let is_stale = session == 0 && self.random.percent(10);
            self.open_tab([session, 0], coalesces, kind.habits);
            if is_stale {
                self.restore_stale();
            }
            if kind.habits.overlaps && !is_stale && self.random.percent(25) {
                let device = self.random.below(2);
                if device == self.devices.len() {
                    self.devices.push(Device::new(false, self.random.fork()));
                    self.schedule_absence(device);
                }
                let habits = Habits { wishes: 4, ..kind.habits };
                self.open_tab([session, device], coalesces, habits);
            }
            if let Some(delay) = kind.closes_after {
                self.plan(delay, Event::Closes(session));
            }
            for _ in 0..kind.restarts {
                let delay = self.random.within(1..200_000);
                self.plan(delay, Event::Restarts(session));
            }
        }
    }

    /// Lives through all of it.
    fn run(&mut self) {
        self.run_until_idle();
        self.is_over = true;
        self.network.weather = Weather::FAIR;
        self.servers.iter_mut().for_each(ModelServer::calm_down);
        for tab in 0..self.tabs.len() {
            self.come_back_once_more(tab);
        }
        self.run_until_idle();
        for tab in 0..self.tabs.len() {
            self.assert_all_over(tab);
        }
        for server in &mut self.servers {
            self.tally.append(&mut server.tally);
        }
    }

    fn open_tab(&mut self, place: [usize; 2], coalesces: bool, habits: Habits) {
        let user = User::new(habits, self.random.fork());
        self.pages += 1;
        self.sessions_of_pages.insert(self.pages, place[0]);
        self.tabs.push(Tab::new(self.pages, place, coalesces, user, self.random.fork()));
        self.schedule_wish(self.tabs.len() - 1);
    }

    /// The newest tab's stored state is of another environment.
    fn restore_stale(&mut self) {
        let is_streaming = self.random.percent(50);
        let tab = self.tabs.last_mut().expect("a tab is open");
        let stored = PersistedSession {
            public_access_token: "token-of-another-environment".to_owned(),
            last_event_id: Some("500".to_owned()),
            is_streaming: Some(is_streaming),
            ..PersistedSession::default()
        };
        tab.is_stale = true;
        tab.chat.restore(stored.clone());
        tab.stored = Some(stored);
    }

    fn server(&mut self, tab: usize) -> &mut ModelServer {
        &mut self.servers[self.tabs[tab].session]
    }

    fn device(&self, tab: usize) -> &Device {
        &self.devices[self.tabs[tab].device]
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
        let woken = (0..self.tabs.len()).filter_map(|tab| self.wakes_at(tab)).min();
        let due = self.agenda.keys().next().map(|(at, _)| *at);
        let served = self.servers.iter().filter_map(ModelServer::next_time).min();
        let sources = [self.network.next_time(), served, woken, due];
        let Some(next) = sources.into_iter().flatten().min() else {
            return false;
        };
        if next > self.now {
            self.pass(next - self.now);
            self.assert_none_hangs();
        }
        let is_due = |at: Option<u64>| at.is_some_and(|at| at <= self.now);
        match sources.map(is_due) {
            [true, ..] => self.step_network(),
            [_, true, ..] => self.step_servers(),
            [_, _, true, _] => self.wake(),
            _ => self.step_agenda(),
        }
        true
    }

    fn pass(&mut self, ms: u64) {
        for tab in &mut self.tabs {
            let device = &self.devices[tab.device];
            let is_awake = !device.is_offline() && device.asleep_until(self.now).is_none();
            tab.passes(ms, is_awake, is_awake && !device.is_hidden());
        }
        self.now += ms;
        for tab in &mut self.tabs {
            tab.clock.now = self.devices[tab.device].time(self.now);
        }
    }

    /// What a tab's clock shows.
    fn time(&self, tab: usize) -> u64 {
        self.device(tab).time(self.now)
    }

    /// When a tab's timer fires: late where its device sleeps, or throttles the timers of what is
    /// hidden.
    fn wakes_at(&self, tab: usize) -> Option<u64> {
        let deadline = self.tabs[tab].chat.deadline()?;
        Some(self.device(tab).timer_fires_at(deadline.as_millis()))
    }

    /// Nobody waits for longer than the rules allow.
    fn assert_none_hangs(&self) {
        for line in self.network.waiting_lines() {
            let of_page = |tab: &&Tab| tab.page == line.connection.page;
            let Some(tab) = self.tabs.iter().find(of_page) else {
                continue;
            };
            let patience = match line.has_head {
                true => SILENCE_MS,
                false if line.is_append => ANSWER_PATIENCE_MS,
                false => HEAD_PATIENCE_MS,
            };
            let limit = self.devices[tab.device].latest_look(line.since, patience);
            assert!(self.now <= limit, "waits for {} ms: {line:?}", self.now - line.since);
        }
    }

    fn step_network(&mut self) {
        match self.network.advance(self.now) {
            Some(Arrival::AtServer(connection, request)) => self.serve(connection, &request),
            Some(Arrival::AtPage(connection, fact)) => self.learn(connection, fact),
            Some(Arrival::LetGo(connection)) => {
                self.servers.iter_mut().for_each(|server| server.let_go(connection));
            }
            None => {}
        }
    }

    fn step_servers(&mut self) {
        for server in &mut self.servers {
            for (connection, fact) in server.advance(self.now) {
                self.network.respond(self.now, connection, fact);
            }
        }
    }

    fn wake(&mut self) {
        let is_due = |tab: &usize| self.wakes_at(*tab).is_some_and(|at| at <= self.now);
        if let Some(tab) = (0..self.tabs.len()).find(is_due) {
            self.tell(tab, Input::Woken, &Cause::Woken);
            let now = Time::from_millis(self.time(tab));
            let is_due = self.tabs[tab].chat.deadline().is_some_and(|deadline| deadline <= now);
            assert!(!is_due, "a deadline stays due after it was told");
        }
    }

    /// A browser's timers fire early at times, and for no reason.
    fn wake_early(&mut self, tab: usize) {
        let now = Time::from_millis(self.time(tab));
        if self.tabs[tab].chat.deadline().is_some_and(|deadline| deadline > now) {
            let mut orders = Vec::new();
            self.tabs[tab].chat.handle(now, Input::Woken, &mut orders);
            assert!(orders.is_empty(), "acts before its deadline: {orders:?}");
        }
    }

    fn step_agenda(&mut self) {
        let Some((_, event)) = self.agenda.pop_first() else {
            return;
        };
        let device = match event {
            Event::AtPage(tab, ..) => Some(self.tabs[tab].device),
            Event::Leaves(device) | Event::Returns(device, _) => Some(device),
            Event::Closes(_) | Event::Restarts(_) => None,
        };
        let asleep_until = device.and_then(|device| self.devices[device].asleep_until(self.now));
        if let Some(until) = asleep_until {
            return self.plan(until - self.now, event);
        }
        match event {
            Event::AtPage(tab, _, Due::Wish) => {
                self.wish(tab);
                self.schedule_wish(tab);
            }
            Event::AtPage(tab, page, due) if self.tabs[tab].page == page => match due {
                Due::Wish => {}
                Due::SessionStarted => self.session_started(tab),
                Due::TokenReady => self.token_ready(tab),
                Due::Wanted(stream) => self.wanted(tab, stream),
                Due::Despairs(stream) => self.despair(tab, stream),
                Due::Rested(request) => self.rested(tab, request),
            },
            Event::AtPage(..) => {}
            Event::Leaves(device) => self.leave(device),
            Event::Returns(device, absence) => self.come_back(device, absence),
            Event::Closes(session) => {
                self.tally.insert("a closed session");
                self.servers[session].close();
            }
            Event::Restarts(session) => self.restart(session),
        }
    }

    fn restart(&mut self, session: usize) {
        let mut facts = Vec::new();
        self.servers[session].restart(&mut facts);
        for (connection, fact) in facts {
            self.network.respond(self.now, connection, fact);
        }
    }

    fn plan(&mut self, delay: u64, event: Event) {
        self.scheduled += 1;
        self.agenda.insert((self.now + delay, self.scheduled), event);
    }

    fn schedule(&mut self, tab: usize, delay: u64, due: Due) {
        self.plan(delay, Event::AtPage(tab, self.tabs[tab].page, due));
    }

    fn schedule_wish(&mut self, tab: usize) {
        if let Some(delay) = self.tabs[tab].user.thinks_for() {
            self.schedule(tab, delay, Due::Wish);
        }
    }

    fn schedule_absence(&mut self, device: usize) {
        if let Some(delay) = self.devices[device].stays_for() {
            self.plan(delay, Event::Leaves(device));
        }
    }

    // The devices

    fn leave(&mut self, device: usize) {
        self.schedule_absence(device);
        // A callback that a sleep makes fail may leave a boundary that only numbers tell.
        let may_sleep = |tab: &Tab| {
            tab.device != device || tab.user.habits.has_numbers || !tab.awaits_callback()
        };
        let may_sleep = self.tabs.iter().all(may_sleep);
        let Some((absence, length)) = self.devices[device].leave(self.now, may_sleep) else {
            return;
        };
        self.trace(|| format!("device {device} is {absence:?} for {length} ms"));
        self.plan(length, Event::Returns(device, absence));
        for tab in self.tabs_of(device) {
            let (page, habits) = (self.tabs[tab].page, self.tabs[tab].user.habits);
            // A message that landed unknown to the client leaves a boundary that only numbers tell.
            let loses_appends = habits.has_numbers;
            match absence {
                Absence::Offline => {
                    self.tally.insert("an outage");
                    self.network.cut_off(self.now, page, loses_appends);
                    self.tell_if_active(tab, Input::Offline, &Cause::Other);
                }
                Absence::Hidden => {
                    self.tally.insert("a hidden page");
                    self.tell_if_active(tab, Input::Hidden, &Cause::Other);
                }
                Absence::PutAway => {
                    self.tally.insert("a page that was put away");
                    self.tell_if_active(tab, Input::PutAway, &Cause::Other);
                }
                Absence::Asleep => {
                    self.tally.insert("a sleep");
                    self.tabs[tab].ledger.falls_asleep(length);
                    let until = self.now + length;
                    self.network.put_to_sleep(self.now, page, until, loses_appends);
                }
                Absence::Leaps => {
                    self.tally.insert("a clock that leapt");
                    self.tabs[tab].ledger.falls_asleep(length);
                    self.tabs[tab].clock.now = self.time(tab);
                }
            }
        }
    }

    fn come_back(&mut self, device: usize, absence: Absence) {
        self.trace(|| format!("device {device} is no longer {absence:?}"));
        self.devices[device].come_back(self.now, absence);
        for tab in self.tabs_of(device) {
            match absence {
                Absence::Offline => {
                    self.network.connect(self.tabs[tab].page);
                    self.tell_if_active(tab, Input::Online, &Cause::Hurried);
                }
                Absence::PutAway if self.device(tab).is_offline() => {
                    self.tell_if_active(tab, Input::Offline, &Cause::Other);
                }
                Absence::PutAway => self.tell_if_active(tab, Input::Online, &Cause::Hurried),
                Absence::Hidden => self.tell_if_active(tab, Input::Shown, &Cause::Other),
                Absence::Asleep | Absence::Leaps => {}
            }
        }
    }

    fn tabs_of(&self, device: usize) -> Vec<usize> {
        (0..self.tabs.len()).filter(|tab| self.tabs[*tab].device == device).collect()
    }

    /// The browser half listens only while something is under way.
    fn tell_if_active(&mut self, tab: usize, input: Input<'_>, cause: &Cause) {
        if self.tabs[tab].chat.is_active() {
            self.tell(tab, input, cause);
        }
    }

    // The server's side of a request

    fn serve(&mut self, connection: Connection, request: &Request) {
        self.trace(|| format!("server gets {connection:?} {request:?}"));
        let Some(session) = self.sessions_of_pages.get(&connection.page).copied() else {
            return;
        };
        let server = &mut self.servers[session];
        let answer = match request {
            Request::Append { token, part_id, body } => {
                server.append(self.now, connection, token, part_id, body)
            }
            Request::ListInput { token, after } => Some(server.list_input(self.now, token, *after)),
            Request::Subscribe { token, last_event_id, peek_settled } => {
                let from = last_event_id.as_deref();
                let head = server.subscribe(self.now, connection, token, from, *peek_settled);
                Some(Fact::Head(head))
            }
        };
        if let Some(answer) = answer {
            self.network.respond(self.now, connection, answer);
        }
    }

    // What a page learns

    fn learn(&mut self, connection: Connection, fact: Fact) {
        let Some(tab) = self.tabs.iter().position(|tab| tab.page == connection.page) else {
            return;
        };
        let request = RequestId(connection.request);
        match fact {
            Fact::Answered { status, retry_after_ms, body } => {
                self.learn_answer(tab, request, status, retry_after_ms, &body);
            }
            Fact::Head(head) => self.learn_head(tab, request, head),
            Fact::Bytes(bytes) => {
                self.tell(tab, Input::Bytes { request, bytes: &bytes }, &Cause::Body);
            }
            Fact::Ended => {
                self.tabs[tab].is_between_bodies = true;
                self.tell(tab, Input::Ended { request }, &Cause::Body);
            }
            Fact::Failed => {
                self.tally.insert(match self.tabs[tab].ledger.over(request) {
                    Some((_, Aim::Append)) => "a lost append",
                    Some((_, Aim::Question)) => "a lost question",
                    None => {
                        self.tabs[tab].is_between_bodies = false;
                        "a cut"
                    }
                });
                let error = Foreign(0);
                self.tell(tab, Input::NetworkFailed { request, error }, &Cause::Other);
            }
        }
    }

    fn learn_answer(
        &mut self,
        tab: usize,
        request: RequestId,
        status: u16,
        retry_after_ms: Option<u64>,
        body: &str,
    ) {
        let now = self.time(tab);
        let ledger = &mut self.tabs[tab].ledger;
        let (part_id, aim) = ledger.over(request).expect("an answer to a request");
        if aim == Aim::Question {
            ledger.was_asked(&part_id);
        }
        if status != 200 {
            ledger.refused(&part_id, aim, status, retry_after_ms.map(|ms| now + ms));
        }
        let cause = match aim {
            Aim::Append if status != 200 => Cause::Other,
            _ => Cause::Landed(part_id.clone()),
        };
        let answer = Input::Answered { request, status, retry_after_ms, body };
        self.tell(tab, answer, &cause);
        if status == 200 && aim == Aim::Question {
            let is_found = body.contains(&part_id);
            let is_acknowledged = self.tabs[tab].ledger.is_acknowledged(&part_id);
            assert!(!is_found || is_acknowledged, "{part_id} is found, and not acknowledged");
            if is_found {
                self.tally.insert("a bare answer that was proven");
            }
        }
    }

    fn learn_head(&mut self, tab: usize, request: RequestId, head: network::Head) {
        let at = &mut self.tabs[tab];
        if let Some(open) = &mut at.witness.open {
            open.settled_at = head.settled_at;
            if head.settled_at.is_some() {
                self.tally.insert("a settled peek");
            }
        }
        at.is_between_bodies &= [401, 403].contains(&head.status);
        let is_in_passing = [408, 425, 429].contains(&head.status) || head.status >= 500;
        let told = Head {
            status: head.status,
            is_event_stream: head.is_event_stream,
            retry_after_ms: head.retry_after_ms,
            is_v2: head.is_v2,
            is_settled: head.settled_at.is_some(),
        };
        self.tell(tab, Input::Connected { request, head: told }, &Cause::Other);
        let now = self.time(tab);
        let at = &mut self.tabs[tab];
        if let Some(ms) = head.retry_after_ms.filter(|_| is_in_passing && at.chat.is_active()) {
            at.not_before = Some(now + ms.min(MAX_RETRY_AFTER_MS));
        }
    }

    fn session_started(&mut self, tab: usize) {
        self.tabs[tab].starting_since = None;
        self.tabs[tab].not_before = None;
        if self.callback_fails() {
            let error = ChatError::Other("startSession failed".to_owned());
            self.tally.insert("a callback that failed");
            return self.tell(tab, Input::StartFailed(error), &Cause::Other);
        }
        let now = self.now;
        let token = self.server(tab).create(now);
        self.tell(tab, Input::SessionStarted { token, pending_version: false }, &Cause::Other);
    }

    fn token_ready(&mut self, tab: usize) {
        self.tabs[tab].refreshing_since = None;
        if self.callback_fails() {
            let error = ChatError::Other("accessToken failed".to_owned());
            return self.tell(tab, Input::TokenFailed(error), &Cause::Other);
        }
        let now = self.now;
        let token = self.server(tab).make_token(now);
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

    /// The turn of a message that was believed to have landed never comes.
    fn despair(&mut self, tab: usize, stream: StreamId) {
        if self.tabs[tab].witness.open.as_ref().is_some_and(|open| open.stream == stream) {
            self.cancel(tab);
        }
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
            Wish::Retry => self.retry(tab),
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
            head_start: None,
        };
        let at = &mut self.tabs[tab];
        at.ledger.register(&send.part_id.0, &send.body, true, at.send_timeout_ms);
        self.tell(tab, Input::Send { call, send }, &Cause::Hurried);
    }

    fn stop(&mut self, tab: usize) {
        let turn = self.tabs[tab].witness.current;
        let part_id = self.tabs[tab].next_part_id();
        let call = self.tabs[tab].next_call(Call::Stop { turn });
        let at = &mut self.tabs[tab];
        at.ledger.register(&part_id.0, STOP, true, at.send_timeout_ms);
        at.stops.insert(part_id.0.clone(), call);
        self.tell(tab, Input::Stop { call, part_id }, &Cause::Other);
    }

    fn abort(&mut self, tab: usize, stops: bool) {
        let Some(call) = self.tabs[tab].abortable() else {
            return;
        };
        // The driver asks for no stop after the abort of a plain reconnect.
        let open = self.tabs[tab].witness.open.as_ref();
        let stops = stops && !open.is_some_and(|open| open.call == call && open.is_resumed);
        let stop = stops.then(|| self.tabs[tab].next_part_id());
        let at = &mut self.tabs[tab];
        if let Some(PartId(stop)) = &stop {
            at.ledger.register(stop, STOP, false, at.send_timeout_ms);
            if let Some(Call::Send { part_id }) = at.calls.get(&call).cloned() {
                at.ledger.aborted(&part_id, stop);
                at.aborted.insert(part_id);
            }
        }
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
            self.tabs[tab].not_before = None;
            self.tell(tab, Input::Cancelled { stream: open.stream }, &Cause::Other);
        }
    }

    fn retry(&mut self, tab: usize) {
        let state = self.tabs[tab].chat.connection();
        if let ConnectionState::Reconnecting { .. } | ConnectionState::Offline = state {
            self.tally.insert("an attempt on request");
        }
        self.tell(tab, Input::Retry, &Cause::Hurried);
    }

    fn reload(&mut self, tab: usize) {
        for connection in self.network.open_lines(self.tabs[tab].page) {
            self.network.cancel(self.now, connection);
        }
        self.pages += 1;
        self.sessions_of_pages.insert(self.pages, self.tabs[tab].session);
        self.tabs[tab].ledger.assert_in_order(&self.servers[self.tabs[tab].session]);
        self.tabs[tab].reload(self.pages);
        if self.device(tab).is_offline() {
            self.network.cut_off(self.now, self.pages, false);
        }
        let active = self.tabs[tab].stored.as_ref().and_then(|stored| stored.active_input_seq);
        let current = active.and_then(|seq| self.server(tab).turn_of_input(seq));
        let is_gated = self.tabs[tab].is_streaming() == Some(false);
        let server = &self.servers[self.tabs[tab].session];
        self.tabs[tab].witness.reloaded(current, is_gated, server);
        // `useChat` resumes as the page loads, unless the app does not want it to.
        if self.random.percent(80) {
            self.reconnect(tab);
        }
    }

    fn reconnect(&mut self, tab: usize) {
        let is_nothing = self.tabs[tab].has_nothing_to_reconnect_to();
        let call = self.tabs[tab].next_call(Call::Reconnect { is_nothing });
        self.tell(tab, Input::Reconnect { call }, &Cause::Hurried);
        assert!(!self.tabs[tab].calls.contains_key(&call), "a reconnect is answered at once");
    }

    // What a machine orders

    fn tell(&mut self, tab: usize, input: Input<'_>, cause: &Cause) {
        self.trace(|| format!("tab {tab} told {}", short(&input)));
        let was_active = self.tabs[tab].chat.is_active();
        let mut orders = Vec::new();
        let now = Time::from_millis(self.time(tab));
        self.tabs[tab].chat.handle(now, input, &mut orders);
        self.assert_stopped_if_aborted(tab, cause, &orders);
        let mut owed = None;
        for order in orders {
            self.trace(|| format!("    {order:?}"));
            assert_no_token(&order);
            owed = self.carry_out(tab, order, cause).or(owed);
        }
        if let Some(stop) = owed {
            self.assert_stops(tab, &stop);
        }
        let overtaken = self.tabs[tab].witness.overtaken;
        assert_eq!(overtaken, None, "a second stream is open");
        if let Cause::Landed(part_id) = cause
            && self.tabs[tab].ledger.is_acknowledged(part_id)
        {
            self.landed(tab, part_id);
        }
        self.assert_nothing_is_left(tab);
        self.assert_connection_is_true(tab);
        if !was_active && self.tabs[tab].chat.is_active() {
            // From now on the browser half listens, and tells what it finds.
            if self.device(tab).is_offline() {
                self.tell(tab, Input::Offline, &Cause::Other);
            }
            if self.device(tab).is_hidden() {
                self.tell(tab, Input::Hidden, &Cause::Other);
            }
        }
    }

    /// A chat that has nothing under way has nothing open, and waits for nothing.
    fn assert_nothing_is_left(&self, tab: usize) {
        let at = &self.tabs[tab];
        if !at.chat.is_active() {
            assert_eq!(self.network.open_lines(at.page), [], "requests are left open");
            assert_eq!(at.chat.deadline(), None, "a deadline is left");
        }
        if at.witness.open.is_none() && !at.is_sending() {
            assert_eq!(self.network.open_subscriptions(at.page), 0, "reads for nobody");
        }
    }

    /// What the app can show of the connection is true.
    fn assert_connection_is_true(&mut self, tab: usize) {
        let at = &self.tabs[tab];
        let has_body = self.network.has_body(at.page);
        let is_offline = self.device(tab).is_offline() || self.device(tab).is_put_away();
        let awaits = at.witness.open.is_some() || at.is_sending();
        let state = at.chat.connection();
        let is_true = match state {
            ConnectionState::Closed => at.is_closed(),
            ConnectionState::Live => has_body,
            ConnectionState::Waiting => has_body || at.is_between_bodies,
            ConnectionState::Offline => {
                self.tally.insert("a chat that is offline");
                is_offline
            }
            ConnectionState::Idle => !awaits,
            ConnectionState::Connecting => at.chat.is_active(),
            ConnectionState::Reconnecting { attempt, next_try } => {
                let is_told = next_try.is_none() || next_try >= at.chat.deadline();
                attempt > 0 && is_told
            }
        };
        assert!(is_true, "the connection is not {state:?}: {:?}", at.witness.open);
        let is_known = at.is_closed() == (state == ConnectionState::Closed);
        assert!(is_known, "the session is closed, and the connection {state:?}");
    }

    /// The signal of a send whose stream is open stops the turn, that of a reconnect does not.
    fn assert_stopped_if_aborted(&self, tab: usize, cause: &Cause, orders: &[Action]) {
        let open = self.tabs[tab].witness.open.as_ref();
        if let (Cause::Aborted { call, stops }, Some(open)) = (cause, open)
            && open.call == *call
        {
            let is_append = |order: &Action| matches!(order, Action::Append { .. });
            let at = &self.tabs[tab];
            // Behind what is under way it has to wait, unless that is a message that was aborted as well.
            let lets_go = |order: &Action| {
                matches!(order, Action::Tell(ChatEvent::MessageSendFailed(_, ChatError::Aborted)))
            };
            let has_to_wait = at.ledger.is_sending() && !orders.iter().any(lets_go);
            let is_owed = *stops && !open.is_resumed && !at.is_closed() && !has_to_wait;
            assert_eq!(orders.iter().any(is_append), is_owed, "{orders:?}");
        }
    }

    /// Carries an order out; the stop that is owed now, where the order says so.
    fn carry_out(&mut self, tab: usize, order: Action, cause: &Cause) -> Option<String> {
        match order {
            Action::StartSession => self.order_session(tab),
            Action::RefreshToken => self.order_token(tab),
            Action::Append { request, token, part_id, body } => {
                self.append(tab, request, token, part_id.0, body, cause);
            }
            Action::ListInput { request, token, after } => {
                let at = &mut self.tabs[tab];
                if *cause == Cause::Woken {
                    at.ledger.assert_not_too_late(at.clock);
                }
                at.ledger.asked(request, at.clock, *cause == Cause::Hurried);
                self.request(tab, request, Request::ListInput { token, after });
            }
            Action::Subscribe { request, token, last_event_id, peek_settled } => {
                self.assert_not_too_soon(tab, cause);
                self.subscribe(tab, request, token, last_event_id, peek_settled);
            }
            Action::Read { request, rest_ms } => self.read(tab, request, rest_ms),
            Action::CancelRequest { request } => {
                self.tabs[tab].witness.cancelled(request);
                self.given_up(tab, request, cause);
                self.network.cancel(self.now, self.tabs[tab].connection(request));
            }
            Action::OpenStream { call, stream } => self.open_stream(tab, call, stream, cause),
            Action::Emit { stream, chunks } => {
                let server = &self.servers[self.tabs[tab].session];
                self.tabs[tab].witness.emitted(stream, &chunks, server);
                if self.tabs[tab].witness.has_merged {
                    self.tally.insert("merged deltas");
                }
                self.consume(tab, stream);
            }
            Action::CloseStream { stream } => self.close_stream(tab, stream, cause),
            Action::FailStream { stream, error } => self.fail_stream(tab, stream, &error),
            Action::Resolve { call, answer } => self.resolve(tab, call, &answer),
            Action::Reject { call, error } => self.reject(tab, call, &error, cause),
            Action::Persist(session) => self.tabs[tab].stored = Some(session),
            Action::Forget => self.tabs[tab].stored = None,
            Action::Settle { stream, input_seq, .. } => {
                let server = &self.servers[self.tabs[tab].session];
                self.tabs[tab].witness.dealt_with(stream, input_seq, server);
            }
            Action::HeadStart { .. } => unreachable!("the app has no route of its own"),
            Action::Tell(event) => return self.told(tab, &event),
        }
        None
    }

    fn append(
        &mut self,
        tab: usize,
        request: RequestId,
        token: String,
        part_id: String,
        body: String,
        cause: &Cause,
    ) {
        let running = self.running_turn(tab, cause);
        let at = &mut self.tabs[tab];
        if *cause == Cause::Woken {
            at.ledger.assert_not_too_late(at.clock);
        }
        let is_hurried = *cause == Cause::Hurried;
        let is_first = at.ledger.attempted(request, &part_id, &body, at.clock, is_hurried);
        if let (true, Some(call)) = (is_first, at.stops.get(&part_id)) {
            // A stop waits for what is on its way, and means the turn of that.
            at.calls.insert(*call, Call::Stop { turn: running });
        }
        self.request(tab, request, Request::Append { token, part_id, body });
    }

    /// The app is told an event; the stop that is owed now, where the event says so.
    fn told(&mut self, tab: usize, event: &ChatEvent) -> Option<String> {
        let at = &mut self.tabs[tab];
        let server = &self.servers[at.session];
        match event {
            ChatEvent::MessageSent(report) => {
                let part_id = report.part_id.as_deref().expect("every send has one");
                if !server.has_landed(part_id) {
                    assert!(server.has_to_be_believed(), "acknowledged, and not in `.in`");
                    self.tally.insert("a bare answer that was believed, and was wrong");
                }
                at.ledger.acknowledged(part_id, at.clock)
            }
            ChatEvent::MessageSendFailed(report, error) => {
                if matches!(error, ChatError::Unproven { .. }) {
                    self.tally.insert("a message that was never proven");
                }
                let part_id = report.part_id.as_deref().expect("every send has one");
                at.ledger.failed(part_id, error, at.clock, server);
                None
            }
            _ => None,
        }
    }

    /// A message whose call was aborted has landed: its turn is stopped at once.
    fn assert_stops(&mut self, tab: usize, stop: &str) {
        self.tally.insert("an aborted message that had landed");
        let at = &self.tabs[tab];
        assert!(at.ledger.has_begun(stop) || at.is_closed(), "its turn is not stopped");
    }

    /// The service's wish to be left alone is respected.
    fn assert_not_too_soon(&mut self, tab: usize, cause: &Cause) {
        let not_before = self.tabs[tab].not_before.take();
        // Without a network nothing gets there anyway.
        // A message that lands begins a stream of its own.
        let is_new = matches!(cause, Cause::Hurried | Cause::Landed(_));
        let is_excused = is_new || self.device(tab).was_offline_since(not_before);
        let is_in_time = not_before.is_none_or(|at| self.time(tab) >= at);
        assert!(is_in_time || is_excused, "asks again before {not_before:?}");
    }

    /// Notes a connection that was given up because it said nothing.
    fn given_up(&mut self, tab: usize, request: RequestId, cause: &Cause) {
        let connection = self.tabs[tab].connection(request);
        if self.tabs[tab].ledger.over(request).is_some() {
            self.tally.insert("an answer that never came");
        } else if *cause == Cause::Woken && self.network.is_open(connection) {
            self.tally.insert(match self.network.has_body(connection.page) {
                true => "a silence that was given up",
                false => "a head that was given up",
            });
            self.tabs[tab].is_between_bodies = false;
        }
    }

    /// The turn that the tab waits for, also when it has begun by this very cause.
    fn running_turn(&self, tab: usize, cause: &Cause) -> Option<usize> {
        let at = &self.tabs[tab];
        let server = &self.servers[at.session];
        let landed = match cause {
            Cause::Landed(part_id) if at.ledger.is_acknowledged(part_id) => {
                server.turn_of_part(part_id)
            }
            _ => None,
        };
        landed.filter(|turn| !at.witness.is_late(*turn, server)).or(at.witness.current)
    }

    fn order_session(&mut self, tab: usize) {
        self.assert_not_called(tab, self.tabs[tab].starting_since);
        let server = self.server(tab);
        let is_lost = !server.exists || server.was_lost || self.tabs[tab].stored.is_none();
        assert!(is_lost, "creates a session anew that is there");
        self.tabs[tab].starting_since = Some(self.time(tab));
        let delay = self.callback_takes();
        self.schedule(tab, delay, Due::SessionStarted);
    }

    fn order_token(&mut self, tab: usize) {
        self.assert_not_called(tab, self.tabs[tab].refreshing_since);
        self.tabs[tab].refreshing_since = Some(self.time(tab));
        let (now, at) = (self.now, &self.tabs[tab]);
        let token = at.stored.as_ref().map(|stored| stored.public_access_token.as_str());
        let is_valid = token.is_some_and(|token| self.servers[at.session].is_valid(now, token));
        self.tally.insert(if is_valid { "a token renewed in time" } else { "a refused token" });
        let delay = self.callback_takes();
        self.schedule(tab, delay, Due::TokenReady);
    }

    fn assert_not_called(&self, tab: usize, since: Option<u64>) {
        let is_given_up = since.is_none_or(|since| self.time(tab) >= since + CALLBACK_PATIENCE_MS);
        assert!(is_given_up, "a callback is called twice at once");
    }

    /// How long one of the app's callbacks takes; longer than anybody waits, at times.
    fn callback_takes(&mut self) -> u64 {
        if self.callback_fails() {
            self.tally.insert("a callback that hung");
            return self.random.within(CALLBACK_PATIENCE_MS..3 * CALLBACK_PATIENCE_MS);
        }
        self.random.within(1..2_000)
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
        let server = &self.servers[at.session];
        assert_eq!(self.network.open_subscriptions(at.page), 0, "a second subscription is open");
        // (The stream of a session that was lost, or closed, may outlive it.)
        let is_gone = at.is_stale || server.was_lost || at.is_closed();
        let is_stored = at.is_streaming() != Some(false) || is_gone;
        let is_early = at.witness.open.is_none();
        assert!(is_early || is_stored, "subscribes again, and the turn is not stored");
        assert!(!is_early || at.is_sending(), "subscribes for nobody");
        let is_new = at.witness.is_new();
        if peek_settled {
            let asks_in_doubt = at.witness.peeks(last_event_id.as_deref(), server);
            self.tally.extend(asks_in_doubt.then_some("a question in doubt"));
        }
        if is_new || last_event_id.is_some() || !at.is_stale {
            let stored = at.stored.as_ref().and_then(|stored| stored.last_event_id.as_deref());
            at.witness.subscribed(request, last_event_id.as_deref(), stored, server);
        } else {
            at.witness.began_anew();
        }
        let is_known = server.has_made(&token) || at.is_stale;
        assert!(is_known, "a token that nobody made: {token}");
        self.request(tab, request, Request::Subscribe { token, last_event_id, peek_settled });
    }

    fn read(&mut self, tab: usize, request: RequestId, rest_ms: u64) {
        let is_wanting = self.tabs[tab].witness.open.as_ref().is_some_and(|open| open.is_wanting);
        assert!(is_wanting, "reads what nobody has room for");
        if rest_ms == 0 {
            return self.rested(tab, request);
        }
        self.tally.insert("a rest between two reads");
        self.schedule(tab, rest_ms, Due::Rested(request));
    }

    fn rested(&mut self, tab: usize, request: RequestId) {
        self.network.read(self.now, self.tabs[tab].connection(request));
    }

    fn open_stream(&mut self, tab: usize, call: CallId, stream: StreamId, cause: &Cause) {
        let at = &mut self.tabs[tab];
        let server = &self.servers[at.session];
        let (is_resumed, turn) = match at.answered(call) {
            Call::Send { part_id } => {
                let has_landed = *cause == Cause::Landed(part_id.clone());
                let is_acknowledged = has_landed && at.ledger.is_acknowledged(&part_id);
                assert!(is_acknowledged, "a stream whose message is not acknowledged");
                (false, server.turn_of_part(&part_id))
            }
            Call::Reconnect { is_nothing } => {
                assert_ne!(
                    is_nothing,
                    Some(true),
                    "a stream where there is nothing to reconnect to"
                );
                let active = at.stored.as_ref().and_then(|stored| stored.active_input_seq);
                (true, active.and_then(|seq| server.turn_of_input(seq)))
            }
            call => panic!("a stream for {call:?}"),
        };
        if !is_resumed && turn.is_some_and(|turn| at.witness.is_late(turn, server)) {
            self.tally.insert("an acknowledgement after its turn's end");
            at.witness.overtaken = Some(stream);
            return;
        }
        let is_stored = at.is_streaming() != Some(false) || at.is_closed();
        assert!(is_stored, "a turn that runs is not stored");
        at.witness.opened(stream, call, is_resumed, turn);
        if !is_resumed && turn.is_none() {
            self.schedule(tab, 5_000, Due::Despairs(stream));
        }
        self.consume(tab, stream);
    }

    fn consume(&mut self, tab: usize, stream: StreamId) {
        let delay = self.tabs[tab].user.digests_for();
        self.schedule(tab, delay, Due::Wanted(stream));
    }

    fn close_stream(&mut self, tab: usize, stream: StreamId, cause: &Cause) {
        let at = &mut self.tabs[tab];
        at.not_before = None;
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
                at.witness.ended_by_itself(stream, cursor, &self.servers[at.session]);
                assert_eq!(at.is_streaming(), Some(false), "the end is not stored");
            }
            Cause::Aborted { call, stops } => {
                self.tally.insert("an aborted stream");
                let open = at.witness.open.as_ref().expect("a stream is open");
                assert_eq!(open.call, *call, "another call's signal was aborted");
                if let (false, true, Some(turn)) = (open.is_resumed, *stops, open.turn) {
                    at.witness.given_up(turn, &self.servers[at.session]);
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
            Cause::Other | Cause::Woken | Cause::Hurried => {
                panic!("{stream:?} ends for no reason")
            }
        }
    }

    fn fail_stream(&mut self, tab: usize, stream: StreamId, error: &ChatError) {
        let at = &mut self.tabs[tab];
        let server = &self.servers[at.session];
        at.not_before = None;
        assert_eq!(at.is_streaming(), Some(false), "the end is not stored");
        let is_understood = match error {
            ChatError::Other(text) if text.contains("output was lost") => {
                self.tally.insert("a lost output");
                let cursor = at.cursor();
                return at.witness.swallowed(cursor, server);
            }
            ChatError::Other(text) if text.contains("reconnect budget exhausted") => {
                self.tally.insert("an exhausted budget");
                server.out.is_empty() || server.barren_bodies > MAX_BARREN_BODIES
            }
            ChatError::Other(text) => {
                text == "accessToken failed"
                    || text == "`accessToken` has not answered for a minute."
            }
            ChatError::Api(error) => match error.status {
                404 => at.is_stale || server.was_lost,
                409 | 410 => server.closed_at.is_some(),
                _ => false,
            },
            ChatError::Aborted | ChatError::Foreign(_) | ChatError::Unproven { .. } => false,
        };
        assert!(is_understood, "{stream:?} fails for no reason: {error:?}");
        at.witness.failed(stream);
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
            (Call::Stop { turn }, Answer::Delivered(true)) => self.stopped(tab, turn),
            (Call::Stop { .. }, Answer::Delivered(false)) => {}
            (call, answer) => panic!("{answer:?} to {call:?}"),
        }
    }

    fn stopped(&mut self, tab: usize, turn: Option<usize>) {
        let at = &mut self.tabs[tab];
        let server = &self.servers[at.session];
        let newest = server.turns.len().checked_sub(1);
        let witness = &mut at.witness;
        match turn {
            Some(turn) if witness.current == Some(turn) => witness.given_up(turn, server),
            Some(_) => {}
            None => witness.perhaps_given_up(newest),
        }
    }

    fn reject(&mut self, tab: usize, call: CallId, error: &ChatError, cause: &Cause) {
        self.tabs[tab].answered(call);
        self.tabs[tab].not_before = None;
        if let Some(status) = error.status() {
            // (A fresh token may have expired in a sleep, before the message got there.)
            let is_final = match status {
                401 | 403 => self.device(tab).has_slept(),
                404 => self.server(tab).was_lost,
                _ => true,
            };
            assert!(is_final, "{call:?} is refused, and could be tried again");
            let is_closed = self.server(tab).closed_at.is_some();
            assert!(status != 409 || is_closed, "{call:?} is refused, and the session is open");
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
        let at = &mut self.tabs[tab];
        let server = &self.servers[at.session];
        let Some(turn) = server.turn_of_part(part_id) else {
            return;
        };
        let witness = &mut at.witness;
        if witness.is_late(turn, server) {
            return;
        }
        witness.current = Some(turn);
        if at.aborted.contains(part_id) {
            let open = &at.witness.open;
            assert!(open.is_none(), "outlives the turn that superseded it: {open:?}");
            at.witness.given_up(turn, server);
        } else if self.tabs[tab].witness.open.is_none() && !self.server(tab).has_ended() {
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
        // (Where a chat that is closed has read on is of no use to anybody.)
        at.ledger.assert_all_over();
        at.ledger.assert_in_order(&self.servers[at.session]);
        let is_stored = at.is_closed() || at.chat.session() == at.stored;
        assert!(is_stored, "what is stored is not the state: {:?}", at.stored);
        let is_over = at.is_streaming() != Some(true) || at.is_closed();
        assert!(is_over, "a turn is stored that is over");
        assert!(!self.servers[at.session].is_busy(), "the agent still works");
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

/// A token is nowhere but where it is needed.
fn assert_no_token(order: &Action) {
    let has_token = match order {
        Action::Append { part_id, body, .. } => part_id.0.contains(MARK) || body.contains(MARK),
        Action::Subscribe { last_event_id, .. } => {
            last_event_id.as_ref().is_some_and(|id| id.contains(MARK))
        }
        Action::Emit { chunks, .. } => chunks.contains(MARK),
        Action::Persist(session) => has_token(session),
        Action::Resolve { answer: Answer::Session(session), .. } => has_token(session),
        Action::Tell(_) | Action::Reject { .. } | Action::FailStream { .. } => {
            format!("{order:?}").contains(MARK)
        }
        _ => false,
    };
    assert!(!has_token, "a token is told: {order:?}");
}

/// Whether a token is in another member than its own.
fn has_token(session: &PersistedSession) -> bool {
    let without = PersistedSession { public_access_token: String::new(), ..session.clone() };
    format!("{without:?}").contains(MARK)
}
