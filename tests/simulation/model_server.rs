//! One session of the service with its agent, as the protocol's text describes them.
//!
//! It is sans-I/O like the client: requests are calls, time is an argument, and what it writes to
//! the bodies that are open comes out of [`ModelServer::advance`]. Its `.out` is also the truth that
//! the world's [witness](crate::witness) compares against.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::encoding;
use crate::network::{Connection, Fact, Head};
use crate::random::Random;

/// S2 says so often that it is there.
const PING_EVERY_MS: u64 = 5_000;

/// A batch of S2 holds no more records, so a writer's retry repeats no more.
const MAX_BATCH: usize = 1_000;

/// So long a part id is claimed.
const CLAIM_MS: u64 = 300_000;

/// How the server speaks, and what goes wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Character {
    pub(crate) dialect: Dialect,
    /// Acknowledgements carry the `.in` seq.
    pub(crate) gives_seq: bool,
    pub(crate) listing: Listing,
    /// Only the first attempt of each append meets trouble: it is sure to be acknowledged in time.
    pub(crate) harms_once: bool,
    /// The long-poll window.
    pub(crate) window_ms: u64,
    pub(crate) token_life_ms: u64,
    /// Tokens tell when they were made, and when they expire.
    pub(crate) tells_lifetime: bool,
    /// How long the agent thinks at most.
    pub(crate) think_ms: u64,
    /// Boundaries tell the highest `.in` seq that the agent had taken, too.
    pub(crate) tells_taken: bool,
    /// A closed session refuses its readers, instead of telling them.
    pub(crate) refuses_when_closed: bool,
    pub(crate) faults: Faults,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    V2,
    /// v2 behind a proxy that does not expose the header.
    V2WithoutHeader,
    /// v2 with an older agent, which writes control as data.
    V2Legacy,
    V1,
}

impl Dialect {
    /// Whether its boundaries tell the `.in` seq that they are for.
    pub(crate) fn has_numbers(self) -> bool {
        matches!(self, Self::V2 | Self::V2WithoutHeader)
    }
}

/// Whether the records of `.in` can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    Given,
    /// An older server, or a proxy that passes appends alone: this status.
    Refused(u16),
    /// Something that is no list.
    Garbage,
}

/// Chances, in percent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// A subscription is refused in passing: 408, 425, 429, 5xx.
    pub(crate) refuses: u64,
    /// A proxy answers with a page of its own.
    pub(crate) proxies: u64,
    /// An append, or a question for the records of `.in`, is refused in passing.
    pub(crate) refuses_appends: u64,
    /// A proxy answers an append with a page of its own.
    pub(crate) proxies_appends: u64,
    /// An append is refused for good: 400, 413.
    pub(crate) refuses_for_good: u64,
    /// Whoever takes an append dies: with its part id claimed, and before or after it has landed.
    pub(crate) dies: u64,
    /// An append lands long after its part id was claimed.
    pub(crate) dawdles: u64,
    /// A session in which nothing has happened yet is gone.
    pub(crate) loses_sessions: u64,
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
    /// A body brings pings for its whole window, and none of the records that there are.
    pub(crate) stalls: u64,
    /// What was written last is written again, as a writer does whose first try went unanswered.
    pub(crate) doubles: u64,
    /// An input that makes no turn waits in front of a message, so that boundaries are held back.
    pub(crate) holds_back: u64,
    /// A settled body breaks off behind a chunk, with a clean end.
    pub(crate) breaks_off: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
    /// A writer's retry has written it again.
    pub(crate) is_repeat: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Chunk {
        turn: usize,
        json: String,
        part: u64,
    },
    Boundary {
        /// Up to which `.in` seq the agent had dealt with its input, at least.
        told: Option<u64>,
        /// The highest `.in` seq that it had taken.
        taken: Option<u64>,
        token: Option<String>,
        /// The session was closed with this turn.
        closes: bool,
        /// The part id, where an older agent writes it as data.
        data_part: Option<u64>,
    },
    Closed,
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
    /// The boundary does not tell that it is this turn's: it was held back.
    pub(crate) is_held_back: bool,
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
    /// It is sent pings alone.
    is_stalled: bool,
    /// It is sent an end behind the next chunk.
    breaks_off: bool,
    /// What is left up to this seq is drained, and the body closes.
    settled_at: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct ModelServer {
    /// Tells its chunks from those of the other chats.
    chat: usize,
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
    /// The records of `.in`: part id and body.
    input: Vec<(u64, String, String)>,
    /// When each part id was claimed.
    claims: BTreeMap<String, u64>,
    /// Part ids that were sent here before.
    known: BTreeSet<String>,
    /// What was claimed and has yet to land: when, for whom, and what.
    slow: VecDeque<(u64, Connection, String, String)>,
    /// It was lost, at some time.
    pub(crate) was_lost: bool,
    waiting: VecDeque<usize>,
    running: Option<Running>,
    last_boundary: Option<u64>,
    readers: BTreeMap<Connection, Reader>,
    tokens: BTreeMap<String, u64>,
    chunks_made: u64,
    parts_made: u64,
    /// Where each chunk stands, and of which turn it is.
    places: BTreeMap<String, (u64, usize)>,
    /// An input that waits.
    held_back: Option<u64>,
    is_closing: bool,
    /// The record that closed the session.
    pub(crate) closed_at: Option<u64>,
    pub(crate) barren_bodies: u32,
    /// What has come up.
    pub(crate) tally: BTreeSet<&'static str>,
}

