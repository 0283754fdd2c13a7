//! What a writer has written twice, under the same part id and a new seq, is handed on once.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::harness::*;
use crate::out::{batch, boundary};

/// A data record whose part id is chosen.
fn part_of(seq: u64, chunk: &str, part_id: &str) -> String {
    let body = format!(r#"{{"data":{chunk},"id":"{part_id}"}}"#).replace('"', "\\\"");
    format!(r#"{{"seq_num":{seq},"body":"{body}"}}"#)
}

fn chunk(seq: u64, kind: &str, part_id: &str) -> String {
    part_of(seq, &format!(r#"{{"type":"{kind}"}}"#), part_id)
}

fn emitted(orders: &[String]) -> Vec<&str> {
    orders.iter().filter_map(|order| order.strip_prefix("emit to 1: ")).collect()
}

#[test]
fn a_part_that_was_written_twice_is_handed_on_once() {
    let mut chat = Harness::streaming();
    let twice = [chunk(0, "a", "p"), chunk(1, "b", "q"), chunk(2, "a", "p"), chunk(3, "b", "q")];
    let orders = chat.tell(bytes(2, &batch(&twice)));
    assert_eq!(emitted(&orders), [r#"[{"type":"a"},{"type":"b"}]"#]);
}

#[test]
fn a_part_that_was_written_again_over_a_reconnect_is_handed_on_once() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[chunk(0, "a", "p")])));
    chat.tell(wanted(1));
    chat.tell(network_failed(2));
    chat.expect_woken(&["subscribe 3 with t0 from 0"]);
    chat.tell(connected(3));
    chat.expect_read_on(3, &batch(&[chunk(1, "a", "p")]));
    chat.tell(network_failed(3));
    chat.expect_woken(&["subscribe 4 with t0 from 1"]);
}

#[test]
fn a_boundary_that_an_older_agent_wrote_twice_does_not_end_the_next_turn() {
    let end = r#"{"type":"trigger:turn-complete"}"#;
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[chunk(0, "a", "p"), part_of(1, end, "q")])));
    chat.tell(send(2));
    chat.tell(acknowledged(3, 1));
    chat.tell(connected(4));
    chat.tell(wanted(2));
    chat.expect_read_on(4, &batch(&[part_of(2, end, "q")]));
    let orders = chat.tell(bytes(4, &batch(&[chunk(3, "b", "r"), part_of(4, end, "s")])));
    assert_eq!(orders.last().unwrap(), "close 2");
}

#[test]
fn a_replay_hands_the_same_parts_on_again() {
    let mut chat = Harness::restored(running());
    chat.tell(reconnect(1));
    chat.tell(connected(1));
    chat.tell(wanted(1));
    let records = [chunk(5, "a", "p"), chunk(6, "b", "q")];
    assert_eq!(emitted(&chat.tell(bytes(1, &batch(&records)))).len(), 1);
    chat.tell(cancelled(1));
    chat.expect(reconnect(2), &["open stream 2 for call 2", "subscribe 2 with t0 from 4"]);
    chat.tell(connected(2));
    chat.tell(wanted(2));
    let orders = chat.tell(bytes(2, &batch(&records)));
    let again = r#"emit to 2: [{"type":"a"},{"type":"b"}]"#;
    assert!(orders.contains(&again.to_owned()), "{orders:?}");
}

#[test]
fn chunks_without_a_part_id_are_all_handed_on() {
    let bare =
        |seq: u64| format!(r#"{{"seq_num":{seq},"body":"{{\"data\":{{\"type\":\"a\"}}}}"}}"#);
    let mut chat = Harness::streaming();
    let orders = chat.tell(bytes(2, &batch(&[bare(0), bare(1), boundary(2, 0)])));
    assert_eq!(emitted(&orders), [r#"[{"type":"a"},{"type":"a"}]"#]);
}
