//! Generated JSON, as text: what a value is, and how it happens to be spelled.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};
use trigger_chat_transport::wire::control::{Control, TurnComplete};

use crate::delivery::Kind;

const SCALARS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "7",
    "15000000000",
    "0.10",
    "-1.5e-3",
    "1E+2",
    "1e400",
    "123456789012345678901234567890",
];

/// What strings are made of, as it stands in JSON.
const STRING_PIECES: &[&str] = &[
    "a",
    "b ",
    "é",
    "日本",
    "🎉",
    "\u{2028}",
    "\u{7f}",
    "\\n",
    "\\\\",
    "\\\"",
    "\\/",
    "\\u00e9",
    "\\u0000",
    "\\ud83c\\udf89",
    "\\ud83c",
    "\\udf89",
    "type",
    "{",
    "]",
    ",",
    ":",
    "trigger:",
    "</script>",
    "data",
];

/// Names of members that are not `type`, which the tests set themselves.
const NAMES: &[&str] =
    &["id", "data", "delta", "__proto__", "records", "seq_num", "a", "", "é", "t\\u0079pes", "2"];

const SPACES: &[&str] = &["", "", " ", "\t", "\n", "\r\n "];

/// A string with its quotes. It may hold a lone surrogate.
fn string() -> impl Strategy<Value = String> {
    vec(select(STRING_PIECES), 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// Any valid JSON, without white space around it.
pub(crate) fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![select(SCALARS).prop_map(str::to_owned), string()];
    leaf.prop_recursive(5, 32, 4, |inner| {
        let array = (select(SPACES), vec(inner.clone(), 0..4));
        let object = (select(SPACES), vec((select(NAMES), inner), 0..4));
        prop_oneof![
            array.prop_map(|(space, items)| in_brackets('[', items, ']', space)),
            object.prop_map(|(space, members)| {
                let members = members.iter().map(|(name, value)| member(name, value));
                in_brackets('{', members.collect(), '}', space)
            }),
        ]
    })
}

fn member(name: &str, value: &str) -> String {
    format!("\"{name}\":{value}")
}

fn in_brackets(open: char, items: Vec<String>, close: char, space: &str) -> String {
    let items = items.join(&format!("{space},{space}"));
    format!("{open}{space}{items}{space}{close}")
}

/// How a writer of JSON spells its strings.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Plain,
    /// Nothing but ASCII.
    Ascii,
    /// Every character is an escape.
    Escapes,
}

fn spell(text: &str, spelling: Spelling) -> String {
    let plain = serde_json::to_string(text).unwrap();
    let unit = |unit: u16| format!("\\u{unit:04X}");
    let units = |text: &str| text.encode_utf16().map(unit).collect::<String>();
    match spelling {
        Spelling::Plain => plain,
        Spelling::Ascii => {
            let ascii = |character: char| match character {
                '\0'..='\x7f' => character.to_string(),
                _ => units(&character.to_string()),
            };
            plain.chars().map(ascii).collect()
        }
        Spelling::Escapes => format!("\"{}\"", units(text)),
    }
}

fn spelling() -> impl Strategy<Value = Spelling> {
    select(&[Spelling::Plain, Spelling::Ascii, Spelling::Escapes][..])
}

