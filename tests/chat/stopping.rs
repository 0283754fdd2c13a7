//! A turn that its owner ends: by the signal of its call, by a stop, and what the next turn sees of it.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;

use crate::harness::*;
use crate::out::{batch, boundary, chunk, control, trim};

const STOP: &str = r#"{"kind":"stop"}"#;
const LOST: &str = "The previous turn's output was lost. Try again.";

// The signal

#[test]
fn a_call_that_is_aborted_while_it_waits_for_the_session_sends_nothing() {
    let mut chat = Harness::new();
    chat.tell(send(1));
    chat.tell(send(2));
    chat.expect(aborted(1, 9), &["reject 1: aborted"]);
    chat.expect(
        session_started("t0"),
        &["persist t0 idle", "append 1 with t0 as p2: B2", "subscribe 2 with t0 from the start"],
    );
}

#[test]
fn a_message_that_was_aborted_on_its_way_is_stopped_once_it_lands() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.expect(aborted(1, 9), &["cancel 2", "reject 1: aborted"]);
    chat.expect(
        acknowledged(1, 0),
        &[
            "tell message-sent submit-message m1 as p1, 2 bytes, 0 ms",
            "persist t0 idle seq 0",
            &format!("append 3 with t0 as p9: {STOP}"),
        ],
    );
    chat.expect(acknowledged(3, 1), &["tell message-sent stop - as p9, 15 bytes, 0 ms"]);
}

#[test]
fn a_message_that_was_aborted_after_its_token_was_refused_is_not_sent_again() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.expect(answered(1, 401, ""), &["refresh token"]);
    let orders = chat.tell(aborted(1, 9));
    assert_eq!(orders.last().unwrap(), "reject 1: aborted");
    chat.expect(token_ready("t1"), &["persist t1 idle"]);
}

#[test]
fn a_message_that_was_aborted_on_its_way_and_refused_is_not_sent_again() {
    for status in [401, 404] {
        let mut chat = Harness::idle();
        chat.tell(send(1));
        chat.tell(aborted(1, 9));
        let orders = chat.tell(answered(1, status, ""));
        assert_eq!(orders.len(), 1, "{orders:?}");
        assert!(orders[0].starts_with("tell message-send-failed"), "{orders:?}");
        assert_eq!(chat.session(), "t0 idle");
    }
}

#[test]
fn a_message_that_was_aborted_on_its_way_supersedes_the_open_stream_all_the_same() {
    // Its turn waits behind the open one and is stopped with it: the stream must end, and not wait
    // for a boundary that it may never read, with its chunks held back.
    let mut chat = Harness::streaming();
    chat.tell(send(2));
    chat.expect(aborted(2, 9), &["reject 2: aborted"]);
    chat.expect(
        acknowledged(3, 1),
        &[
            "tell message-sent submit-message m2 as p2, 2 bytes, 0 ms",
            "cancel 2",
            "close 1",
            "persist t0 idle seq 1",
            &format!("append 4 with t0 as p9: {STOP}"),
        ],
    );
}

#[test]
fn an_open_stream_that_is_aborted_closes_and_its_turn_is_stopped() {
    let mut chat = Harness::streaming();
    chat.expect(
        aborted(1, 9),
        &[
            "cancel 2",
            "close 1",
            "persist t0 idle seq 0",
            &format!("append 3 with t0 as p9: {STOP}"),
        ],
    );
    chat.expect(aborted(1, 10), &[]);
    chat.expect(acknowledged(3, 1), &["tell message-sent stop - as p9, 15 bytes, 0 ms"]);
}

#[test]
fn the_stop_of_an_aborted_stream_goes_out_before_the_messages_that_wait() {
    // Message 2 is under way already; 3 must not be stopped in the place of 1.
    let mut chat = Harness::streaming();
    chat.tell(send(2));
    chat.tell(send(3));
    chat.tell(aborted(1, 9));
    chat.expect(
        answered(3, 400, ""),
        &[
            "tell message-send-failed submit-message m2 as p2, 2 bytes, 0 ms: api 400",
            "reject 2: api 400",
            &format!("append 4 with t0 as p9: {STOP}"),
        ],
    );
}

#[test]
fn a_resumed_stream_that_is_aborted_closes_and_its_turn_goes_on() {
    let mut chat = Harness::restored(running());
    chat.tell(reconnect(1));
    chat.tell(connected(1));
    chat.expect(let_go(1), &["cancel 1", "close 1"]);
    assert_eq!(chat.session(), "t0 streaming from 4 seq 3");
}

