//! The one way in which tests feed a decoder: the same input, cut in every way that could matter,
//! has to come out the same.

use std::fmt::Debug;

use trigger_chat_transport::wire::control::{Control, TurnComplete};
use trigger_chat_transport::wire::error::WireError;
use trigger_chat_transport::wire::event_stream::{Event, EventStreamDecoder};
use trigger_chat_transport::wire::record::{Record, decode_batch};

/// Up to this length an input is also delivered at every split point. The longest capture but one
/// is shorter; beyond it the quadratic number of bytes would make a test slow.
const EVERY_SPLIT_UP_TO: usize = 4096;

/// An event that outlives the read it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: String,
}

impl From<&Event<'_>> for Seen {
    fn from(event: &Event<'_>) -> Self {
        Self {
            name: event.name.to_string(),
            id: event.id.map(str::to_owned),
            data: event.data.to_string(),
        }
    }
}

/// What a decoder made of a whole input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome<T> {
    pub(crate) items: Vec<T>,
    pub(crate) error: Option<WireError>,
    pub(crate) retry_ms: Option<u64>,
}

/// Delivers `reads` one after the other. An error has to be sticky.
pub(crate) fn deliver<'a, T>(
    reads: impl IntoIterator<Item = &'a [u8]>,
    read_event: impl Fn(&Event<'_>) -> Vec<T>,
) -> Outcome<T> {
    let mut decoder = EventStreamDecoder::default();
    let mut items = Vec::new();
    let mut error = None;
    for read in reads {
        if let Err(fault) = decoder.push(read, |event| items.extend(read_event(&event))) {
            for later in [&b""[..], b"\n\ndata: too late\n\n"] {
                let again =
                    decoder.push(later, |event| panic!("an event after an error: {event:?}"));
                assert_eq!(again, Err(fault));
            }
            error = Some(fault);
            break;
        }
    }
    Outcome { items, error, retry_ms: decoder.retry_ms() }
}

/// Delivers `input` whole, byte by byte, at every split point and with bytes trailing after it;
/// returns the outcome, which has to be the same each time.
pub(crate) fn deliver_every_way<T: Debug + PartialEq>(
    input: &[u8],
    read_event: impl Fn(&Event<'_>) -> Vec<T>,
) -> Outcome<T> {
    let expected = deliver([input], &read_event);
    let same = |way: &str, reads: &[&[u8]]| {
        assert_eq!(deliver(reads.iter().copied(), &read_event), expected, "{way}");
    };
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    same("byte by byte", &bytes);
    let with_empty_reads: Vec<&[u8]> = bytes.iter().flat_map(|byte| [&b""[..], byte]).collect();
    same("byte by byte, with empty reads between", &with_empty_reads);
    if input.len() <= EVERY_SPLIT_UP_TO {
        for at in 1..input.len() {
            let (before, after) = input.split_at(at);
            same(&format!("split at {at}"), &[before, after]);
        }
    }
    for unfinished in [&b": never finished"[..], b"data: never finished"] {
        same("with an unfinished line after it", &[&[input, unfinished].concat()]);
    }
    if expected.error.is_none() && ends_in_blank_line(input) {
        same_but_for_one_more_event(input, &expected, &read_event);
    }
    expected
}

fn same_but_for_one_more_event<T: Debug + PartialEq>(
    input: &[u8],
    expected: &Outcome<T>,
    read_event: impl Fn(&Event<'_>) -> Vec<T>,
) {
    let next = b"event: next\nid: n\ndata: it\n\n";
    let with_next = deliver([&[input, next].concat()[..]], &read_event);
    let of_next = deliver([&next[..]], &read_event);
    assert_eq!(with_next.error, None);
    assert_eq!(with_next.retry_ms, expected.retry_ms);
    let (before, after) = with_next.items.split_at(expected.items.len());
    assert_eq!(before, expected.items, "with an event after it");
    assert_eq!(after, of_next.items, "the event after it");
}

fn ends_in_blank_line(input: &[u8]) -> bool {
    [&b"\n\n"[..], b"\r\r", b"\n\r", b"\r\n\r\n"].iter().any(|end| input.ends_with(end))
}

/// The events of a stream that has no fault.
pub(crate) fn events(input: impl AsRef<[u8]>) -> Vec<Seen> {
    let outcome = deliver_every_way(input.as_ref(), |event| vec![Seen::from(event)]);
    assert_eq!(outcome.error, None);
    outcome.items
}

/// One item of a v2 stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Record(u64, Kind),
    /// The batch ended here, with this fault.
    Fault(WireError),
    /// An event that is no batch.
    Other {
        name: String,
        data: String,
    },
}

/// A record that outlives its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Data {
        chunk: String,
        chunk_type: Option<String>,
        part_id: Option<String>,
    },
    /// With its part id, where it was written as data.
    Control(Control<'static>, Option<String>),
    Command,
    Malformed,
}

