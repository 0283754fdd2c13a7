//! The event stream of an S2 read session, byte for byte as S2 frames it.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use crate::store::{OutRecord, Tail};
use crate::time::Millis;

/// How long a stream is silent before a ping, as S2 has it.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(5);

/// The window is over.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// What one connection has been given so far; part of every batch's id.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    records: usize,
    bytes: usize,
}

/// A `batch` event. Its id is S2's own triple, no cursor for anyone.
pub(crate) fn batch(records: &[OutRecord], meter: &mut Meter) -> String {
    meter.records += records.len();
    meter.bytes += records.iter().map(metered_bytes).sum::<usize>();
    let last = records.last().map_or(0, |record| record.seq);
    let batch = Batch { records: records.iter().map(Record::from).collect() };
    let data = serde_json::to_string(&batch).expect("numbers and strings are always JSON");
    format!("event: batch\nid: {last},{},{}\ndata: {data}\n\n", meter.records, meter.bytes)
}

/// A `ping` event.
pub(crate) fn ping(timestamp: Millis, tail: Tail) -> String {
    format!(
        "event: ping\ndata: {{\"timestamp\":{timestamp},\"tail\":{{\"seq_num\":{},\"timestamp\":{}}}}}\n\n",
        tail.seq, tail.timestamp
    )
}

/// An `error` event, after which the body ends without [`DONE`].
pub(crate) fn error(text: &str) -> String {
    format!("event: error\ndata: {}\n\n", text.replace(['\r', '\n'], " "))
}

#[derive(Serialize)]
struct Batch<'a> {
    records: Vec<Record<'a>>,
}

#[derive(Serialize)]
struct Record<'a> {
    seq_num: u64,
    timestamp: Millis,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    headers: &'a [(String, String)],
    #[serde(skip_serializing_if = "str::is_empty")]
    body: Cow<'a, str>,
}

impl<'a> From<&'a OutRecord> for Record<'a> {
    fn from(record: &'a OutRecord) -> Self {
        Self {
            seq_num: record.seq,
            timestamp: record.timestamp,
            headers: &record.headers,
            body: String::from_utf8_lossy(&record.body),
        }
    }
}

/// The size of a record as S2 bills it: 8, 2 a header, and the bytes of names, values and body.
fn metered_bytes(record: &OutRecord) -> usize {
    let headers: usize =
        record.headers.iter().map(|(name, value)| 2 + name.len() + value.len()).sum();
    8 + headers + record.body.len()
}

#[cfg(test)]
mod tests {
    use super::{Meter, batch, ping};
    use crate::store::{OutRecord, Tail};

    const CAPTURE: &str = include_str!("../../tests/fixtures/s2/turn-2-upgrade-and-close.sse");

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn data(seq: u64, body: &str) -> OutRecord {
        OutRecord {
            seq,
            timestamp: 1_795_466_599_381,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn control(seq: u64, timestamp: i64, pairs: &[(&str, &str)]) -> OutRecord {
        OutRecord { seq, timestamp, headers: headers(pairs), body: Vec::new() }
    }

    #[test]
    fn a_batch_is_framed_as_the_captured_server_frames_it() {
        let records = [
            OutRecord {
                body: 19_u64.to_be_bytes().to_vec(),
                ..control(19, 1_795_466_599_327, &[("", "trim")])
            },
            control(20, 1_795_466_599_377, &[("trigger-control", "upgrade-required")]),
            data(21, r#"{"data":{"type":"start","messageId":"msg-a2"},"id":"part-18"}"#),
            data(22, r#"{"data":{"type":"text-start","id":"t2"},"id":"part-19"}"#),
            data(
                23,
                r#"{"data":{"type":"text-delta","id":"t2","delta":"from the new version"},"id":"part-20"}"#,
            ),
            data(24, r#"{"data":{"type":"text-end","id":"t2"},"id":"part-21"}"#),
            data(25, r#"{"data":{"type":"finish"},"id":"part-22"}"#),
            control(
                26,
                1_795_466_599_387,
                &[
                    ("trigger-control", "turn-complete"),
                    ("session-in-event-id", "3"),
                    ("session-closed", "true"),
                    ("session-closed-reason", "user-ended"),
                ],
            ),
        ];
        let framed = batch(&records, &mut Meter::default());
        assert_eq!(format!("{framed}{}", super::DONE), CAPTURE);
    }

    #[test]
    fn a_ping_is_framed_as_the_captured_server_frames_it() {
        let capture = include_str!("../../tests/fixtures/s2/idle-long-poll.sse");
        let tail = Tail { seq: 19, timestamp: 1_795_466_592_312 };
        assert_eq!(format!("{}{}", ping(1_795_466_593_323, tail), super::DONE), capture);
    }
}
