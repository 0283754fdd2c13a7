//! One session of the service with its agent, as the protocol's text describes them.
//!
//! It is sans-I/O like the client: requests are calls, time is an argument, and what it writes to
//! the bodies that are open comes out of [`ModelServer::advance`]. Its `.out` is also the truth that
//! the world's [witness](crate::witness) compares against.

use std::collections::{BTreeMap, VecDeque};

use crate::encoding;
use crate::network::{Connection, Fact, Head};
use crate::random::Random;

/// S2 says so often that it is there.
const PING_EVERY_MS: u64 = 5_000;

/// How the server speaks, and what goes wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Character {
    pub(crate) dialect: Dialect,
    /// Acknowledgements carry the `.in` seq.
    pub(crate) gives_seq: bool,
    /// The long-poll window.
    pub(crate) window_ms: u64,
    pub(crate) token_life_ms: u64,
    /// How long the agent thinks at most.
    pub(crate) think_ms: u64,
    pub(crate) faults: Faults,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    V2,
    /// v2 behind a proxy that does not expose the header.
    V2WithoutHeader,
    V1,
}

/// Chances, in percent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// A subscription is refused in passing: 429, 5xx.
    pub(crate) refuses: u64,
    /// An append is refused in passing.
    pub(crate) refuses_appends: u64,
    /// A body begins with records that the reader has.
    pub(crate) rewinds: u64,
    /// A batch comes twice.
    pub(crate) repeats: u64,
    /// A batch comes damaged.
    pub(crate) damages: u64,
    /// A body ends before it has begun.
    pub(crate) barren: u64,
    /// A body ends with an `error` event.
    pub(crate) errors: u64,
    /// A message is taken into the turn that runs, and shares its boundary.
    pub(crate) joins: u64,
    /// A stopped turn ends without a boundary where another one waits.
    pub(crate) swallows: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Chunk { turn: usize, json: String },
    Boundary { consumed: Option<String>, token: Option<String> },
    Notice(&'static str),
    Trim,
}

/// One message of `.in` and the answer to it.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) part_id: String,
    pub(crate) input_seq: u64,
    /// The seq of its boundary in `.out`.
    pub(crate) boundary: Option<u64>,
    /// It was stopped and has no boundary: the next turn's is its end as well.
    pub(crate) is_swallowed: bool,
    /// It was taken into the turn before.
    pub(crate) has_joined: bool,
}

#[derive(Debug)]
struct Running {
    turn: usize,
    /// Messages that were taken into it.
    joined: Vec<usize>,
    chunks: VecDeque<String>,
    is_stopped: bool,
    next_at: u64,
}

#[derive(Debug)]
struct Reader {
    /// The next record that it has not been sent.
    next: u64,
    window_ends: u64,
    ping_at: u64,
    is_barren: bool,
    /// What is left up to this seq is drained, and the body closes.
    settled_at: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct ModelServer {
    character: Character,
    random: Random,
    /// False until it was created: what a client has stored of it is of another environment.
    pub(crate) exists: bool,
    /// All that was ever written, also what was trimmed.
    pub(crate) out: Vec<Written>,
    /// What lies below was trimmed away.
    pub(crate) trimmed_below: u64,
    pub(crate) turns: Vec<Turn>,
    next_out_seq: u64,
    next_in_seq: u64,
    /// Part ids that have landed.
    landed: BTreeMap<String, u64>,
    waiting: VecDeque<usize>,
    running: Option<Running>,
    last_boundary: Option<u64>,
    readers: BTreeMap<Connection, Reader>,
    tokens: BTreeMap<String, u64>,
    chunks_made: u64,
    pub(crate) barren_bodies: u32,
}

impl ModelServer {
    /// From now on nothing goes wrong any more.
    pub(crate) fn calm_down(&mut self) {
        self.character.faults = Faults::default();
    }

    pub(crate) fn new(character: Character, mut random: Random) -> Self {
        Self {
            character,
            exists: false,
            out: Vec::new(),
            trimmed_below: 0,
            turns: Vec::new(),
            // S2 starts at 0; a stream that was trimmed before does not.
            next_out_seq: random.one_of(&[0, 0, 0, 17]),
            next_in_seq: random.one_of(&[0, 0, 5]),
            random,
            landed: BTreeMap::new(),
            waiting: VecDeque::new(),
            running: None,
            last_boundary: None,
            readers: BTreeMap::new(),
            tokens: BTreeMap::new(),
            chunks_made: 0,
            barren_bodies: 0,
        }
    }

