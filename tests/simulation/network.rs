//! The network between the pages and the servers, sans-I/O as they are: it delays, refuses, loses
//! answers, cuts bodies at any byte, lets them fall silent for ever, and lets a reader have them in
//! pieces of any size. A page may be cut off from it, or sleep.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::random::Random;

/// One HTTP request of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Connection {
    pub(crate) page: u32,
    pub(crate) request: u32,
}

/// What a page asks of the server.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Append { token: String, part_id: String, body: String },
    ListInput { token: String, after: Option<u64> },
    Subscribe { token: String, last_event_id: Option<String>, peek_settled: bool },
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) is_event_stream: bool,
    pub(crate) retry_after_ms: Option<u64>,
    pub(crate) is_v2: bool,
    /// The server says "settled", of all up to this seq.
    pub(crate) settled_at: Option<u64>,
}

/// What a page learns of a request.
#[derive(Debug, Clone)]
pub(crate) enum Fact {
    Answered { status: u16, retry_after_ms: Option<u64>, body: String },
    Head(Head),
    Bytes(Vec<u8>),
    Ended,
    Failed,
}

/// What arrives at an end.
#[derive(Debug)]
pub(crate) enum Arrival {
    AtServer(Connection, Request),
    AtPage(Connection, Fact),
    /// The server learns that nobody reads a body any more.
    LetGo(Connection),
}

/// How bad it is. Chances in percent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) latency_ms: u64,
    /// A request does not get through.
    pub(crate) refuses: u64,
    /// An append gets through, or not, and its answer does not.
    pub(crate) loses_answers: u64,
    /// A body breaks off.
    pub(crate) cuts: u64,
    /// A body falls silent, without an end, for ever.
    pub(crate) silences: u64,
    /// A request for a body gets no answer at all, not even an end.
    pub(crate) loses_heads: u64,
    /// A piece of a body is late by up to 40 s.
    pub(crate) stalls: u64,
    /// The answer to an append is as late.
    pub(crate) late_answers: u64,
    /// So is an append on its way to the service.
    pub(crate) late_appends: u64,
    /// An append, or its answer, is lost without a word.
    pub(crate) hangs: u64,
    /// Only the first attempt of each append is harmed.
    pub(crate) harms_once: bool,
}

impl Weather {
    pub(crate) const FAIR: Self = Self {
        latency_ms: 20,
        refuses: 0,
        loses_answers: 0,
        cuts: 0,
        silences: 0,
        loses_heads: 0,
        stalls: 0,
        late_answers: 0,
        late_appends: 0,
        hangs: 0,
        harms_once: false,
    };
}

#[derive(Debug)]
enum Transit {
    ToServer(Connection, Request),
    ToPage(Connection, Fact),
    /// A piece of a body, on its way from the page's buffer to whoever ordered the read.
    Read(Connection, Fact),
    LetGo(Connection),
}

#[derive(Debug, Default)]
struct Line {
    /// Nothing overtakes on one line.
    last_arrival: u64,
    /// The body breaks off after so many bytes.
    cut_after: Option<usize>,
    /// Nothing comes after so many bytes.
    silent_after: Option<usize>,
    /// Nothing comes any more, not even an end.
    is_dead: bool,
    /// Since when the page waits: for a head, or for the answer to a read.
    waits_since: u64,
    /// What has arrived and was not read.
    inbox: VecDeque<Fact>,
    is_reading: bool,
    has_head: bool,
    /// It is answered as a whole: an append, or a question.
    is_append: bool,
    /// The answer may be lost, or be late.
    may_be_harmed: bool,
}

#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) weather: Weather,
    random: Random,
    transits: BTreeMap<(u64, u64), Transit>,
    sent: u64,
    lines: BTreeMap<Connection, Line>,
    /// Pages without a network.
    cut_off: BTreeSet<u32>,
    /// Until when a page sleeps. What is for it waits so long.
    asleep: BTreeMap<u32, u64>,
    /// Part ids that were under way before.
    known: BTreeSet<String>,
}

