//! The captures of a real S2 server, each asserted in full.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::wire::control::{Control, TurnComplete};

use crate::delivery::{Item, Kind, Seen, data, decode, events};

const AFTER_TRIM: &[u8] = include_bytes!("../fixtures/s2/after-trim.sse");
const CATCH_UP_4000: &[u8] = include_bytes!("../fixtures/s2/catch-up-4000.sse");
const IDLE_LONG_POLL: &[u8] = include_bytes!("../fixtures/s2/idle-long-poll.sse");
const MISSING_STREAM: &[u8] = include_bytes!("../fixtures/s2/missing-stream.sse");
const TURN_1_RESUME_FROM_5: &[u8] = include_bytes!("../fixtures/s2/turn-1-resume-from-5.sse");
const TURN_1_WHOLE: &[u8] = include_bytes!("../fixtures/s2/turn-1-whole.sse");
const TURN_2_UPGRADE_AND_CLOSE: &[u8] =
    include_bytes!("../fixtures/s2/turn-2-upgrade-and-close.sse");

/// The chunks of the first turn, with their types; seq and part id count from 0.
const TURN_1: [(&str, &str); 18] = [
    ("start", r#"{"type":"start","messageId":"msg-a1"}"#),
    ("start-step", r#"{"type":"start-step"}"#),
    ("text-start", r#"{"type":"text-start","id":"t1"}"#),
    ("text-delta", r#"{"type":"text-delta","id":"t1","delta":"Hé"}"#),
    ("text-delta", r#"{"type":"text-delta","id":"t1","delta":" \"quoted\""}"#),
    ("text-delta", r#"{"type":"text-delta","id":"t1","delta":" line\nbreak\ttab"}"#),
    ("text-delta", r#"{"type":"text-delta","id":"t1","delta":" 日本語"}"#),
    ("text-delta", r#"{"type":"text-delta","id":"t1","delta":" 🎉 emoji"}"#),
    ("text-delta", r#"{"type":"text-delta","id":"t1","delta":" back\\slash"}"#),
    ("text-delta", "{\"type\":\"text-delta\",\"id\":\"t1\",\"delta\":\" \u{2028} sep\"}"),
    ("text-delta", r#"{"type":"text-delta","id":"t1","delta":" </script>"}"#),
    ("text-end", r#"{"type":"text-end","id":"t1"}"#),
    ("tool-input-start", r#"{"type":"tool-input-start","toolCallId":"c1","toolName":"sendEmail"}"#),
    (
        "tool-input-available",
        concat!(
            r#"{"type":"tool-input-available","toolCallId":"c1","toolName":"sendEmail","#,
            r#""input":{"to":"a@b.c","n":15000000000,"nested":{"deep":[null,true,-0.5]}}}"#
        ),
    ),
    (
        "tool-approval-request",
        r#"{"type":"tool-approval-request","approvalId":"ap1","toolCallId":"c1"}"#,
    ),
    ("data-weather", r#"{"type":"data-weather","id":"w1","data":{"city":"Zürich"}}"#),
    ("finish-step", r#"{"type":"finish-step"}"#),
    ("finish", r#"{"type":"finish","finishReason":"tool-calls"}"#),
];

fn turn_1_from(first: usize) -> Vec<Item> {
    let chunks = TURN_1.iter().enumerate().skip(first);
    let end = TurnComplete {
        public_access_token: Some("refreshed-token-1".into()),
        session_in_event_id: Some("0".into()),
        ..TurnComplete::default()
    };
    chunks
        .map(|(seq, (chunk_type, chunk))| record(seq, data(chunk, chunk_type, &part(seq))))
        .chain([record(18, Kind::Control(Control::TurnComplete(end), None))])
        .collect()
}

fn record(seq: usize, kind: Kind) -> Item {
    Item::Record(seq as u64, kind)
}

fn part(number: usize) -> String {
    format!("part-{number}")
}

fn ping(data: &str) -> Item {
    Item::Other { name: "ping".to_owned(), data: data.to_owned() }
}

fn done() -> Item {
    Item::Other { name: String::new(), data: "[DONE]".to_owned() }
}

/// A capture's events by name and id, and the items in them. (Delivered once for both, and decoded
/// once: the events are the same at any delivery.)
fn read(capture: &[u8]) -> (Vec<(String, Option<String>)>, Vec<Item>) {
    let events = events(capture);
    let items = events.iter().flat_map(items).collect();
    (events.into_iter().map(|event| (event.name, event.id)).collect(), items)
}

fn items(event: &Seen) -> Vec<Item> {
    match &*event.name {
        "batch" => decode(&event.data),
        _ => vec![Item::Other { name: event.name.clone(), data: event.data.clone() }],
    }
}

fn frame(name: &str, id: Option<&str>) -> (String, Option<String>) {
    (name.to_owned(), id.map(str::to_owned))
}

#[test]
fn the_first_turn_is_read_whole() {
    let (frames, items) = read(TURN_1_WHOLE);
    let mut expected = turn_1_from(0);
    expected.push(ping(
        r#"{"timestamp":1795466592318,"tail":{"seq_num":19,"timestamp":1795466592312}}"#,
    ));
    expected.push(done());
    assert_eq!(items, expected);
    assert_eq!(frames, [frame("batch", Some("18,19,1609")), frame("ping", None), frame("", None)]);
}

#[test]
fn a_resumed_turn_goes_on_where_it_was_left() {
    let (frames, items) = read(TURN_1_RESUME_FROM_5);
    let mut expected = turn_1_from(5);
    expected.push(done());
    assert_eq!(items, expected);
    assert_eq!(frames, [frame("batch", Some("18,14,1267")), frame("", None)]);
}

#[test]
fn a_trim_moves_the_cursor_only() {
    let (frames, items) = read(AFTER_TRIM);
    let mut expected = turn_1_from(0);
    expected.extend([record(19, Kind::Command), done()]);
    assert_eq!(items, expected);
    assert_eq!(frames, [frame("batch", Some("19,20,1631")), frame("", None)]);
}

#[test]
fn the_second_turn_tells_of_the_upgrade_and_of_the_close() {
    let (frames, items) = read(TURN_2_UPGRADE_AND_CLOSE);
    let end = TurnComplete {
        public_access_token: None,
        session_in_event_id: Some("3".into()),
        session_in_consumed_id: None,
        session_closed: true,
        session_closed_reason: Some("user-ended".into()),
    };
    assert_eq!(end.consumed_input_seq(), Some(3));
    let delta = r#"{"type":"text-delta","id":"t2","delta":"from the new version"}"#;
    assert_eq!(
        items,
        [
            record(19, Kind::Command),
            record(20, Kind::Control(Control::UpgradeRequired, None)),
            record(21, data(r#"{"type":"start","messageId":"msg-a2"}"#, "start", "part-18")),
            record(22, data(r#"{"type":"text-start","id":"t2"}"#, "text-start", "part-19")),
            record(23, data(delta, "text-delta", "part-20")),
            record(24, data(r#"{"type":"text-end","id":"t2"}"#, "text-end", "part-21")),
            record(25, data(r#"{"type":"finish"}"#, "finish", "part-22")),
            record(26, Kind::Control(Control::TurnComplete(end), None)),
            done(),
        ]
    );
    assert_eq!(frames, [frame("batch", Some("26,8,512")), frame("", None)]);
}

#[test]
fn an_idle_window_has_a_ping_and_its_end() {
    let (frames, items) = read(IDLE_LONG_POLL);
    let tail = r#"{"timestamp":1795466593323,"tail":{"seq_num":19,"timestamp":1795466592312}}"#;
    assert_eq!(items, [ping(tail), done()]);
    assert_eq!(frames, [frame("ping", None), frame("", None)]);
}

#[test]
fn a_missing_stream_ends_at_once() {
    let (frames, items) = read(MISSING_STREAM);
    assert_eq!(items, [done()]);
    assert_eq!(frames, [frame("", None)]);
}

#[test]
fn a_long_catch_up_gives_every_record_once_and_in_order() {
    let (frames, items) = read(CATCH_UP_4000);
    let expected: Vec<Item> = (0..4000)
        .map(|seq| {
            let chunk = format!(r#"{{"type":"text-delta","id":"t1","delta":"word{seq} "}}"#);
            record(seq, data(&chunk, "text-delta", &format!("L{seq}")))
        })
        .chain([done()])
        .collect();
    assert_eq!(items, expected);
    assert_eq!(frames.len(), 5);
    assert_eq!(frames.first(), Some(&frame("batch", Some("999,1000,78780"))));
}
