//! A client that reads on wherever it breaks off, and what it is to have read in the end.

use std::collections::HashSet;
use std::io::BufRead;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Chat, Server, batch_records, chunk, header, new_session, submit};

/// How long what must come may take; far more than it does.
const PATIENCE: Duration = Duration::from_secs(240);

/// How long to wait before what has failed is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Asks until there is an answer.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "never came: {what}");
        sleep(AGAIN_AFTER);
    }
}

/// A client that has read `.out` from its start, and holds it to its numbers: none is missing, none
/// comes twice.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) records: Vec<Value>,
}

impl Reader {
    /// Reads on through an instance until something comes that is as wanted.
    #[track_caller]
    pub(crate) fn read_until(&mut self, chat: &Chat<'_>, wanted: impl Fn(&Value) -> bool) {
        eventually("the record", || {
            let call = chat.out().header("Timeout-Seconds", "60");
            let stream = call.header("Last-Event-ID", &self.cursor()).try_open().ok()?;
            self.read(stream, &wanted).then_some(())
        });
    }

    /// Reads on until this many more records have come.
    #[track_caller]
    pub(crate) fn read_more(&mut self, chat: &Chat<'_>, count: usize) {
        let last = self.records.len() + count - 1;
        self.read_until(chat, |record| record["seq_num"].as_u64() >= u64::try_from(last).ok());
    }

    /// Reads on to the end of a turn.
    #[track_caller]
    pub(crate) fn read_turn(&mut self, chat: &Chat<'_>) {
        self.read_until(chat, is_turn_complete);
    }

    /// Reads on to the end of as many turns, and returns the records of each.
    #[track_caller]
    pub(crate) fn turns(&mut self, chat: &Chat<'_>, count: usize) -> Vec<&[Value]> {
        // One read may bring the ends of several.
        while self.records.iter().filter(|record| is_turn_complete(record)).count() < count {
            self.read_turn(chat);
        }
        let turns = self.records.split_inclusive(is_turn_complete);
        turns.filter(|turn| turn.last().is_some_and(is_turn_complete)).collect()
    }

    /// Reads to the first record as wanted, or to the end; whether there was one.
    fn read(&mut self, stream: impl BufRead, wanted: impl Fn(&Value) -> bool) -> bool {
        for line in stream.lines().map_while(Result::ok) {
            let come = batch_records(&line);
            let found = come.iter().any(&wanted);
            for record in come {
                assert_eq!(record["seq_num"], self.records.len(), "{record}");
                self.records.push(record);
            }
            if found {
                return true;
            }
        }
        false
    }

    fn cursor(&self) -> String {
        self.records.last().map_or(String::new(), |record| record["seq_num"].to_string())
    }
}

/// Whether a turn ends here.
pub(crate) fn is_turn_complete(record: &Value) -> bool {
    header(record, "trigger-control") == Some("turn-complete")
}

/// How many of these records are a command of S2 of this name.
pub(crate) fn commands(records: &[Value], name: &str) -> usize {
    records.iter().filter(|record| header(record, "") == Some(name)).count()
}

/// The chunks in these records. The id of a message is each session's own, and left out.
pub(crate) fn chunks(records: &[Value]) -> Vec<Value> {
    let mut chunks: Vec<_> = records.iter().filter_map(chunk).collect();
    for chunk in chunks.iter_mut().filter_map(Value::as_object_mut) {
        chunk.remove("messageId");
    }
    chunks
}

/// What an agent answers where nothing disturbs it.
pub(crate) fn undisturbed(agent: &str, text: &str, mut metadata: Value) -> Vec<Value> {
    metadata["paceMs"] = json!(0);
    let server = Server::start();
    chunks(&server.chat("c", agent).ask(text, metadata))
}

/// Checks that these records are one turn, and say these chunks and nothing else.
#[track_caller]
pub(crate) fn assert_one_turn(records: &[Value], expected: &[Value]) {
    assert_eq!(chunks(records), expected);
    assert_part_ids_are_unique(records);
    assert_eq!(records.iter().filter(|record| is_turn_complete(record)).count(), 1);
}

#[track_caller]
pub(crate) fn assert_part_ids_are_unique(records: &[Value]) {
    let mut seen = HashSet::new();
    for body in records.iter().filter_map(|record| record["body"].as_str()) {
        let Ok(part) = serde_json::from_str::<Value>(body) else { continue };
        let id = part["id"].as_str().map(str::to_owned);
        assert!(id.is_none() || seen.insert(id), "twice: {body}");
    }
}

/// Appends under a part id until that is acknowledged, as a client does; returns the number, where this
/// was the call that made the record.
#[track_caller]
pub(crate) fn append_until_taken(chat: &Chat<'_>, part_id: &str, body: &Value) -> Option<u64> {
    eventually("the append", || {
        let call = chat.server.post(&chat.path("in/append")).bearer(&chat.token);
        let answer = call.header("X-Part-Id", part_id).try_send(&body.to_string())?;
        answer.status.is_success().then(|| answer.json()["seq"].as_u64())
    })
}

/// The part ids of all records of `.in`, in order.
pub(crate) fn part_ids(chat: &Chat<'_>) -> Vec<String> {
    let answer = chat.server.get(&chat.path("in/records")).bearer(&chat.token).fetch();
    let records = answer.json()["records"].as_array().expect("a list").clone();
    records.iter().map(|record| record["id"].as_str().expect("an id").to_owned()).collect()
}

/// The record that submits this text, to be answered at this pace.
pub(crate) fn paced(text: &str, mut metadata: Value, pace_ms: u64) -> Value {
    metadata["paceMs"] = json!(pace_ms);
    submit(text, metadata)
}

/// A text of this many different words.
pub(crate) fn words(count: usize) -> String {
    (0..count).map(|n| format!("wörd-{n} ")).collect()
}

/// The session's own id.
pub(crate) fn session_id(chat: &Chat<'_>) -> String {
    let session = chat.server.create(&new_session(&chat.id, "echo")).json();
    session["id"].as_str().expect("an id").to_owned()
}