/// A request whose page waits for the network.
#[derive(Debug)]
pub(crate) struct WaitingLine {
    pub(crate) connection: Connection,
    pub(crate) is_append: bool,
    pub(crate) has_head: bool,
    pub(crate) since: u64,
}

impl Network {
    pub(crate) fn new(weather: Weather, random: Random) -> Self {
        Self {
            weather,
            random,
            transits: BTreeMap::new(),
            sent: 0,
            lines: BTreeMap::new(),
            cut_off: BTreeSet::new(),
            asleep: BTreeMap::new(),
            known: BTreeSet::new(),
        }
    }

    /// The requests that a page has not seen the end of.
    pub(crate) fn open_lines(&self, page: u32) -> Vec<Connection> {
        self.lines.keys().copied().filter(|connection| connection.page == page).collect()
    }

    pub(crate) fn open_subscriptions(&self, page: u32) -> usize {
        let is_one = |(at, line): &(&Connection, &Line)| at.page == page && !line.is_append;
        self.lines.iter().filter(is_one).count()
    }

    pub(crate) fn is_open(&self, connection: Connection) -> bool {
        self.lines.contains_key(&connection)
    }

    /// Whether a page has a body that it could read.
    pub(crate) fn has_body(&self, page: u32) -> bool {
        self.lines.iter().any(|(at, line)| at.page == page && !line.is_append && line.has_head)
    }

    /// The requests that a page waits for.
    pub(crate) fn waiting_lines(&self) -> impl Iterator<Item = WaitingLine> {
        let waits = |line: &Line| !line.has_head || line.is_reading;
        self.lines.iter().filter(move |(_, line)| waits(line)).map(|(connection, line)| {
            WaitingLine {
                connection: *connection,
                is_append: line.is_append,
                has_head: line.has_head,
                since: line.waits_since,
            }
        })
    }

    // What becomes of a page

    /// A page has no network any more. What was open breaks off, or falls silent; `loses_appends`:
    /// also a message whose answer is on its way.
    pub(crate) fn cut_off(&mut self, now: u64, page: u32, loses_appends: bool) {
        self.cut_off.insert(page);
        self.harm_lines(now, page, [50, 100], loses_appends);
    }

    pub(crate) fn connect(&mut self, page: u32) {
        self.cut_off.remove(&page);
    }

    /// A page sleeps. What is for it comes late, or has broken off or fallen silent when it awakes.
    pub(crate) fn put_to_sleep(&mut self, now: u64, page: u32, until: u64, loses_appends: bool) {
        self.asleep.insert(page, until);
        self.harm_lines(now, page, [40, 70], loses_appends);
    }

    /// Of a hundred lines the first so many fall silent, those up to the second number break off,
    /// and the rest go on.
    fn harm_lines(&mut self, now: u64, page: u32, [silent, broken]: [u64; 2], loses_appends: bool) {
        for connection in self.open_lines(page) {
            let drawn = self.random.within(0..100);
            let Some(line) = self.lines.get_mut(&connection) else {
                continue;
            };
            let is_silent = drawn < silent && !line.is_append;
            let is_broken = !is_silent && drawn < broken && (!line.is_append || loses_appends);
            if (is_silent || is_broken) && !line.is_dead {
                line.is_dead = true;
                if is_broken {
                    self.depart(now, Transit::ToPage(connection, Fact::Failed));
                }
            }
        }
    }

    // What the pages do