    // The app's own server: creates the session, makes tokens

    pub(crate) fn create(&mut self, now: u64) -> String {
        self.exists = true;
        self.make_token(now)
    }

    pub(crate) fn make_token(&mut self, now: u64) -> String {
        let token = format!("token-{}", self.tokens.len());
        self.tokens.insert(token.clone(), now + self.character.token_life_ms);
        token
    }

    pub(crate) fn has_made(&self, token: &str) -> bool {
        self.tokens.contains_key(token)
    }

    fn refusal(&self, now: u64, token: &str) -> Option<u16> {
        if self.tokens.get(token).is_none_or(|expires| *expires <= now) {
            return Some(401);
        }
        (!self.exists).then_some(404)
    }

    // Requests

    pub(crate) fn append(&mut self, now: u64, token: &str, part_id: &str, body: &str) -> Fact {
        if let Some(status) = self.refusal(now, token) {
            return answered(status, r#"{"ok":false,"error":"refused"}"#.to_owned());
        }
        if self.random.percent(self.character.faults.refuses_appends) {
            let status = self.random.one_of(&[429, 500, 503]);
            return answered(status, "<html>try again</html>".to_owned());
        }
        if self.landed.contains_key(part_id) {
            return answered(200, r#"{"ok":true}"#.to_owned());
        }
        let seq = self.next_in_seq;
        self.next_in_seq += 1;
        self.landed.insert(part_id.to_owned(), seq);
        self.take_input(now, seq, part_id, body);
        answered(
            200,
            match self.character.gives_seq {
                true => format!(r#"{{"ok":true,"seq":{seq}}}"#),
                false => r#"{"ok":true}"#.to_owned(),
            },
        )
    }

    /// Takes a subscription; whether a body follows its head.
    pub(crate) fn subscribe(
        &mut self,
        now: u64,
        connection: Connection,
        token: &str,
        last_event_id: Option<&str>,
        peek_settled: bool,
    ) -> (Head, bool) {
        let passing = self.random.percent(self.character.faults.refuses);
        let passing = passing.then(|| self.random.one_of(&[429, 500, 502, 503]));
        if let Some(status) = self.refusal(now, token).or(passing) {
            return (Head { status, is_v2: false, settled_at: None }, false);
        }
        let is_settled = peek_settled && self.is_settled();
        let settled_at = self.out.last().map(|record| record.seq).filter(|_| is_settled);
        let is_v2 = self.character.dialect == Dialect::V2;
        let after = last_event_id.and_then(|id| id.parse::<u64>().ok()).map_or(0, |seq| seq + 1);
        let reader = Reader {
            next: self.rewound(after).max(self.trimmed_below),
            window_ends: now + self.character.window_ms,
            ping_at: now,
            settled_at,
            is_barren: !is_settled && self.random.percent(self.character.faults.barren),
        };
        self.readers.insert(connection, reader);
        (Head { status: 200, is_v2, settled_at }, true)
    }

    fn rewound(&mut self, seq: u64) -> u64 {
        if self.random.percent(self.character.faults.rewinds) {
            return seq.saturating_sub(self.random.within(1..6));
        }
        seq
    }

    /// The newest record that is no command is a boundary.
    fn is_settled(&self) -> bool {
        let newest = self.out.iter().rev().find(|record| !matches!(record.kind, Kind::Trim));
        newest.is_some_and(|record| matches!(record.kind, Kind::Boundary { .. }))
    }

    /// Nobody reads this body any more.
    pub(crate) fn let_go(&mut self, connection: Connection) {
        self.readers.remove(&connection);
    }

    // The agent

    fn take_input(&mut self, now: u64, seq: u64, part_id: &str, body: &str) {
        let input: serde_json::Value = serde_json::from_str(body).expect("a body is JSON");
        match input["kind"].as_str() {
            Some("message") => self.take_message(now, seq, part_id),
            Some("stop") => self.stop(now),
            kind => panic!("an input of kind {kind:?}: {body}"),
        }
    }

    fn take_message(&mut self, now: u64, seq: u64, part_id: &str) {
        let joins = self.waiting.is_empty() && self.random.percent(self.character.faults.joins);
        let running = self.running.as_mut().filter(|running| joins && !running.is_stopped);
        let number = self.turns.len();
        self.turns.push(Turn {
            part_id: part_id.to_owned(),
            input_seq: seq,
            boundary: None,
            is_swallowed: false,
            has_joined: running.is_some(),
        });
        match running {
            Some(running) => running.joined.push(number),
            None => self.waiting.push_back(number),
        }
        self.begin_next(now);
    }

    fn begin_next(&mut self, now: u64) {
        if self.running.is_some() {
            return;
        }
        let Some(turn) = self.waiting.pop_front() else {
            return;
        };
        if self.random.percent(10) {
            let subtype = self.random.one_of(&["upgrade-required", "of-a-later-version"]);
            self.write(Kind::Notice(subtype));
        }
        let count = self.random.one_of(&[0, 1, 3, 8, 20, 60]);
        let chunks = (0..count).map(|_| self.make_chunk(turn)).collect();
        let next_at = now + self.random.within(1..self.character.think_ms);
        let joined = Vec::new();
        self.running = Some(Running { turn, joined, chunks, is_stopped: false, next_at });
    }

    /// No two chunks are alike, so that a chunk tells its place.
    fn make_chunk(&mut self, turn: usize) -> String {
        const TEXTS: [&str; 6] =
            ["plain", "Hé 日本語", "🎉🎉", r#"\"quoted\" \\ \n\t"#, r"\u2028 \ud83c\udf89", ""];
        const EXTRAS: [&str; 5] = [
            "",
            r#","__proto__":{"x":1}"#,
            r#","n":1.0e2,"big":12345678901234567890"#,
            r#" , "spaced" : [ 1 , null ,true ] "#,
            r#","data":{"id":"not the part","data":[{}]}"#,
        ];
        self.chunks_made += 1;
        let (number, text) = (self.chunks_made, self.random.one_of(&TEXTS));
        let extra = self.random.one_of(&EXTRAS);
        format!(r#"{{"type":"text-delta","id":"turn-{turn}","delta":"{text} {number}"{extra}}}"#)
    }

    /// The running turn writes a little more, and then its end. Where none runs nothing happens.
    fn stop(&mut self, now: u64) {
        let late = self.random.below(4);
        if let Some(running) = &mut self.running {
            running.chunks.truncate(late);
            running.is_stopped = true;
            running.next_at = running.next_at.min(now + 300);
        }
    }

    /// Whether the agent has work.
    pub(crate) fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    fn work(&mut self, now: u64) {
        let Some(mut running) = self.running.take_if(|running| running.next_at <= now) else {
            return;
        };
        // Tokens come in bursts.
        let burst = self.random.within(1..6);
        for _ in 0..burst {
            let Some(json) = running.chunks.pop_front() else {
                return self.end_turn(now, &running);
            };
            self.write(Kind::Chunk { turn: running.turn, json });
        }
        running.next_at = now + self.random.one_of(&[1, 5, 20, 50, 400, 2_000]);
        self.running = Some(running);
    }

    fn end_turn(&mut self, now: u64, running: &Running) {
        let is_swallowed = running.is_stopped
            && !self.waiting.is_empty()
            && self.random.percent(self.character.faults.swallows);
        let mut turns = running.joined.clone();
        turns.insert(0, running.turn);
        if is_swallowed {
            turns.iter().for_each(|turn| self.turns[*turn].is_swallowed = true);
        } else {
            let newest = turns.last().copied().unwrap_or(running.turn);
            let boundary = self.write_boundary(now, newest);
            turns.iter().for_each(|turn| self.turns[*turn].boundary = Some(boundary));
        }
        self.begin_next(now);
    }

    fn write_boundary(&mut self, now: u64, turn: usize) -> u64 {
        let has_numbers = self.character.dialect != Dialect::V1;
        let consumed = has_numbers.then(|| self.turns[turn].input_seq.to_string());
        let token = self.random.percent(30).then(|| self.make_token(now));
        let seq = self.write(Kind::Boundary { consumed, token });
        // One turn back stays, with the boundary before it.
        if let Some(back_to) = self.last_boundary.replace(seq) {
            self.trimmed_below = back_to;
            self.write(Kind::Trim);
        }
        seq
    }

    fn write(&mut self, kind: Kind) -> u64 {
        let seq = self.next_out_seq;
        // Seqs only grow; they may skip.
        self.next_out_seq += if self.random.percent(3) { 4 } else { 1 };
        self.out.push(Written { seq, kind });
        seq
    }

    // Time

    pub(crate) fn next_time(&self) -> Option<u64> {
        let agent = self.running.as_ref().map(|running| running.next_at);
        let readers = self.readers.values().map(|reader| self.reader_due(reader));
        readers.chain(agent).min()
    }

    fn reader_due(&self, reader: &Reader) -> u64 {
        let has_news = self.out.last().is_some_and(|record| record.seq >= reader.next);
        let is_settled = reader.settled_at.is_some();
        // A stream that was never written to closes at once, and so does a drained one.
        if has_news || self.out.is_empty() || is_settled || reader.is_barren {
            return 0;
        }
        reader.ping_at.min(reader.window_ends)
    }

    /// Does what is due: the agent works, and each body gets what it is owed.
    pub(crate) fn advance(&mut self, now: u64) -> Vec<(Connection, Fact)> {
        self.work(now);
        let mut facts = Vec::new();
        let due: Vec<_> = self.readers.keys().copied().collect();
        for connection in due {
            let Some(mut reader) = self.readers.remove(&connection) else {
                continue;
            };
            if self.reader_due(&reader) > now {
                self.readers.insert(connection, reader);
                continue;
            }
            let (text, goes_on) = self.serve(now, &mut reader);
            facts.push((connection, Fact::Bytes(text.into_bytes())));
            if goes_on {
                self.readers.insert(connection, reader);
            } else {
                facts.push((connection, Fact::Ended));
            }
        }
        facts
    }

    /// What a body is sent now, and whether it goes on.
    fn serve(&mut self, now: u64, reader: &mut Reader) -> (String, bool) {
        if self.out.is_empty() {
            return (encoding::DONE.to_owned(), false);
        }
        if reader.is_barren {
            self.barren_bodies += 1;
            return (String::new(), false);
        }
        if self.random.percent(self.character.faults.errors) {
            return (encoding::error(), false);
        }
        let news = self.news(reader);
        if !news.is_empty() {
            let text = self.encode(&news);
            reader.next = news.last().map_or(reader.next, |record| record.seq + 1);
            // A reader that has caught up is told so.
            reader.ping_at = now;
            return (text, true);
        }
        if reader.settled_at.is_some() || reader.window_ends <= now {
            return (encoding::DONE.to_owned(), false);
        }
        reader.ping_at = now + PING_EVERY_MS;
        (encoding::ping(now, self.next_out_seq), true)
    }

    fn news(&mut self, reader: &Reader) -> Vec<Written> {
        let limit = self.random.one_of(&[1, 2, 5, 1_000]);
        let start = self.out.partition_point(|record| record.seq < reader.next);
        let is_for = |record: &&Written| reader.settled_at.is_none_or(|end| record.seq <= end);
        self.out[start..].iter().take_while(is_for).take(limit).cloned().collect()
    }

    fn encode(&mut self, records: &[Written]) -> String {
        if self.character.dialect == Dialect::V1 {
            return records.iter().filter_map(encoding::v1_event).collect();
        }
        let batch = encoding::batch(records, &mut self.random);
        if self.random.percent(self.character.faults.damages) {
            return encoding::damaged(&batch, &mut self.random);
        }
        let times = if self.random.percent(self.character.faults.repeats) { 2 } else { 1 };
        batch.repeat(times)
    }

    // The truth

    pub(crate) fn turn_of_part(&self, part_id: &str) -> Option<usize> {
        self.turns.iter().position(|turn| turn.part_id == part_id)
    }

    pub(crate) fn turn_of_input(&self, seq: u64) -> Option<usize> {
        self.turns.iter().position(|turn| turn.input_seq == seq)
    }

    /// The turn whose boundary ends this one: itself, but for one that was swallowed.
    pub(crate) fn ending_turn(&self, turn: usize) -> usize {
        (turn..self.turns.len()).find(|at| !self.turns[*at].is_swallowed).unwrap_or(turn)
    }
}

fn answered(status: u16, body: String) -> Fact {
    Fact::Answered { status, body }
}
