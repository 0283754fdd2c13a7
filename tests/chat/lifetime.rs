//! The transport goes in every phase, comes back to life, and facts about what is over are ignored.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;

use crate::harness::*;
use crate::out::{batch, boundary, chunk};

#[test]
fn disposing_a_chat_that_does_nothing_does_nothing() {
    Harness::new().expect(Input::Disposed, &[]);
    Harness::idle().expect(Input::Disposed, &[]);
}

#[test]
fn calls_that_wait_for_the_session_are_rejected_and_a_message_still_goes_out() {
    let mut chat = Harness::new();
    chat.tell(start(1));
    chat.tell(send(2));
    chat.expect(Input::Disposed, &["reject 1: aborted", "reject 2: aborted"]);
    chat.expect(Input::Disposed, &[]);
    chat.expect(session_started("t0"), &["persist t0 idle", "append 1 with t0 as p2: B2"]);
    chat.expect(
        acknowledged(1, 0),
        &["tell message-sent submit-message m2 as p2, 2 bytes, 0 ms", "persist t0 streaming seq 0"],
    );
}

#[test]
fn a_message_on_its_way_is_rejected_and_its_turn_can_be_resumed() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.expect(Input::Disposed, &["reject 1: aborted", "cancel 2"]);
    chat.expect(
        acknowledged(1, 0),
        &["tell message-sent submit-message m1 as p1, 2 bytes, 0 ms", "persist t0 streaming seq 0"],
    );
    chat.expect(reconnect(2), &["open stream 2 for call 2", "subscribe 3 with t0 from the start"]);
}

#[test]
fn an_open_stream_closes_and_its_turn_can_be_resumed_from_its_start() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[chunk(0, "a")])));
    chat.expect(Input::Disposed, &["cancel 2", "close 1"]);
    assert_eq!(chat.session(), "t0 streaming seq 0");
    chat.expect(reconnect(2), &["open stream 2 for call 2", "subscribe 3 with t0 from the start"]);
}

#[test]
fn a_stream_that_waits_to_reconnect_leaves_no_deadline() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.expect(Input::Disposed, &["close 1"]);
    assert_eq!(chat.wait(), None);
}

#[test]
fn a_stream_that_waits_for_a_token_is_not_connected_when_the_token_comes() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    chat.tell(refused(2, 401));
    chat.expect(Input::Disposed, &["close 1"]);
    chat.expect(token_ready("t1"), &["persist t1 streaming seq 0"]);
}

#[test]
fn a_stop_on_its_way_is_answered_after_the_end() {
    let mut chat = Harness::streaming();
    chat.tell(stop(2));
    chat.expect(Input::Disposed, &["cancel 2", "close 1"]);
    let orders = chat.tell(acknowledged(3, 1));
    assert_eq!(orders[1..], ["persist t0 idle seq 0", "resolve 2: delivered"]);
}

#[test]
fn a_disposed_chat_sends_again() {
    let mut chat = Harness::streaming();
    chat.tell(Input::Disposed);
    chat.expect(send(2), &["append 3 with t0 as p2: B2", "subscribe 4 with t0 from the start"]);
}

#[test]
fn a_consumer_that_cancels_ends_the_request_and_not_the_turn() {
    let mut chat = Harness::streaming();
    chat.expect(cancelled(1), &["cancel 2"]);
    assert_eq!(chat.session(), "t0 streaming seq 0");
    assert_eq!(chat.wait(), None);
}

#[test]
fn a_cancelled_stream_that_waits_to_reconnect_leaves_no_deadline() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.expect(cancelled(1), &[]);
    assert_eq!(chat.wait(), None);
}

#[test]
fn facts_about_what_is_over_are_ignored() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[boundary(0, 0)])));
    let late = batch(&[chunk(1, "late")]);
    for fact in [
        connected(2),
        bytes(2, &late),
        ended(2),
        network_failed(2),
        acknowledged(1, 0),
        wanted(1),
        cancelled(1),
        aborted(77, 9),
        Input::Woken,
    ] {
        chat.expect(fact, &[]);
    }
    assert_eq!(chat.session(), "t0 idle from 0");
}

#[test]
fn facts_about_an_earlier_connection_are_ignored() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.tell_woken();
    let late = batch(&[chunk(0, "late")]);
    for fact in [connected(2), bytes(2, &late), ended(2), network_failed(2), refused(2, 404)] {
        chat.expect(fact, &[]);
    }
    chat.expect(connected(3), &["read 3"]);
}

#[test]
fn facts_about_an_earlier_stream_are_ignored() {
    let mut chat = Harness::streaming();
    chat.tell(send(2));
    chat.tell(acknowledged(3, 1));
    chat.tell(connected(4));
    chat.expect(wanted(1), &[]);
    chat.expect(cancelled(1), &[]);
    chat.expect(wanted(2), &["read 4"]);
}

#[test]
fn a_head_that_is_told_twice_counts_once() {
    let mut chat = Harness::streaming();
    chat.expect(connected(2), &[]);
}

#[test]
fn an_answer_to_a_request_that_was_sent_again_is_ignored() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(answered(1, 401, ""));
    chat.tell(token_ready("t1"));
    chat.expect(answered(1, 200, r#"{"ok":true,"seq":0}"#), &[]);
    chat.expect(network_failed(1), &[]);
    assert_eq!(chat.tell(acknowledged(3, 0)).len(), 3);
}
