//! What the records of `.out` say, whichever store they stand in.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Closing, Result};
use crate::time::Millis;

/// The headers of a record, in order.
pub(crate) type Headers = Vec<(String, String)>;

/// The name of the header that tells what a control record is.
const CONTROL: &str = "trigger-control";

/// A record of `.out`.
#[derive(Debug)]
pub(crate) struct OutRecord {
    pub(crate) seq: u64,
    pub(crate) timestamp: Millis,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// A chunk on its way to `.out`.
#[derive(Debug)]
pub(crate) struct OutPart {
    /// JSON text.
    pub(crate) chunk: String,
    /// How many records it becomes, all with one part id: one, unless its writer tries again though
    /// the first is written.
    pub(crate) copies: usize,
}

impl OutPart {
    /// The body of its records, the first of which has this sequence number.
    pub(super) fn body(&self, first: u64) -> String {
        format!(r#"{{"data":{},"id":"{}"}}"#, self.chunk, part_id(first))
    }
}

/// The id of a part, by the sequence number of its first record.
fn part_id(first: u64) -> String {
    format!("part-{first}")
}

/// The chunk in the body of a data record, as JSON; none in what repeats the record before.
pub(super) fn chunk(seq: u64, body: &[u8]) -> Result<Option<Box<RawValue>>> {
    #[derive(Deserialize)]
    struct Part {
        data: Box<RawValue>,
        id: String,
    }
    let part: Part = serde_json::from_slice(body)?;
    Ok((part.id == part_id(seq)).then_some(part.data))
}

/// Whether these are the headers of a turn's end.
pub(super) fn is_turn_complete(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, value)| name == CONTROL && value == "turn-complete")
}

/// How far `.in` was worked off when a turn ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Consumed {
    /// The newest record below every one that still waits, if any record has come at all.
    pub(super) below_waiting: Option<u64>,
    /// The newest record that does not wait, also past one that does.
    pub(super) newest: Option<u64>,
}

/// The headers of a turn's end.
pub(super) fn turn_complete(
    token: String,
    consumed: Consumed,
    closing: Option<&Closing>,
) -> Headers {
    let mut headers = control("turn-complete");
    headers.push(("public-access-token".to_owned(), token));
    let mut number = |name: &str, seq: Option<u64>| {
        headers.extend(seq.map(|seq| (name.to_owned(), seq.to_string())));
    };
    number("session-in-event-id", consumed.below_waiting);
    number("session-in-consumed-id", consumed.newest);
    if let Some(Closing { reason }) = closing {
        headers.push(("session-closed".to_owned(), "true".to_owned()));
        headers.extend(closed_reason(reason.as_deref()));
    }
    headers
}

/// The headers of the record that says that the session is closed.
pub(super) fn session_closed(reason: Option<&str>) -> Headers {
    let mut headers = control("session-closed");
    headers.extend(closed_reason(reason));
    headers
}

fn control(kind: &str) -> Headers {
    vec![(CONTROL.to_owned(), kind.to_owned())]
}

fn closed_reason(reason: Option<&str>) -> Option<(String, String)> {
    reason.map(|reason| ("session-closed-reason".to_owned(), reason.to_owned()))
}