#[test]
fn a_stop_waits_for_the_message_that_is_on_its_way_and_ends_its_turn() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.expect(stop(2), &[]);
    let stop = format!("append 3 with t0 as p2: {STOP}");
    let orders = chat.tell(acknowledged(1, 0));
    assert_eq!(orders.last(), Some(&stop), "{orders:?}");
    chat.expect(
        acknowledged(3, 1),
        &[
            "tell message-sent stop - as p2, 15 bytes, 0 ms",
            "cancel 2",
            "close 1",
            "persist t0 idle seq 0",
            "resolve 2: delivered",
        ],
    );
}

#[test]
fn a_stop_goes_out_when_the_message_it_waited_for_has_failed() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.expect(stop(2), &[]);
    let stop = format!("append 3 with t0 as p2: {STOP}");
    let orders = chat.tell(answered(1, 413, ""));
    assert_eq!(orders.last(), Some(&stop), "{orders:?}");
}

#[test]
fn a_resumed_stream_whose_owner_aborts_it_stops_its_turn() {
    let mut chat = Harness::restored(running());
    chat.tell(reconnect(1));
    chat.tell(connected(1));
    let stop = format!("append 2 with t0 as p9: {STOP}");
    let idle = "persist t0 idle from 4 seq 3";
    chat.expect(aborted(1, 9), &["cancel 1", "close 1", idle, &stop]);
}

#[test]
fn a_stream_that_is_aborted_while_it_waits_to_reconnect_leaves_no_deadline() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    let stop = format!("append 3 with t0 as p9: {STOP}");
    chat.expect(aborted(1, 9), &["close 1", "persist t0 idle seq 0", &stop]);
    chat.tell(acknowledged(3, 1));
    assert_eq!(chat.wait(), None);
}

#[test]
fn the_signal_of_a_call_that_is_over_does_nothing() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[boundary(0, 0)])));
    chat.expect(aborted(1, 9), &[]);
}

#[test]
fn the_signal_of_a_superseded_call_does_not_touch_the_new_stream() {
    let mut chat = Harness::streaming();
    chat.tell(send(2));
    chat.tell(acknowledged(3, 1));
    chat.expect(aborted(1, 9), &[]);
}

#[test]
fn a_call_that_is_let_go_while_it_waits_for_the_session_still_sends_its_message() {
    let mut chat = Harness::new();
    chat.tell(send(1));
    chat.expect(let_go(1), &["reject 1: aborted"]);
    chat.expect(session_started("t0"), &["persist t0 idle", "append 1 with t0 as p1: B1"]);
}

#[test]
fn a_message_that_was_let_go_on_its_way_begins_its_turn_and_can_be_resumed() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.expect(let_go(1), &["cancel 2", "reject 1: aborted"]);
    chat.expect(
        acknowledged(1, 0),
        &["tell message-sent submit-message m1 as p1, 2 bytes, 0 ms", "persist t0 streaming seq 0"],
    );
    chat.expect(reconnect(2), &["open stream 2 for call 2", "subscribe 3 with t0 from the start"]);
}

#[test]
fn an_open_stream_that_is_let_go_closes_and_its_turn_goes_on() {
    let mut chat = Harness::streaming();
    chat.expect(let_go(1), &["cancel 2", "close 1"]);
    assert_eq!(chat.session(), "t0 streaming seq 0");
}

// The stop

#[test]
fn a_stop_ends_the_open_stream_once_it_is_delivered() {
    let mut chat = Harness::streaming();
    chat.expect(stop(2), &[&format!("append 3 with t0 as p2: {STOP}")]);
    chat.later(20);
    chat.expect(
        acknowledged(3, 1),
        &[
            "tell message-sent stop - as p2, 15 bytes, 20 ms",
            "cancel 2",
            "close 1",
            "persist t0 idle seq 0",
            "resolve 2: delivered",
        ],
    );
}

#[test]
fn a_stop_without_a_session_is_not_delivered() {
    Harness::new().expect(stop(1), &["resolve 1: not delivered"]);
}