    pub(crate) fn request(&mut self, now: u64, connection: Connection, request: Request) {
        let is_append = !matches!(request, Request::Subscribe { .. });
        let is_known = match &request {
            Request::Append { part_id, .. } => !self.known.insert(part_id.clone()),
            Request::ListInput { .. } => true,
            Request::Subscribe { .. } => false,
        };
        let may_be_harmed = !is_known || !self.weather.harms_once;
        let loses = match is_append {
            true if may_be_harmed => self.weather.hangs,
            true => 0,
            false => self.weather.loses_heads,
        };
        let is_lost = self.random.percent(loses);
        let line = Line {
            is_append,
            may_be_harmed,
            cut_after: self.break_off(self.weather.cuts),
            silent_after: self.break_off(if is_append { 0 } else { self.weather.silences }),
            is_dead: is_lost,
            waits_since: now,
            ..Line::default()
        };
        assert!(self.lines.insert(connection, line).is_none(), "{connection:?} is used twice");
        if self.cut_off.contains(&connection.page) || self.random.percent(self.weather.refuses) {
            if let Some(line) = self.lines.get_mut(&connection) {
                line.is_dead = true;
            }
            return self.depart(now, Transit::ToPage(connection, Fact::Failed));
        }
        // The request is lost, or the answer to it.
        if is_append && is_lost && self.random.percent(50) {
            return;
        }
        self.depart(now, Transit::ToServer(connection, request));
    }

    /// After how many bytes that befalls a body, where it does.
    fn break_off(&mut self, chance: u64) -> Option<usize> {
        let does = self.random.percent(chance);
        does.then(|| self.random.one_of(&[40, 400, 4_000])).map(|most| self.random.below(most))
    }

    /// The page wants the next piece of the body.
    pub(crate) fn read(&mut self, now: u64, connection: Connection) {
        if let Some(line) = self.lines.get_mut(&connection) {
            assert!(!line.is_reading, "two reads of one body at once");
            line.is_reading = true;
            line.waits_since = now;
            self.hand_over(now, connection);
        }
    }

    /// The page gives the request up. What is under way to the server still gets there.
    pub(crate) fn cancel(&mut self, now: u64, connection: Connection) {
        if self.lines.remove(&connection).is_some() {
            self.depart(now, Transit::LetGo(connection));
        }
    }

    // What the server does

    pub(crate) fn respond(&mut self, now: u64, connection: Connection, fact: Fact) {
        let Some(line) = self.lines.get_mut(&connection) else {
            return;
        };
        if line.is_dead {
            return;
        }
        let fact = match fact {
            Fact::Answered { .. }
                if line.may_be_harmed && self.random.percent(self.weather.loses_answers) =>
            {
                Fact::Failed
            }
            Fact::Bytes(mut bytes) => {
                if let Some(left) = &mut line.cut_after {
                    if bytes.len() >= *left {
                        bytes.truncate(*left);
                        return self.break_body(now, connection, bytes);
                    }
                    *left -= bytes.len();
                }
                if let Some(left) = &mut line.silent_after {
                    line.is_dead = bytes.len() >= *left;
                    bytes.truncate(*left);
                    *left -= bytes.len();
                    if bytes.is_empty() {
                        return;
                    }
                }
                Fact::Bytes(bytes)
            }
            fact => fact,
        };
        self.depart(now, Transit::ToPage(connection, fact));
    }

    fn break_body(&mut self, now: u64, connection: Connection, rest: Vec<u8>) {
        self.depart(now, Transit::ToPage(connection, Fact::Bytes(rest)));
        self.depart(now, Transit::ToPage(connection, Fact::Failed));
        self.depart(now, Transit::LetGo(connection));
    }

    // Time

    fn depart(&mut self, now: u64, transit: Transit) {
        let mut delay = self.random.within(1..self.weather.latency_ms.max(2));
        let lateness = match &transit {
            Transit::ToPage(_, Fact::Bytes(_)) => self.weather.stalls,
            Transit::ToPage(at, Fact::Answered { .. }) if self.may_be_harmed(*at) => {
                self.weather.late_answers
            }
            Transit::ToServer(at, Request::Append { .. }) if self.may_be_harmed(*at) => {
                self.weather.late_appends
            }
            _ => 0,
        };
        if self.random.percent(lateness) {
            delay += self.random.within(1_000..40_000);
        }
        let mut arrival = now + delay;
        if let Transit::ToPage(connection, _) = &transit
            && let Some(line) = self.lines.get_mut(connection)
        {
            arrival = arrival.max(line.last_arrival);
            line.last_arrival = arrival;
        }
        self.sent += 1;
        self.transits.insert((arrival, self.sent), transit);
    }

