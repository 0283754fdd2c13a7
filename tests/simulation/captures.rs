//! The captures of a real S2 server, through the whole machine in random pieces: what it hands on
//! is what a plain reading of the same bytes by another parser finds.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::Value;
use trigger_chat_transport::chat::Chat;
use trigger_chat_transport::chat::action::{Action, CallId, Head, Input, RequestId, StreamId};
use trigger_chat_transport::chat::session::PersistedSession;
use trigger_chat_transport::time::Time;

use crate::random::Random;

const PIECES_TRIED: u64 = 10;

/// What a reader makes of a capture.
#[derive(Debug, Default, PartialEq)]
struct Reading {
    chunks: Vec<Value>,
    /// The seq of the boundary at which the stream ended.
    ended_at: Option<u64>,
}

#[test]
fn a_turn_from_its_first_record() {
    check(include_bytes!("../fixtures/s2/turn-1-whole.sse"), None, 18, Some(18));
}

#[test]
fn a_turn_that_is_resumed_in_its_middle() {
    check(include_bytes!("../fixtures/s2/turn-1-resume-from-5.sse"), Some(4), 13, Some(18));
}

#[test]
fn a_turn_after_a_trim_and_an_upgrade_that_closes_the_session() {
    check(include_bytes!("../fixtures/s2/turn-2-upgrade-and-close.sse"), Some(18), 5, Some(26));
}

#[test]
fn a_stream_that_was_trimmed() {
    check(include_bytes!("../fixtures/s2/after-trim.sse"), None, 18, Some(18));
}

#[test]
fn a_long_catch_up() {
    check(include_bytes!("../fixtures/s2/catch-up-4000.sse"), None, 4_000, None);
}

#[test]
fn streams_that_have_nothing_to_tell() {
    check(include_bytes!("../fixtures/s2/idle-long-poll.sse"), Some(18), 0, None);
    check(include_bytes!("../fixtures/s2/missing-stream.sse"), None, 0, None);
}

/// `chunks` and `ended_at` are here so that both readers cannot be wrong in the same way.
fn check(capture: &[u8], cursor: Option<u64>, chunks: usize, ended_at: Option<u64>) {
    let plain = read_plainly(capture);
    assert_eq!((plain.chunks.len(), plain.ended_at), (chunks, ended_at));
    for seed in 0..PIECES_TRIED {
        assert_eq!(read_by_machine(capture, cursor, seed), plain, "in the pieces of seed {seed}");
    }
}

fn read_plainly(capture: &[u8]) -> Reading {
    let text = std::str::from_utf8(capture).expect("a capture is UTF-8");
    let mut reading = Reading::default();
    for block in text.split("\n\n").filter(|block| block.starts_with("event: batch\n")) {
        let data = block.split("\ndata: ").nth(1).expect("a batch has data");
        let batch: Value = serde_json::from_str(data).expect("a batch is JSON");
        for record in batch["records"].as_array().expect("a batch has records") {
            if reading.ended_at.is_none() {
                read_record(record, &mut reading);
            }
        }
    }
    reading
}

fn read_record(record: &Value, reading: &mut Reading) {
    let header = |at: usize| record["headers"][0][at].as_str();
    match (header(0), header(1)) {
        (Some("trigger-control"), Some("turn-complete")) => {
            reading.ended_at = record["seq_num"].as_u64();
        }
        (Some(_), _) => {}
        (None, _) => {
            let body = record["body"].as_str().expect("a data record has a body");
            let mut envelope: Value = serde_json::from_str(body).expect("a body is JSON");
            reading.chunks.push(envelope["data"].take());
        }
    }
}

fn read_by_machine(capture: &[u8], cursor: Option<u64>, seed: u64) -> Reading {
    let mut random = Random::new(seed);
    let mut chat = reconnected(cursor);
    let mut reading = Reading::default();
    let mut rest = capture;
    let largest = random.one_of(&[3, 50, 2_000, capture.len()]);
    while !rest.is_empty() {
        let (bytes, after) = rest.split_at(1 + random.below(largest.min(rest.len())));
        rest = after;
        for order in tell(&mut chat, Input::Bytes { request: RequestId(1), bytes }) {
            obey(order, &chat, &mut reading);
        }
        tell(&mut chat, Input::Wanted { stream: StreamId(1) });
    }
    reading
}

/// A chat that reads, from this cursor on, a turn of which it knows nothing.
fn reconnected(cursor: Option<u64>) -> Chat {
    let mut chat = Chat::new("chat-1".to_owned(), true, 7);
    // Compared with the bytes, chunk by chunk.
    chat.set_coalesces(false);
    chat.restore(PersistedSession {
        public_access_token: "token".to_owned(),
        last_event_id: cursor.map(|seq| seq.to_string()),
        is_streaming: Some(true),
        ..PersistedSession::default()
    });
    tell(&mut chat, Input::Reconnect { call: CallId(1) });
    let head = Head {
        status: 200,
        is_event_stream: true,
        is_v2: true,
        is_settled: false,
        retry_after_ms: None,
    };
    tell(&mut chat, Input::Connected { request: RequestId(1), head });
    tell(&mut chat, Input::Wanted { stream: StreamId(1) });
    chat
}

fn tell(chat: &mut Chat, input: Input<'_>) -> Vec<Action> {
    let mut orders = Vec::new();
    chat.handle(Time::from_millis(1_000), input, &mut orders);
    orders
}

fn obey(order: Action, chat: &Chat, reading: &mut Reading) {
    match order {
        Action::Emit { chunks, .. } => {
            let chunks: Vec<Value> = serde_json::from_str(&chunks).expect("an array of chunks");
            reading.chunks.extend(chunks);
        }
        Action::CloseStream { .. } => {
            let cursor = chat.session().and_then(|session| session.last_event_id);
            reading.ended_at = cursor.and_then(|cursor| cursor.parse().ok());
        }
        Action::FailStream { error, .. } => panic!("{error:?}"),
        _ => {}
    }
}
