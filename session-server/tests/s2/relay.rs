//! `.out` is what S2 itself says.

use serde_json::json;

use crate::log::Log;
use crate::reader::{eventually, is_turn_complete, session_id, words};
use crate::support::{all_records, said};

#[test]
fn a_settled_channel_is_told_byte_for_byte_as_s2_tells_it() {
    let log = Log::start();
    let one = log.instance();
    let chat = one.chat("c", "echo");
    let text = format!("é 日本語 🎉 \u{2028} \"quoted\" \\ \0 {}", words(400));
    chat.ask(&text, json!({ "paceMs": 0 }));
    let stream = format!("session/{}/out", session_id(&chat));
    let answer = chat.drained("");
    assert_eq!(answer.header("x-session-settled"), "true");
    assert_eq!(answer.body, log.events(&stream));
    assert!(answer.body.ends_with("data: [DONE]\n\n"));
    assert_eq!(said(&all_records(&answer.body)), text);
}

#[test]
fn what_stands_before_the_last_turn_but_one_is_gone_before_long() {
    let log = Log::start();
    let one = log.instance();
    let chat = one.chat("c", "echo");
    for turn in ["first", "second", "third"] {
        chat.ask(turn, json!({ "paceMs": 0 }));
    }
    // The second turn's end, and the third turn.
    let records = eventually("the trim", || {
        let records = all_records(&chat.drained("").body);
        (records.iter().filter(|record| is_turn_complete(record)).count() == 2).then_some(records)
    });
    assert!(is_turn_complete(&records[0]));
    assert_eq!((records[0]["seq_num"].as_u64(), said(&records)), (Some(15), "third".to_owned()));
    let stream = format!("session/{}/out", session_id(&chat));
    assert_eq!(chat.drained("").body, log.events(&stream));
}
