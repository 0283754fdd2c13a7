//! The network between the pages and the server, sans-I/O as they are: it delays, refuses, loses
//! answers, cuts bodies at any byte, and lets a reader have them in pieces of any size.

use std::collections::{BTreeMap, VecDeque};

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
    Subscribe { token: String, last_event_id: Option<String>, peek_settled: bool },
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) is_v2: bool,
    /// The server says "settled", of all up to this seq.
    pub(crate) settled_at: Option<u64>,
}

/// What a page learns of a request.
#[derive(Debug, Clone)]
pub(crate) enum Fact {
    Answered { status: u16, body: String },
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
    /// A piece of a body is late by up to 40 s.
    pub(crate) stalls: u64,
    /// The answer to an append is as late.
    pub(crate) late_answers: u64,
}

impl Weather {
    pub(crate) const FAIR: Self =
        Self { latency_ms: 20, refuses: 0, loses_answers: 0, cuts: 0, stalls: 0, late_answers: 0 };
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
    /// What has arrived and was not read.
    inbox: VecDeque<Fact>,
    is_reading: bool,
    has_head: bool,
    is_append: bool,
}

#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) weather: Weather,
    random: Random,
    transits: BTreeMap<(u64, u64), Transit>,
    sent: u64,
    lines: BTreeMap<Connection, Line>,
}

impl Network {
    pub(crate) fn new(weather: Weather, random: Random) -> Self {
        Self { weather, random, transits: BTreeMap::new(), sent: 0, lines: BTreeMap::new() }
    }

    /// The requests that a page has not seen the end of.
    pub(crate) fn open_lines(&self, page: u32) -> Vec<Connection> {
        self.lines.keys().copied().filter(|connection| connection.page == page).collect()
    }

    pub(crate) fn open_subscriptions(&self, page: u32) -> usize {
        let is_one = |(at, line): &(&Connection, &Line)| at.page == page && !line.is_append;
        self.lines.iter().filter(is_one).count()
    }

    // What the pages do

    pub(crate) fn request(&mut self, now: u64, connection: Connection, request: Request) {
        let is_append = matches!(request, Request::Append { .. });
        let line = Line { is_append, cut_after: self.cut(), ..Line::default() };
        assert!(self.lines.insert(connection, line).is_none(), "{connection:?} is used twice");
        if self.random.percent(self.weather.refuses) {
            return self.depart(now, Transit::ToPage(connection, Fact::Failed));
        }
        self.depart(now, Transit::ToServer(connection, request));
    }

    fn cut(&mut self) -> Option<usize> {
        let is_cut = self.random.percent(self.weather.cuts);
        is_cut.then(|| self.random.one_of(&[40, 400, 4_000])).map(|most| self.random.below(most))
    }

    /// The page wants the next piece of the body.
    pub(crate) fn read(&mut self, now: u64, connection: Connection) {
        if let Some(line) = self.lines.get_mut(&connection) {
            assert!(!line.is_reading, "two reads of one body at once");
            line.is_reading = true;
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
        let fact = match fact {
            Fact::Answered { .. } if self.random.percent(self.weather.loses_answers) => {
                Fact::Failed
            }
            Fact::Bytes(mut bytes) => {
                if let Some(left) = &mut line.cut_after {
                    if bytes.len() >= *left {
                        bytes.truncate(*left);
                        return self.cut_off(now, connection, bytes);
                    }
                    *left -= bytes.len();
                }
                Fact::Bytes(bytes)
            }
            fact => fact,
        };
        self.depart(now, Transit::ToPage(connection, fact));
    }

    fn cut_off(&mut self, now: u64, connection: Connection, rest: Vec<u8>) {
        self.depart(now, Transit::ToPage(connection, Fact::Bytes(rest)));
        self.depart(now, Transit::ToPage(connection, Fact::Failed));
        self.depart(now, Transit::LetGo(connection));
    }

    // Time

    fn depart(&mut self, now: u64, transit: Transit) {
        let mut delay = self.random.within(1..self.weather.latency_ms.max(2));
        let lateness = match &transit {
            Transit::ToPage(_, Fact::Bytes(_)) => self.weather.stalls,
            Transit::ToPage(_, Fact::Answered { .. }) => self.weather.late_answers,
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

    pub(crate) fn next_time(&self) -> Option<u64> {
        self.transits.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next transit that is due; what it means at its end, if anything.
    pub(crate) fn advance(&mut self, now: u64) -> Option<Arrival> {
        let entry = self.transits.first_entry().filter(|entry| entry.key().0 <= now)?;
        match entry.remove() {
            Transit::ToServer(connection, request) => Some(Arrival::AtServer(connection, request)),
            Transit::LetGo(connection) => Some(Arrival::LetGo(connection)),
            Transit::ToPage(connection, fact) => self.arrived(now, connection, fact),
            Transit::Read(connection, fact) => self.read_answered(connection, fact),
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
