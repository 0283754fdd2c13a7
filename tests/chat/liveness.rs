//! A connection that says nothing: by any byte it is known to be alive, and without one it is made
//! again.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;

use crate::harness::*;
use crate::out::{PING, batch, chunk};

const SECOND: u64 = 1_000;

#[test]
fn a_body_that_brings_not_a_byte_for_60_s_is_given_up() {
    let mut chat = Harness::streaming();
    chat.expect(
        bytes(2, &batch(&[chunk(0, "a")])),
        &["tell first-chunk a at 0 for m1 after 0 ms", r#"emit to 1: [{"type":"a"}]"#],
    );
    chat.tell(wanted(1));
    assert!(chat.pass(60 * SECOND - 1).is_empty());
    assert_eq!(chat.pass(1), ["cancel 2"]);
    chat.expect_woken(&["subscribe 3 with t0 from 0"]);
}

#[test]
fn any_byte_is_life() {
    let mut chat = Harness::streaming();
    for piece in [PING, ": a comment\n", "d", "\n"].repeat(20) {
        assert!(chat.pass(59 * SECOND).is_empty());
        chat.expect(bytes(2, piece), &["read 2"]);
    }
    assert!(chat.pass(59 * SECOND).is_empty());
    assert_eq!(chat.pass(SECOND), ["cancel 2"]);
}

#[test]
fn a_silent_agent_on_a_pinging_connection_is_fine_for_hours() {
    let mut chat = Harness::streaming();
    for _ in 0..3_000 {
        assert!(chat.pass(5 * SECOND).is_empty());
        chat.expect(bytes(2, PING), &["read 2"]);
    }
}

#[test]
fn what_nobody_reads_is_not_silent() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[chunk(0, "a")])));
    assert!(chat.pass(3_600 * SECOND).is_empty(), "the consumer has no room for more");
    chat.expect(wanted(1), &["read 2"]);
    assert!(chat.pass(60 * SECOND - 1).is_empty(), "waits from then on");
    assert_eq!(chat.pass(1), ["cancel 2"]);
}

#[test]
fn an_answer_whose_head_takes_30_s_is_given_up() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    assert!(chat.pass(30 * SECOND - 1).is_empty());
    assert_eq!(chat.pass(1), ["cancel 2"]);
    chat.expect_woken(&["subscribe 3 with t0 from the start"]);
    chat.expect(connected(2), &[]);
    assert_eq!(chat.pass(30 * SECOND), ["cancel 3"]);
}

#[test]
fn a_head_that_takes_30_s_is_given_up_also_while_the_message_is_on_its_way() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    // The message's own answer is as late.
    assert_eq!(chat.pass(30 * SECOND), ["cancel 1", "cancel 2"]);
    chat.expect_woken(&["append 3 with t0 as p1: B1", "subscribe 4 with t0 from the start"]);
}

#[test]
fn many_bytes_move_no_deadline() {
    let mut chat = Harness::streaming();
    let due = chat.since_start() + chat.wait().unwrap();
    for _ in 0..9 {
        chat.later(SECOND);
        chat.tell(bytes(2, PING));
        assert_eq!(chat.since_start() + chat.wait().unwrap(), due, "a timer would be set anew");
    }
}

#[test]
fn a_clock_that_jumped_means_that_the_connection_is_stale() {
    let mut chat = Harness::streaming();
    chat.later(chat.wait().unwrap() + 30 * SECOND);
    chat.expect(Input::Woken, &["cancel 2", "subscribe 3 with t0 from the start"]);
}

#[test]
fn a_timer_that_is_a_little_late_means_nothing() {
    let mut chat = Harness::streaming();
    chat.later(chat.wait().unwrap() + 29 * SECOND);
    chat.expect(Input::Woken, &[]);
}

#[test]
fn the_timers_of_a_hidden_page_may_be_late() {
    let mut chat = Harness::streaming();
    chat.expect(Input::Hidden, &[]);
    for _ in 0..10 {
        chat.expect(bytes(2, PING), &["read 2"]);
        chat.later(45 * SECOND);
        chat.expect(Input::Woken, &[]);
    }
}

#[test]
fn a_body_that_brings_not_a_byte_is_given_up_also_where_the_timers_are_late() {
    let mut chat = Harness::streaming();
    chat.tell(Input::Hidden);
    chat.later(45 * SECOND);
    chat.expect(Input::Woken, &[]);
    chat.later(45 * SECOND);
    chat.expect(Input::Woken, &["cancel 2"]);
}