/// One record: its members but for the seq, and what it is.
type Record = (Vec<(&'static str, String)>, Kind);

/// A batch, and the records that it holds.
pub(crate) fn batch() -> impl Strategy<Value = (String, Vec<(u64, Kind)>)> {
    let record = (record().prop_flat_map(shuffled), any::<Index>(), 1..1000_u64);
    (vec(record, 0..8), any::<bool>()).prop_map(|(records, tail_first)| {
        let mut seq = 0;
        let mut texts = Vec::new();
        let mut kinds = Vec::new();
        for ((mut members, kind), place, step) in records {
            seq += step;
            members.insert(place.index(members.len() + 1), ("seq_num", seq.to_string()));
            let members = members.iter().map(|(name, value)| member(name, value)).collect();
            texts.push(in_brackets('{', members, '}', ""));
            kinds.push((seq, kind));
        }
        let records = member("records", &in_brackets('[', texts, ']', ""));
        let tail = member("tail", r#"{"seq_num":5,"timestamp":6}"#);
        let members = if tail_first { vec![tail, records] } else { vec![records, tail] };
        (in_brackets('{', members, '}', ""), kinds)
    })
}

fn shuffled((members, kind): Record) -> impl Strategy<Value = Record> {
    (Just(members).prop_shuffle(), Just(kind))
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![4 => data_record(), 1 => broken_record(), 1 => control_record(), 1 => command()]
}

fn data_record() -> impl Strategy<Value = Record> {
    (typed_chunk(), option::of(select(&["p", "", "é \"1\""][..])), spelling(), spelling()).prop_map(
        |((chunk, chunk_type), part_id, inner, outer)| {
            let mut envelope = vec![member("data", &chunk)];
            envelope.extend(part_id.map(|id| member("id", &spell(id, inner))));
            let body = spell(&in_brackets('{', envelope, '}', " "), outer);
            let kind = kind_of_chunk(chunk, chunk_type, part_id.map(str::to_owned));
            (vec![("body", body), ("timestamp", "5".to_owned())], kind)
        },
    )
}

fn kind_of_chunk(chunk: String, chunk_type: &str, part_id: Option<String>) -> Kind {
    match chunk_type {
        "trigger:turn-complete" => {
            Kind::Control(Control::TurnComplete(TurnComplete::default()), part_id)
        }
        "trigger:upgrade-required" => Kind::Control(Control::UpgradeRequired, part_id),
        "trigger:session-state" => {
            Kind::Control(Control::SessionState { last_event_id: None }, part_id)
        }
        "trigger:other" => Kind::Control(Control::Unknown, part_id),
        _ => Kind::Data { chunk, chunk_type: Some(chunk_type.to_owned()), part_id },
    }
}

/// A chunk and its type.
fn typed_chunk() -> impl Strategy<Value = (String, &'static str)> {
    let types = &[
        "text-delta",
        "start",
        "data-weather",
        "tool-é",
        "",
        "trigger:turn-complete",
        "trigger:session-state",
        "trigger:upgrade-required",
        "trigger:other",
    ];
    let members = vec((select(NAMES), json()), 0..3);
    (select(&types[..]), spelling(), members, any::<Index>(), select(SPACES)).prop_map(
        |(chunk_type, spelling, members, place, space)| {
            let mut members: Vec<String> =
                members.iter().map(|(name, value)| member(name, value)).collect();
            let place = place.index(members.len() + 1);
            members.insert(place, member("type", &spell(chunk_type, spelling)));
            (in_brackets('{', members, '}', space), chunk_type)
        },
    )
}

fn broken_record() -> impl Strategy<Value = Record> {
    let bodies = &["", "{", "[]", "{}", "null", "{\"data\":null}", "{\"data\":1}}", "x", "\u{1}"];
    (select(&bodies[..]), spelling())
        .prop_map(|(body, spelling)| (vec![("body", spell(body, spelling))], Kind::Malformed))
}

fn control_record() -> impl Strategy<Value = Record> {
    let text = || select(&["", "7", "token.é", "\"quoted\"\n"][..]);
    let ids = (option::of(text()), option::of(text()));
    (option::of(text()), ids, spelling()).prop_map(|(token, (in_id, highest), spelling)| {
        let header = |name: &str, value: &str| {
            in_brackets('[', vec![spell(name, spelling), spell(value, spelling)], ']', "")
        };
        let mut headers = vec![header("trigger-control", "turn-complete")];
        headers.extend(token.map(|token| header("public-access-token", token)));
        headers.extend(in_id.map(|id| header("session-in-event-id", id)));
        headers.extend(highest.map(|id| header("session-in-consumed-id", id)));
        let turn = TurnComplete {
            public_access_token: token.map(Into::into),
            session_in_event_id: in_id.map(Into::into),
            session_in_consumed_id: highest.map(Into::into),
            ..TurnComplete::default()
        };
        let headers = in_brackets('[', headers, ']', " ");
        (vec![("headers", headers)], Kind::Control(Control::TurnComplete(turn), None))
    })
}

fn command() -> impl Strategy<Value = Record> {
    let trim = vec![
        ("headers", r#"[["","trim"]]"#.to_owned()),
        ("body", r#""\u0000\u0013""#.to_owned()),
        ("timestamp", "5".to_owned()),
    ];
    Just((trim, Kind::Command))
}

/// What is put in the place of a part of a JSON text to see whether it is noticed.
const FAULTS: &[&str] = &[
    "",
    "",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud83c",
    "\\\"",
    "0",
    "-",
    "+",
    ".",
    "e",
    "1",
    "null",
    "tru",
    " ",
    "\n",
    "\u{1}",
    "\u{7f}",
    "\u{a0}",
    "é",
    "\u{feff}",
    "\"data\":",
    "\"id\":\"x\"",
    "\"type\":",
    "//",
];

/// JSON that may have been damaged in a few places.
pub(crate) fn damaged(json: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let fault = (any::<Index>(), 0..3_usize, select(FAULTS));
    (json, vec(fault, 0..3)).prop_map(|(json, faults)| {
        let mut characters: Vec<char> = json.chars().collect();
        for (place, length, put) in faults {
            let start = place.index(characters.len() + 1);
            let end = characters.len().min(start + length);
            characters.splice(start..end, put.chars());
        }
        characters.into_iter().collect()
    })
}

/// The body of a data record.
pub(crate) fn envelope() -> impl Strategy<Value = String> {
    (json(), typed_chunk(), any::<bool>(), select(SPACES)).prop_map(
        |(json, (chunk, _), typed, space)| {
            let data = member("data", if typed { &chunk } else { &json });
            let members = vec![data, member("id", r#""p""#), member("x", &json)];
            in_brackets('{', members, '}', space)
        },
    )
}

/// A value without what serde_json's `Value` cannot hold or tell apart.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let name =
            select(&["chatId", "message", "messageId", "metadata", "trigger", "a", "é\n"][..]);
        let members = vec((name, inner.clone()), 0..5);
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| object(members.into_iter())),
        ]
    })
}

fn object(members: impl Iterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