#[test]
fn a_stop_that_cannot_be_delivered_leaves_the_stream_open() {
    let mut chat = Harness::streaming();
    chat.tell(stop(2));
    let orders = chat.tell(answered(3, 400, ""));
    assert_eq!(orders[1..], ["resolve 2: not delivered"]);
    let orders = chat.tell(bytes(2, &batch(&[chunk(0, "a")])));
    assert_eq!(orders.last().unwrap(), r#"emit to 1: [{"type":"a"}]"#);
    assert_eq!(chat.session(), "t0 streaming seq 0");
}

#[test]
fn a_stop_of_a_lost_session_does_not_create_it_anew() {
    let mut chat = Harness::streaming();
    chat.tell(stop(2));
    let orders = chat.tell(answered(3, 404, ""));
    assert_eq!(orders[1..], ["resolve 2: not delivered"]);
}

// The gate

/// Turn 1 (`.in` 0) was stopped; the stream of turn 2 (`.in` 2) is read through request 5.
fn next_turn_after_a_stop(answer: &str) -> Harness {
    let mut chat = Harness::streaming();
    chat.tell(stop(2));
    chat.tell(acknowledged(3, 1));
    chat.tell(send(3));
    chat.tell(answered(4, 200, answer));
    chat.tell(connected(5));
    chat.expect(wanted(2), &["read 5"]);
    chat
}

const LANDED: &str = r#"{"ok":true,"seq":2}"#;
const LANDED_ON_AN_OLDER_SERVER: &str = r#"{"ok":true}"#;

#[test]
fn late_records_of_a_stopped_turn_are_not_the_next_turns() {
    let mut chat = next_turn_after_a_stop(LANDED);
    chat.expect_read_on(5, &batch(&[chunk(0, "late")]));
    let text = batch(&[chunk(1, "late"), boundary(2, 0), chunk(3, "a"), boundary(4, 2)]);
    let orders = chat.tell(bytes(5, &text));
    let emitted: Vec<_> = orders.iter().filter(|order| order.starts_with("emit")).collect();
    assert_eq!(emitted, [r#"emit to 2: [{"type":"a"}]"#]);
    assert_eq!(orders.last().unwrap(), "close 2");
}

#[test]
fn a_gate_is_not_opened_by_the_boundary_of_a_turn_before_the_stopped_one() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 5));
    chat.tell(stop(2));
    chat.tell(acknowledged(3, 6));
    chat.tell(send(3));
    chat.tell(acknowledged(4, 7));
    chat.tell(connected(5));
    chat.tell(wanted(2));
    chat.expect_read_on(5, &batch(&[boundary(0, 4), chunk(1, "late")]));
    chat.expect_read_on(5, &batch(&[boundary(2, 5)]));
    let orders = chat.tell(bytes(5, &batch(&[chunk(3, "a")])));
    assert_eq!(orders.last().unwrap(), r#"emit to 2: [{"type":"a"}]"#);
}

#[test]
fn late_records_of_an_aborted_turn_are_not_the_next_turns() {
    let mut chat = Harness::streaming();
    chat.tell(aborted(1, 9));
    chat.tell(acknowledged(3, 1));
    chat.tell(send(2));
    chat.tell(acknowledged(4, 2));
    chat.tell(connected(5));
    chat.tell(wanted(2));
    let orders = chat.tell(bytes(5, &batch(&[chunk(0, "late"), boundary(1, 0), chunk(2, "a")])));
    assert_eq!(orders.last().unwrap(), r#"emit to 2: [{"type":"a"}]"#);
}

#[test]
fn a_turn_whose_output_went_with_the_stopped_one_fails_and_says_so() {
    let mut chat = next_turn_after_a_stop(LANDED);
    chat.expect(
        bytes(5, &batch(&[chunk(0, "a"), boundary(1, 2)])),
        &[
            "cancel 5",
            "persist t0 idle from 1",
            &format!("tell stream-error {LOST}"),
            &format!("fail 2: {LOST}"),
        ],
    );
}

#[test]
fn a_stopped_turns_boundary_does_not_end_the_next_turn_of_an_older_server() {
    let mut chat = next_turn_after_a_stop(LANDED_ON_AN_OLDER_SERVER);
    chat.expect_read_on(5, &batch(&[chunk(0, "late"), boundary(1, 0)]));
    let orders = chat.tell(bytes(5, &batch(&[chunk(2, "a"), boundary(3, 2)])));
    assert_eq!(orders[1], r#"emit to 2: [{"type":"a"}]"#);
    assert_eq!(orders.last().unwrap(), "close 2");
}

#[test]
fn a_stopped_turns_boundary_does_not_end_the_next_turn_of_an_older_agent() {
    let mut chat = next_turn_after_a_stop(LANDED);
    let end = |seq| control(seq, "turn-complete", &[]);
    chat.expect_read_on(5, &batch(&[chunk(0, "late"), end(1)]));
    let orders = chat.tell(bytes(5, &batch(&[chunk(2, "a"), end(3)])));
    assert_eq!(orders[1], r#"emit to 2: [{"type":"a"}]"#);
    assert_eq!(orders.last().unwrap(), "close 2");
}

#[test]
fn an_app_that_knows_that_the_stopped_turn_died_has_the_gate_cleared() {
    let mut chat = Harness::streaming();
    chat.tell(stop(2));
    chat.tell(acknowledged(3, 1));
    assert_eq!(chat.session(), "t0 idle seq 0");
    chat.expect(Input::ClearGate, &["persist t0 idle"]);
    chat.tell(send(3));
    chat.tell(acknowledged(4, 2));
    chat.tell(connected(5));
    chat.tell(wanted(2));
    let orders = chat.tell(bytes(5, &batch(&[chunk(0, "mine")])));
    assert!(orders.iter().any(|order| order.starts_with("emit to 2")), "{orders:?}");
}

#[test]
fn without_a_gate_there_is_nothing_to_clear() {
    let mut chat = Harness::streaming();
    chat.expect(Input::ClearGate, &[]);
    assert_eq!(chat.session(), "t0 streaming seq 0");
    let mut chat = Harness::new();
    chat.expect(Input::ClearGate, &[]);
}

#[test]
fn a_turn_that_was_over_before_the_stop_leaves_no_gate() {
    let mut chat = Harness::streaming();
    chat.tell(stop(2));
    chat.tell(bytes(2, &batch(&[boundary(0, 0)])));
    chat.tell(acknowledged(3, 1));
    chat.tell(send(3));
    chat.tell(acknowledged(4, 2));
    chat.tell(connected(5));
    chat.tell(wanted(2));
    let orders = chat.tell(bytes(5, &batch(&[chunk(1, "a")])));
    assert_eq!(orders.last().unwrap(), r#"emit to 2: [{"type":"a"}]"#);
}

#[test]
fn a_replay_of_the_next_turn_starts_behind_the_stopped_turns_end() {
    let mut chat = next_turn_after_a_stop(LANDED);
    chat.tell(bytes(5, &batch(&[chunk(0, "late"), boundary(1, 0), chunk(2, "a")])));
    assert_eq!(chat.session(), "t0 streaming from 1 seq 2");
    chat.tell(cancelled(2));
    chat.expect(reconnect(4), &["open stream 3 for call 4", "subscribe 6 with t0 from 1"]);
}

#[test]
fn what_a_gate_held_back_is_held_back_on_the_next_connection_as_well() {
    let mut chat = next_turn_after_a_stop(LANDED);
    chat.tell(bytes(5, &batch(&[chunk(0, "late")])));
    chat.tell(network_failed(5));
    chat.expect_woken(&["subscribe 6 with t0 from 0"]);
    chat.tell(connected(6));
    let orders = chat.tell(bytes(6, &batch(&[chunk(1, "late"), boundary(2, 0), chunk(3, "a")])));
    assert_eq!(orders.last().unwrap(), r#"emit to 2: [{"type":"a"}]"#);
}

#[test]
fn a_record_that_is_no_chunk_is_no_turn_to_give_up() {
    let mut persisted = running();
    persisted.is_streaming = None;
    persisted.active_input_seq = None;
    let mut chat = Harness::restored(persisted);
    chat.tell(reconnect(1));
    chat.tell(settled(1));
    chat.tell(wanted(1));
    chat.expect(bytes(1, &batch(&[trim(5)])), &["read 1"]);
    chat.tell(stop(2));
    chat.tell(acknowledged(2, 6));
    chat.tell(send(3));
    chat.tell(acknowledged(3, 7));
    chat.tell(connected(4));
    chat.tell(wanted(2));
    let orders = chat.tell(bytes(4, &batch(&[chunk(6, "a"), boundary(7, 7)])));
    assert_eq!(orders[1], r#"emit to 2: [{"type":"a"}]"#);
    assert_eq!(orders.last().unwrap(), "close 2");
}
