//! Records: any text is read as a tree of it would be, be it a batch, a record's body or a v1 chunk.
#![no_main]

use std::collections::BTreeSet;
use std::fmt;

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use trigger_chat_transport::wire::control::{Control, TurnComplete};
use trigger_chat_transport::wire::error::WireError;
use trigger_chat_transport::wire::record::{Data, Record, decode_batch, decode_v1};

#[allow(dead_code, reason = "shared with the tests of `wire`, which use all of it")]
#[path = "../../tests/wire/delivery.rs"]
mod delivery;
#[allow(dead_code, reason = "shared with the tests of `wire`, which use all of it")]
#[path = "../../tests/wire/reference.rs"]
mod reference;

use delivery::{Item, Kind, decode};
use reference::{CannotTell, is_json, members, string};

fuzz_target!(|text: &str| {
    check_v1(text);
    check_body(text);
    check_batch(text);
});

fn check_v1(chunk: &str) {
    let record = decode_v1(chunk);
    check_record(&record);
    if let Ok(expected) = reference::chunk_record(chunk, None) {
        assert_eq!(Kind::from(record), expected);
    }
}

/// The text as the body of a record.
fn check_body(body: &str) {
    let body_json = serde_json::to_string(body).expect("a text is JSON");
    let items = decode(&format!(r#"{{"records":[{{"seq_num":7,"body":{body_json}}}]}}"#));
    if let Ok(expected) = reference::record(body) {
        assert_eq!(items, [Item::Record(7, expected)]);
    }
}

fn check_batch(batch: &str) {
    let mut seen = Vec::new();
    let outcome = decode_batch(batch, &mut String::new(), |seq, record| {
        check_record(&record);
        seen.push(Item::Record(seq, Kind::from(record)));
    });
    seen.extend(outcome.err().map(Item::Fault));
    if !is_json(batch) {
        assert_eq!(seen.last(), Some(&Item::Fault(WireError::MalformedBatch)));
    } else if let Ok(expected) = items(batch) {
        assert_eq!(seen, expected);
    }
}

/// What the browser relies on without looking: a chunk is JSON, and a delta's text lies where it is
/// said to lie.
fn check_record(record: &Record<'_>) {
    let Record::Data(Data { chunk, delta_at, .. }) = record else { return };
    assert!(is_json(chunk), "{chunk}");
    let Some(at) = *delta_at else { return };
    let text = &chunk[at - 1..chunk.len() - 1];
    let members = members(chunk).expect("three plain names").expect("an object");
    assert_eq!(members["delta"].get(), text);
    assert!(members.keys().eq(["delta", "id", "type"]), "{chunk}");
}

/// The items of a batch that is JSON.
fn items(batch: &str) -> Result<Vec<Item>, CannotTell> {
    let fault = vec![Item::Fault(WireError::MalformedBatch)];
    if !has_each_name_once(batch) {
        return Err(CannotTell);
    }
    let Some(batch) = members(batch)? else { return Ok(fault) };
    let Some(records) = batch.get("records") else { return Ok(Vec::new()) };
    let Ok(records) = serde_json::from_str::<Vec<&RawValue>>(records.get()) else {
        return Ok(fault);
    };
    let mut items = Vec::new();
    for record in records {
        items.extend(item(record.get())?);
    }
    Ok(items)
}

/// `None` for what is no record or has no seq.
fn item(record: &str) -> Result<Option<Item>, CannotTell> {
    if !has_each_name_once(record) {
        return Err(CannotTell);
    }
    let Some(record) = members(record)? else { return Ok(None) };
    let seq = record.get("seq_num").and_then(|seq| serde_json::from_str(seq.get()).ok());
    let Some(seq) = seq else { return Ok(None) };
    let headers = record.get("headers").filter(|headers| headers.get() != "null");
    let of_headers = match headers.map(|headers| serde_json::from_str(headers.get())) {
        None => None,
        Some(Ok(headers)) => kind_of_headers(headers),
        Some(Err(_)) => Some(Kind::Malformed),
    };
    let body = record.get("body").filter(|body| body.get().starts_with('"'));
    let kind = match (of_headers, body) {
        (Some(kind), _) => kind,
        (None, None) => Kind::Malformed,
        (None, Some(body)) => {
            // No `String` has a lone surrogate.
            let body: String = serde_json::from_str(body.get()).map_err(|_| CannotTell)?;
            reference::record(&body)?
        }
    };
    Ok(Some(Item::Record(seq, kind)))
}

/// What a record is by its headers; `None` where its body tells.
fn kind_of_headers(headers: Vec<Vec<&RawValue>>) -> Option<Kind> {
    let pair = |header: &Vec<&RawValue>| {
        let text = |at: usize| header.get(at).and_then(|value| string(value));
        (text(0), text(1))
    };
    let headers: Vec<_> = headers.iter().map(pair).collect();
    if headers.first().is_some_and(|(name, _)| name.as_deref() == Some("")) {
        return Some(Kind::Command);
    }
    let value = |wanted: &str| {
        let is_wanted = |name: &Option<String>| name.as_deref() == Some(wanted);
        let found = headers.iter().find(|(name, value)| is_wanted(name) && value.is_some());
        found.and_then(|(_, value)| value.clone())
    };
    let reason = value("session-closed-reason").map(Into::into);
    let control = match &*value("trigger-control")? {
        "turn-complete" => Control::TurnComplete(TurnComplete {
            public_access_token: value("public-access-token").map(Into::into),
            session_in_event_id: value("session-in-event-id").map(Into::into),
            session_in_consumed_id: value("session-in-consumed-id").map(Into::into),
            session_closed: value("session-closed").as_deref() == Some("true"),
            session_closed_reason: reason,
        }),
        "upgrade-required" => Control::UpgradeRequired,
        "session-closed" => Control::SessionClosed { reason },
        "pending-version" => Control::PendingVersion,
        _ => Control::Unknown,
    };
    Some(Kind::Control(control, None))
}

/// No writer of JSON gives two members one name. Where one does, readers may differ: a tree has the
/// last of them, and we read each as it comes.
fn has_each_name_once(json: &str) -> bool {
    struct Names;
    impl<'de> serde::de::Visitor<'de> for Names {
        type Value = bool;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
            let mut names = BTreeSet::new();
            let mut is_first_of_its_name = true;
            while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                is_first_of_its_name &= names.insert(name);
            }
            Ok(is_first_of_its_name)
        }
    }
    let mut json = serde_json::Deserializer::from_str(json);
    serde::Deserializer::deserialize_map(&mut json, Names).unwrap_or(true)
}