impl From<Record<'_>> for Kind {
    fn from(record: Record<'_>) -> Self {
        match record {
            Record::Data(data) => Self::Data {
                chunk: data.chunk.to_owned(),
                chunk_type: data.chunk_type.map(Into::into),
                part_id: data.part_id.map(Into::into),
            },
            Record::Control { control, part_id } => {
                Self::Control(owned(control), part_id.map(Into::into))
            }
            Record::Command => Self::Command,
            Record::Malformed => Self::Malformed,
        }
    }
}

fn owned(control: Control<'_>) -> Control<'static> {
    match control {
        Control::TurnComplete(turn) => Control::TurnComplete(TurnComplete {
            public_access_token: turn.public_access_token.map(|text| text.into_owned().into()),
            session_in_event_id: turn.session_in_event_id.map(|text| text.into_owned().into()),
            session_in_consumed_id: turn
                .session_in_consumed_id
                .map(|text| text.into_owned().into()),
            session_closed: turn.session_closed,
            session_closed_reason: turn.session_closed_reason.map(|text| text.into_owned().into()),
        }),
        Control::SessionClosed { reason } => {
            Control::SessionClosed { reason: reason.map(|text| text.into_owned().into()) }
        }
        Control::SessionState { last_event_id } => {
            Control::SessionState { last_event_id: last_event_id.map(|id| id.into_owned().into()) }
        }
        Control::UpgradeRequired => Control::UpgradeRequired,
        Control::PendingVersion => Control::PendingVersion,
        Control::Unknown => Control::Unknown,
    }
}

/// What one batch holds, decoded with scratch space that holds something already.
pub(crate) fn decode(batch: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut scratch = String::from(r#"{"data":{"type":"left over"},"id":"of another record"}"#);
    let outcome = decode_batch(batch, &mut scratch, |seq, record| {
        items.push(Item::Record(seq, Kind::from(record)));
    });
    items.extend(outcome.err().map(Item::Fault));
    items
}

/// The items of a v2 stream that has no fault of its own.
pub(crate) fn items(stream: impl AsRef<[u8]>) -> Vec<Item> {
    let outcome = deliver_every_way(stream.as_ref(), |event| match event.name {
        "batch" => decode(event.data),
        _ => vec![Item::Other { name: event.name.to_string(), data: event.data.to_string() }],
    });
    assert_eq!(outcome.error, None);
    outcome.items
}

/// The items of one batch, sent as one event.
pub(crate) fn batch(json: &str) -> Vec<Item> {
    items(batch_event(json))
}

/// One batch as the event that brings it. (No CR may be in it: an event's data cannot hold one.)
pub(crate) fn batch_event(json: &str) -> String {
    assert!(!json.contains('\r'));
    format!("event: batch\nid: 9,9,9\ndata: {}\n\n", json.replace('\n', "\ndata: "))
}

/// A data record with these parts.
pub(crate) fn data(chunk: &str, chunk_type: &str, part_id: &str) -> Kind {
    Kind::Data {
        chunk: chunk.to_owned(),
        chunk_type: Some(chunk_type.to_owned()),
        part_id: Some(part_id.to_owned()),
    }
}