    fn may_be_harmed(&self, connection: Connection) -> bool {
        self.lines.get(&connection).is_some_and(|line| line.may_be_harmed)
    }

    pub(crate) fn next_time(&self) -> Option<u64> {
        self.transits.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next transit that is due; what it means at its end, if anything.
    pub(crate) fn advance(&mut self, now: u64) -> Option<Arrival> {
        let entry = self.transits.first_entry().filter(|entry| entry.key().0 <= now)?;
        let sent = entry.key().1;
        let transit = entry.remove();
        if let Some(until) = self.asleep_until(&transit).filter(|until| *until > now) {
            // Under its old number: nothing overtakes it.
            self.transits.insert((until, sent), transit);
            return None;
        }
        match transit {
            Transit::ToServer(connection, request) => Some(Arrival::AtServer(connection, request)),
            Transit::LetGo(connection) => Some(Arrival::LetGo(connection)),
            Transit::ToPage(connection, fact) => self.arrived(now, connection, fact),
            Transit::Read(connection, fact) => self.read_answered(connection, fact),
        }
    }

    /// Until when the page sleeps that a transit is for.
    fn asleep_until(&self, transit: &Transit) -> Option<u64> {
        match transit {
            Transit::ToPage(connection, _) | Transit::Read(connection, _) => {
                self.asleep.get(&connection.page).copied()
            }
            Transit::ToServer(..) | Transit::LetGo(_) => None,
        }
    }

    fn arrived(&mut self, now: u64, connection: Connection, fact: Fact) -> Option<Arrival> {
        let line = self.lines.get_mut(&connection)?;
        match &fact {
            Fact::Head(head) if head.status == 200 => line.has_head = true,
            // No body follows: the request is over.
            Fact::Head(_) | Fact::Answered { .. } => {
                self.lines.remove(&connection);
            }
            Fact::Failed if !line.has_head => {
                self.lines.remove(&connection);
            }
            // A body's end, like its bytes, is seen by whoever reads.
            Fact::Failed | Fact::Bytes(_) | Fact::Ended => {
                if matches!(fact, Fact::Failed) && self.random.percent(50) {
                    // A browser may drop what was not read yet.
                    line.inbox.clear();
                }
                line.inbox.push_back(fact);
                self.hand_over(now, connection);
                return None;
            }
        }
        Some(Arrival::AtPage(connection, fact))
    }

    fn read_answered(&mut self, connection: Connection, fact: Fact) -> Option<Arrival> {
        self.lines.get(&connection)?;
        if matches!(fact, Fact::Ended | Fact::Failed) {
            self.lines.remove(&connection);
        }
        Some(Arrival::AtPage(connection, fact))
    }

    /// Answers the read that is under way, if there is anything to answer it with.
    fn hand_over(&mut self, now: u64, connection: Connection) {
        let Some(line) = self.lines.get_mut(&connection).filter(|line| line.is_reading) else {
            return;
        };
        let Some(mut fact) = line.inbox.pop_front() else {
            return;
        };
        line.is_reading = false;
        if let Fact::Bytes(bytes) = &mut fact {
            // What came in several pieces may be read as one.
            while let Some(Fact::Bytes(more)) = line.inbox.front()
                && self.random.percent(60)
            {
                bytes.extend_from_slice(more);
                line.inbox.pop_front();
            }
            // At any byte: inside a character, between CR and LF, wherever.
            let rest = bytes.split_off(piece(bytes.len(), &mut self.random));
            if !rest.is_empty() {
                line.inbox.push_front(Fact::Bytes(rest));
            }
        }
        self.sent += 1;
        self.transits.insert((now, self.sent), Transit::Read(connection, fact));
    }
}

/// How much of what has arrived one read gets.
fn piece(length: usize, random: &mut Random) -> usize {
    match random.below(4) {
        0 => random.below(length + 1).max(1).min(length),
        1 => (1 + random.below(40)).min(length),
        _ => length,
    }
}