impl ModelServer {
    /// From now on nothing goes wrong any more.
    pub(crate) fn calm_down(&mut self) {
        self.character.faults = Faults::default();
        self.held_back = None;
    }

    pub(crate) fn has_landed(&self, part_id: &str) -> bool {
        self.landed.contains_key(part_id)
    }

    /// Whether a reader may have been told that there is no more to read: it was closed, or lost.
    pub(crate) fn has_ended(&self) -> bool {
        self.closed_at.is_some() || self.was_lost
    }

    /// The part ids of `.in`, in the order of their records.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        self.input.iter().map(|(_, part_id, _)| part_id.as_str())
    }

    /// Whether an acknowledgement without a seq has to be believed: there are no records to ask for.
    pub(crate) fn has_to_be_believed(&self) -> bool {
        self.character.listing != Listing::Given || self.was_lost
    }

    pub(crate) fn tells_taken(&self) -> bool {
        self.character.tells_taken
    }

    pub(crate) fn new(chat: usize, character: Character, mut random: Random) -> Self {
        Self {
            chat,
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
            input: Vec::new(),
            claims: BTreeMap::new(),
            known: BTreeSet::new(),
            slow: VecDeque::new(),
            was_lost: false,
            waiting: VecDeque::new(),
            running: None,
            last_boundary: None,
            readers: BTreeMap::new(),
            tokens: BTreeMap::new(),
            chunks_made: 0,
            parts_made: 0,
            places: BTreeMap::new(),
            held_back: None,
            is_closing: false,
            closed_at: None,
            barren_bodies: 0,
            tally: BTreeSet::new(),
        }
    }

    // The app's own server: creates the session, makes tokens

    pub(crate) fn create(&mut self, now: u64) -> String {
        self.exists = true;
        self.make_token(now)
    }

    pub(crate) fn make_token(&mut self, now: u64) -> String {
        let mut token = format!("token-{}-{}", self.chat, self.tokens.len());
        let expires = now + self.character.token_life_ms;
        if self.character.tells_lifetime {
            token = encoding::jwt(now / 1_000, expires / 1_000, &token);
        }
        self.tokens.insert(token.clone(), expires);
        token
    }

    pub(crate) fn has_made(&self, token: &str) -> bool {
        self.tokens.contains_key(token)
    }

    pub(crate) fn is_valid(&self, now: u64, token: &str) -> bool {
        self.tokens.get(token).is_some_and(|expires| *expires > now)
    }

    fn refusal(&self, now: u64, token: &str) -> Option<u16> {
        if !self.is_valid(now, token) {
            return Some(401);
        }
        (!self.exists).then_some(404)
    }

    // Requests

    /// Takes an append; its answer, unless that comes later or never.
    pub(crate) fn append(
        &mut self,
        now: u64,
        connection: Connection,
        token: &str,
        part_id: &str,
        body: &str,
    ) -> Option<Fact> {
        let is_first = self.known.insert(part_id.to_owned());
        let faults = match is_first || !self.character.harms_once {
            true => self.character.faults,
            false => Faults::default(),
        };
        if self.is_untouched() && self.random.percent(faults.loses_sessions) {
            self.lose();
        }
        if let Some(status) = self.refusal(now, token) {
            return Some(answered(status, r#"{"ok":false,"error":"refused"}"#));
        }
        if self.random.percent(faults.refuses_appends) {
            return Some(self.refused_for_now());
        }
        if self.random.percent(faults.proxies_appends) {
            self.tally.insert("a proxy's page in the place of an acknowledgement");
            return Some(answered(200, "<html>Please sign in to this network</html>"));
        }
        if self.random.percent(faults.refuses_for_good) {
            self.tally.insert("an append refused for good");
            let status = self.random.one_of(&[400, 413]);
            return Some(answered(status, r#"{"ok":false,"error":"not like this"}"#));
        }
        if self.claims.get(part_id).is_some_and(|at| now < at + CLAIM_MS) {
            return Some(answered(200, r#"{"ok":true}"#));
        }
        if self.closed_at.is_some() {
            let refusal = r#"{"ok":false,"error":"closed","code":"session_closed"}"#;
            return Some(answered(409, refusal));
        }
        self.claims.insert(part_id.to_owned(), now);
        let dies = self.random.percent(faults.dies);
        if dies && self.random.percent(50) {
            self.tally.insert("a claim whose record never landed");
            return self.died();
        }
        if self.random.percent(faults.dawdles) {
            let at = now + self.random.within(1_000..40_000);
            self.slow.push_back((at, connection, part_id.to_owned(), body.to_owned()));
            return None;
        }
        let answer = self.land(now, part_id, body);
        if dies {
            self.tally.insert("an append that landed and was not acknowledged");
            return self.died();
        }
        Some(answer)
    }

    /// Whoever had it to answer has died: the gateway says so, or nobody says anything.
    fn died(&mut self) -> Option<Fact> {
        let is_told = self.random.percent(70);
        is_told.then(|| answered(self.random.one_of(&[500, 502, 504]), "<html>Bad gateway</html>"))
    }

    fn refused_for_now(&mut self) -> Fact {
        let status = self.random.one_of(&[408, 425, 429, 429, 500, 502, 503, 504]);
        let waits = [None, None, Some(500), Some(7_000), Some(40_000), Some(400_000)];
        let retry_after_ms = self.random.one_of(&waits);
        self.tally.insert(match retry_after_ms {
            Some(_) => "an append that was asked to wait",
            None => "an append refused in passing",
        });
        Fact::Answered { status, retry_after_ms, body: "<html>try again</html>".to_owned() }
    }

    /// The record is written; the answer to whoever has sent it.
    fn land(&mut self, now: u64, part_id: &str, body: &str) -> Fact {
        let is_first = self.next_in_seq == 0;
        if !is_first
            && self.held_back.is_none()
            && self.random.percent(self.character.faults.holds_back)
        {
            self.held_back = Some(self.next_in_seq);
            self.next_in_seq += 1;
        }
        let seq = self.next_in_seq;
        self.next_in_seq += 1;
        let before = self.landed.insert(part_id.to_owned(), seq);
        assert_eq!(before, None, "a second record of {part_id}");
        self.input.push((seq, part_id.to_owned(), body.to_owned()));
        self.take_input(now, seq, part_id, body);
        match self.character.gives_seq {
            true => answered(200, &format!(r#"{{"ok":true,"seq":{seq}}}"#)),
            false => answered(200, r#"{"ok":true}"#),
        }
    }

    /// What has dawdled lands.
    fn land_slow(&mut self, now: u64) -> Vec<(Connection, Fact)> {
        let due = self.slow.iter().position(|slow| slow.0 <= now);
        let Some((_, connection, part_id, body)) = due.and_then(|at| self.slow.remove(at)) else {
            return Vec::new();
        };
        if self.closed_at.is_some() {
            return vec![(connection, Fact::Failed)];
        }
        self.tally.insert("an append that landed late");
        vec![(connection, self.land(now, &part_id, &body))]
    }

    /// The records of `.in`.
    pub(crate) fn list_input(&mut self, now: u64, token: &str, after: Option<u64>) -> Fact {
        match self.character.listing {
            Listing::Given => {}
            Listing::Refused(status) => return answered(status, "<html>no such thing</html>"),
            Listing::Garbage => return answered(200, "<html>Welcome</html>"),
        }
        if let Some(status) = self.refusal(now, token) {
            return answered(status, r#"{"error":"refused"}"#);
        }
        if !self.character.harms_once && self.random.percent(self.character.faults.refuses_appends)
        {
            self.tally.insert("a question that failed");
            return self.refused_for_now();
        }
        let records = self.input.iter().filter(|(seq, ..)| after.is_none_or(|after| *seq > after));
        let records: Vec<_> = records
            .map(|(seq, part_id, body)| {
                format!(r#"{{"data":{body},"id":"{part_id}","seqNum":{seq}}}"#)
            })
            .collect();
        answered(200, &format!(r#"{{"records":[{}]}}"#, records.join(",")))
    }

    /// Nothing has happened in it.
    fn is_untouched(&self) -> bool {
        self.exists && self.input.is_empty() && self.slow.is_empty() && self.out.is_empty()
    }

    /// The service does not know it any more.
    fn lose(&mut self) {
        self.tally.insert("a session that was lost");
        self.exists = false;
        self.was_lost = true;
        self.claims.clear();
    }

    /// The service starts anew: what it had not written is gone, and is claimed no more, perhaps.
    ///
    /// (It always keeps the claims of what has landed: else a repeat would be a second message, and no
    /// client could help it.)
    pub(crate) fn restart(&mut self, connections: &mut Vec<(Connection, Fact)>) {
        self.tally.insert("a restart");
        let slow = self.slow.drain(..);
        connections.extend(slow.map(|(_, connection, ..)| (connection, Fact::Failed)));
        let readers = std::mem::take(&mut self.readers);
        connections.extend(readers.into_keys().map(|connection| (connection, Fact::Failed)));
        if self.random.percent(50) {
            self.claims.retain(|part_id, _| self.landed.contains_key(part_id));
        }
    }

    /// Takes a subscription. A body follows where its head is of an event stream.
    pub(crate) fn subscribe(
        &mut self,
        now: u64,
        connection: Connection,
        token: &str,
        last_event_id: Option<&str>,
        peek_settled: bool,
    ) -> Head {
        let refused = Head {
            status: 200,
            is_event_stream: false,
            retry_after_ms: None,
            is_v2: false,
            settled_at: None,
        };
        if let Some(status) = self.refusal(now, token) {
            return Head { status, ..refused };
        }
        if self.closed_at.is_some() && self.character.refuses_when_closed {
            self.tally.insert("a reader refused for good");
            return Head { status: self.random.one_of(&[409, 410]), ..refused };
        }
        if self.random.percent(self.character.faults.refuses) {
            return self.refused_in_passing(refused);
        }
        if self.random.percent(self.character.faults.proxies) {
            self.tally.insert("a proxy's page");
            return refused;
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
            is_stalled: !is_settled && self.random.percent(self.character.faults.stalls),
            breaks_off: is_settled && self.random.percent(self.character.faults.breaks_off),
        };
        self.readers.insert(connection, reader);
        Head { is_event_stream: true, is_v2, settled_at, ..refused }
    }

    fn refused_in_passing(&mut self, head: Head) -> Head {
        let status = self.random.one_of(&[408, 425, 429, 429, 500, 502, 503, 504]);
        let waits = [None, None, Some(500), Some(7_000), Some(90_000), Some(400_000)];
        let retry_after_ms = self.random.one_of(&waits);
        if retry_after_ms.is_some() {
            self.tally.insert("a time to stay away");
        }
        Head { status, retry_after_ms, ..head }
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
            is_held_back: false,
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
        let mut count = self.random.one_of(&[0, 1, 3, 8, 20, 60]);
        if self.random.percent(8) {
            count = self.random.one_of(&[150, 300, 1_100]);
        }
        let chunks = (0..count).map(|_| self.make_chunk(turn)).collect();
        // A stream that was never written to closes at once, until its reader gives up: that leaves a
        // boundary that only numbers tell.
        let is_quick = self.out.is_empty() && self.character.harms_once;
        let think_ms = self.character.think_ms.min(if is_quick { 500 } else { u64::MAX });
        let next_at = now + self.random.within(1..think_ms);
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
        let (chat, number) = (self.chat, self.chunks_made);
        let text = self.random.one_of(&TEXTS);
        // Mostly plain deltas of one part in a row, which may be merged.
        let is_plain = self.random.percent(85);
        let extra = if is_plain { "" } else { self.random.one_of(&EXTRAS) };
        let part = if self.random.percent(95) { "text" } else { "another" };
        let id = format!("{chat}-{turn}-{part}");
        let kind = if self.random.percent(95) { "text-delta" } else { "reasoning-delta" };
        format!(r#"{{"type":"{kind}","id":"{id}","delta":"{text} {number};"{extra}}}"#)
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
        let burst = if running.chunks.len() > 100 { 40 } else { self.random.within(1..6) };
        for _ in 0..burst {
            let Some(json) = running.chunks.pop_front() else {
                return self.end_turn(now, &running);
            };
            let part = self.next_part();
            let place = (self.next_out_seq, running.turn);
            self.places.insert(json.clone(), place);
            self.write(Kind::Chunk { turn: running.turn, json, part });
        }
        self.write_again(running.turn);
        running.next_at = now + self.random.one_of(&[1, 5, 20, 50, 400, 2_000]);
        self.running = Some(running);
    }

    fn next_part(&mut self) -> u64 {
        self.parts_made += 1;
        self.parts_made
    }

    /// The writer has got no answer, and writes again what it has written last of this turn.
    fn write_again(&mut self, turn: usize) {
        if !self.random.percent(self.character.faults.doubles) {
            return;
        }
        let most = self.random.one_of(&[1, 3, 40, MAX_BATCH]);
        let is_of_turn = |record: &&Written| match &record.kind {
            Kind::Chunk { turn: of, .. } => *of == turn,
            Kind::Boundary { data_part, .. } => data_part.is_some(),
            Kind::Closed | Kind::Notice(_) | Kind::Trim => false,
        };
        let batch: Vec<_> =
            self.out.iter().rev().take_while(is_of_turn).take(most).cloned().collect();
        for record in batch.into_iter().rev() {
            self.tally.insert(match record.kind {
                Kind::Boundary { .. } => "a boundary written twice",
                _ => "a chunk written twice",
            });
            self.write(record.kind);
            if let Some(written) = self.out.last_mut() {
                written.is_repeat = true;
            }
        }
    }

    /// The app's server closes the session: a turn that runs still ends.
    pub(crate) fn close(&mut self) {
        self.is_closing = true;
        if self.running.is_none() && self.closed_at.is_none() {
            self.closed_at = Some(self.write(Kind::Closed));
        }
    }

    fn end_turn(&mut self, now: u64, running: &Running) {
        let is_swallowed = running.is_stopped
            && !self.is_closing
            && !self.waiting.is_empty()
            && self.random.percent(self.character.faults.swallows);
        let mut turns = running.joined.clone();
        turns.insert(0, running.turn);
        if is_swallowed {
            turns.iter().for_each(|turn| self.turns[*turn].is_swallowed = true);
        } else {
            let newest = turns.last().copied().unwrap_or(running.turn);
            let input_seq = self.turns[newest].input_seq;
            // No turn follows any more: this boundary ends what waits, too.
            if self.is_closing {
                turns.extend(self.waiting.drain(..));
            }
            let boundary = self.write_boundary(now, running.turn, input_seq);
            for turn in turns {
                self.turns[turn].boundary = Some(boundary);
                let told = self.told(input_seq);
                self.turns[turn].is_held_back =
                    told.is_some_and(|told| told < self.turns[turn].input_seq);
            }
            if self.random.percent(50) {
                self.held_back = None;
            }
        }
        self.begin_next(now);
    }

    /// What a boundary tells of the turn that answers this input: held back behind what waits.
    fn told(&self, input_seq: u64) -> Option<u64> {
        let held = self.held_back.and_then(|seq| seq.checked_sub(1));
        let told = held.map_or(input_seq, |held| held.min(input_seq));
        self.character.dialect.has_numbers().then_some(told)
    }

    fn write_boundary(&mut self, now: u64, turn: usize, input_seq: u64) -> u64 {
        let told = self.told(input_seq);
        if told.is_some_and(|told| told < input_seq) {
            self.tally.insert("a boundary that was held back");
        }
        let taken = Some(input_seq).filter(|_| told.is_some() && self.character.tells_taken);
        let token = self.random.percent(30).then(|| self.make_token(now));
        let is_legacy = self.character.dialect == Dialect::V2Legacy;
        let data_part = is_legacy.then(|| self.next_part());
        let closes = self.is_closing;
        let seq = self.write(Kind::Boundary { told, taken, token, closes, data_part });
        if closes {
            self.closed_at = Some(seq);
        }
        if is_legacy {
            self.write_again(turn);
        }
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
        self.out.push(Written { seq, kind, is_repeat: false });
        seq
    }

    // Time

    pub(crate) fn next_time(&self) -> Option<u64> {
        let agent = self.running.as_ref().map(|running| running.next_at);
        let readers = self.readers.values().map(|reader| self.reader_due(reader));
        let slow = self.slow.iter().map(|slow| slow.0);
        readers.chain(agent).chain(slow).min()
    }

    fn reader_due(&self, reader: &Reader) -> u64 {
        let has_news = self.out.last().is_some_and(|record| record.seq >= reader.next);
        let is_settled = reader.settled_at.is_some();
        // A stream that was never written to closes at once, and so does a drained one.
        let has_news = has_news && !reader.is_stalled;
        if has_news || self.out.is_empty() || is_settled || reader.is_barren {
            return 0;
        }
        reader.ping_at.min(reader.window_ends)
    }

    /// Does what is due: the agent works, and each body gets what it is owed.
    pub(crate) fn advance(&mut self, now: u64) -> Vec<(Connection, Fact)> {
        let mut facts = self.land_slow(now);
        self.work(now);
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
            self.barren_bodies += 1;
            return (encoding::DONE.to_owned(), false);
        }
        if reader.is_barren {
            self.barren_bodies += 1;
            return (String::new(), false);
        }
        if self.random.percent(self.character.faults.errors) {
            return (encoding::error(), false);
        }
        let mut news = self.news(reader);
        if reader.is_stalled {
            if !news.is_empty() {
                self.tally.insert("a stall with pings");
            }
            news.clear();
        }
        if reader.breaks_off
            && let Some(chunk) = news.iter().position(is_chunk)
        {
            self.tally.insert("a settled body that broke off");
            return (self.encode(&news[..=chunk]), false);
        }
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

    /// The seq of the boundary that ends this turn, once it is written.
    pub(crate) fn end_of(&self, turn: usize) -> Option<u64> {
        self.turns[self.ending_turn(turn)].boundary
    }

    /// The seq of the first boundary from which a reader can tell that this turn is over, once it is
    /// written: its end was held back, perhaps.
    pub(crate) fn told_end_of(&self, turn: usize) -> Option<u64> {
        let end = self.end_of(turn)?;
        let input_seq = self.turns[turn].input_seq;
        let tells = |record: &&Written| match record.kind {
            Kind::Boundary { told, closes, .. } => {
                closes || told.is_none_or(|told| told >= input_seq)
            }
            Kind::Closed => true,
            _ => false,
        };
        self.since(Some(end)).iter().find(tells).map(|record| record.seq)
    }

    /// Where a chunk stands, and of which turn it is.
    pub(crate) fn place(&self, chunk: &str) -> Option<(u64, usize)> {
        self.places.get(chunk).copied()
    }

    /// The first chunk of a turn.
    pub(crate) fn start_of(&self, turn: usize) -> Option<u64> {
        let is_first =
            |record: &&Written| matches!(record.kind, Kind::Chunk { turn: of, .. } if of == turn);
        self.out.iter().find(is_first).map(|record| record.seq)
    }

    /// All records from this seq on.
    pub(crate) fn since(&self, seq: Option<u64>) -> &[Written] {
        let start = self.out.partition_point(|record| Some(record.seq) < seq);
        &self.out[start..]
    }
}

fn is_chunk(record: &Written) -> bool {
    matches!(record.kind, Kind::Chunk { .. })
}

fn answered(status: u16, body: &str) -> Fact {
    Fact::Answered { status, retry_after_ms: None, body: body.to_owned() }
}
