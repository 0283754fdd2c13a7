//! A send over a bad network: the same bytes under the same part id, until they are acknowledged, the
//! time is up, or nobody wants them any more.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;
use trigger_chat_transport::chat::connection::ConnectionState;

use crate::harness::*;
use crate::out::{batch, chunk};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

const STOP: &str = r#"{"kind":"stop"}"#;
const PAGE: &str = "<html>Please sign in to this network</html>";

/// Call 1 has sent its message by append 1. Its subscription is answered and waits: only the append
/// has anything to do.
fn sending() -> Harness {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.expect(connected(2), &[]);
    chat
}

fn again(request: u32) -> String {
    format!("append {request} with t0 as p1: B1")
}

#[test]
fn what_may_pass_is_tried_again_with_the_same_bytes_and_the_same_part_id() {
    for failure in [
        network_failed(1),
        answered(1, 408, ""),
        answered(1, 425, ""),
        answered(1, 429, ""),
        answered(1, 500, ""),
        answered(1, 503, ""),
        answered(1, 200, PAGE),
    ] {
        let mut chat = sending();
        chat.expect(failure, &[]);
        chat.expect_woken(&[&again(3)]);
        let orders = chat.tell(acknowledged(3, 0));
        assert!(orders[0].starts_with("tell message-sent submit-message m1 as p1"), "{orders:?}");
        assert_eq!(orders[2], "open stream 1 for call 1");
    }
}

#[test]
fn delays_double_from_100_ms_to_5_s() {
    let mut chat = sending();
    let mut request = 1;
    for full in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
        chat.tell(network_failed(request));
        let wait = chat.wait().unwrap();
        assert!((full / 2..=full).contains(&wait), "{wait} of {full}");
        chat.tell_woken();
        request = request.max(2) + 1;
    }
}

#[test]
fn the_service_says_how_long_to_wait() {
    let mut chat = sending();
    chat.tell(answered_for(1, 429, 20 * SECOND));
    assert!(chat.pass(20 * SECOND - 1).is_empty());
    assert_eq!(chat.pass(1), [again(3)]);
}

#[test]
fn after_a_minute_the_send_fails_with_the_last_reason_and_tells_it_once() {
    let mut chat = sending();
    chat.tell(network_failed(1));
    let mut request = 3;
    let mut orders = chat.tell_woken();
    while orders == [again(request)] {
        chat.expect(answered(request, 503, ""), &[]);
        request += 1;
        orders = chat.tell_woken();
    }
    assert_eq!(chat.since_start(), MINUTE);
    let failed = "tell message-send-failed submit-message m1 as p1, 2 bytes, 60000 ms: api 503";
    assert_eq!(orders, [failed, "cancel 2", "reject 1: api 503"]);
    assert!(!chat.chat.is_active());
}

#[test]
fn an_app_may_want_one_attempt_alone() {
    let mut chat = Harness::idle();
    chat.chat.set_send_timeout(0);
    chat.tell(send(1));
    assert!(chat.pass(20 * SECOND).is_empty(), "which is waited for");
    let orders = chat.tell(answered(1, 503, ""));
    assert_eq!(orders.last().unwrap(), "reject 1: api 503");
}

#[test]
fn an_app_may_give_a_send_more_time() {
    let mut chat = Harness::idle();
    chat.chat.set_send_timeout(10 * MINUTE);
    chat.tell(send(1));
    chat.tell(connected(2));
    chat.tell(answered_for(1, 503, 2 * MINUTE));
    assert_eq!(chat.pass(2 * MINUTE), [again(3)]);
}

#[test]
fn an_answer_that_takes_30_s_counts_as_lost() {
    let mut chat = sending();
    assert!(chat.pass(30 * SECOND - 1).is_empty());
    assert_eq!(chat.pass(1), ["cancel 1"]);
    chat.expect_woken(&[&again(3)]);
    chat.expect(acknowledged(1, 0), &[]);
}

#[test]
fn a_large_message_has_the_time_that_its_upload_takes() {
    let mut chat = Harness::idle();
    chat.tell(send_of(1, &"x".repeat(160_000)));
    chat.tell(connected(2));
    assert!(chat.pass(40 * SECOND - 1).is_empty());
    assert_eq!(chat.pass(1), ["cancel 1"]);
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    for status in [400, 409, 410, 413, 418, 422] {
        let mut chat = sending();
        let orders = chat.tell(answered(1, status, ""));
        assert_eq!(orders.last().unwrap(), &format!("reject 1: api {status}"));
        assert!(!chat.chat.is_active());
    }
}

#[test]
fn the_next_send_waits_until_the_one_before_is_over() {
    let mut chat = sending();
    chat.expect(send(2), &[]);
    chat.expect(stop(3), &[]);
    chat.tell(network_failed(1));
    chat.expect_woken(&[&again(3)]);
    let orders = chat.tell(acknowledged(3, 0));
    assert_eq!(orders.last().unwrap(), "append 4 with t0 as p2: B2");
    let orders = chat.tell(answered(4, 413, ""));
    assert_eq!(orders.last().unwrap(), &format!("append 5 with t0 as p3: {STOP}"));
}

#[test]
fn a_stop_is_tried_again_as_well() {
    let mut chat = Harness::streaming();
    chat.tell(stop(2));
    chat.expect(answered(3, 503, ""), &[]);
    chat.expect_woken(&[&format!("append 4 with t0 as p2: {STOP}")]);
    let orders = chat.tell(acknowledged(4, 1));
    assert_eq!(orders.last().unwrap(), "resolve 2: delivered");
}

#[test]
fn the_stop_of_an_aborted_signal_is_tried_again_as_well() {
    let mut chat = Harness::streaming();
    chat.tell(aborted(1, 9));
    chat.expect(network_failed(3), &[]);
    chat.expect_woken(&[&format!("append 4 with t0 as p9: {STOP}")]);
    chat.tell(acknowledged(4, 1));
    assert!(!chat.chat.is_active());
}

#[test]
fn an_open_stream_goes_on_while_a_message_is_tried_again() {
    let mut chat = Harness::streaming();
    chat.tell(send(2));
    chat.tell(network_failed(3));
    let orders = chat.tell(bytes(2, &batch(&[chunk(0, "a")])));
    assert_eq!(orders.last().unwrap(), r#"emit to 1: [{"type":"a"}]"#);
}

// The network and the page

#[test]
fn nothing_is_tried_and_no_time_passes_while_there_is_no_network() {
    let mut chat = sending();
    chat.later(20 * SECOND);
    chat.tell(Input::Offline);
    chat.tell(network_failed(1));
    assert_eq!(chat.chat.connection(), ConnectionState::Offline);
    assert!(chat.pass(2 * MINUTE).is_empty());
    let orders = chat.tell(Input::Online);
    assert_eq!(orders[0], again(3));
    chat.tell(connected(4));
    chat.expect(answered_for(3, 503, 39 * SECOND), &[]);
    assert_eq!(chat.pass(39 * SECOND), [again(5)], "40 s were left");
    let orders = chat.tell(answered_for(5, 503, 2 * SECOND));
    assert!(orders.is_empty(), "{orders:?}");
    let orders = chat.pass(2 * SECOND);
    assert_eq!(orders.last().unwrap(), "reject 1: api 503");
}

#[test]
fn an_attempt_that_waits_is_made_when_the_network_is_back_or_somebody_asks() {
    for wake in [Input::Online, Input::Retry] {
        let mut chat = sending();
        chat.tell(answered_for(1, 503, 20 * SECOND));
        assert_eq!(chat.tell(wake)[0], again(3));
    }
}

#[test]
fn an_attempt_that_waits_is_made_when_the_page_is_back_after_a_while() {
    let mut chat = sending();
    chat.tell(network_failed(1));
    chat.tell(Input::Hidden);
    chat.later(30 * SECOND);
    assert_eq!(chat.tell(Input::Shown)[0], again(3));
}

#[test]
fn a_page_that_is_back_leaves_the_service_alone_for_as_long_as_it_asked() {
    let mut chat = sending();
    chat.tell(answered_for(1, 503, 50 * SECOND));
    chat.tell(Input::Hidden);
    chat.later(30 * SECOND);
    let orders = chat.tell(Input::Shown);
    assert!(!orders.contains(&again(3)), "{orders:?}");
    chat.tell(Input::Woken);
    assert!(chat.pass(20 * SECOND).iter().any(|order| order.starts_with("append")));
}

#[test]
fn a_machine_that_slept_has_its_time_still_before_it() {
    let mut chat = sending();
    chat.tell(network_failed(1));
    chat.later(2 * MINUTE);
    chat.expect(Input::Woken, &[&again(3)]);
    chat.expect(network_failed(3), &[]);
    chat.expect_woken(&[&again(4)]);
}

#[test]
fn a_failure_that_is_told_before_the_timer_fires_is_not_the_last_one_after_a_sleep() {
    for failure in [network_failed(1), answered(1, 503, "")] {
        let mut chat = sending();
        chat.later(2 * MINUTE);
        chat.expect(failure, &[]);
        assert!(chat.chat.is_active());
        let orders = chat.tell_woken();
        assert!(orders.contains(&again(3)), "{orders:?}");
    }
}

#[test]
fn a_machine_that_slept_without_a_network_has_its_time_once() {
    let mut chat = sending();
    chat.tell(Input::Offline);
    chat.later(2 * MINUTE);
    chat.tell(Input::Woken);
    assert_eq!(chat.tell(Input::Online)[0], again(3));
    chat.tell(answered_for(3, 503, 61 * SECOND));
    let orders = chat.pass(61 * SECOND);
    assert!(orders.contains(&"reject 1: api 503".to_owned()), "{orders:?}");
}

#[test]
fn a_page_that_is_back_without_a_network_tries_nothing() {
    let mut chat = sending();
    chat.tell(Input::Offline);
    chat.tell(answered_for(1, 503, 50 * SECOND));
    chat.tell(Input::Hidden);
    chat.later(30 * SECOND);
    let orders = chat.tell(Input::Shown);
    assert!(!orders.contains(&again(3)), "{orders:?}");
    assert_eq!(chat.chat.connection(), ConnectionState::Offline);
}

#[test]
fn an_app_can_show_the_attempts() {
    let mut chat = sending();
    chat.tell(network_failed(1));
    let next_try = chat.chat.deadline();
    assert_eq!(chat.chat.connection(), ConnectionState::Reconnecting { attempt: 1, next_try });
    chat.tell_woken();
    let under_way = ConnectionState::Reconnecting { attempt: 1, next_try: None };
    assert_eq!(chat.chat.connection(), under_way);
    chat.tell(acknowledged(3, 0));
    assert_eq!(chat.chat.connection(), ConnectionState::Waiting);
}

// Calls that nobody wants any more

#[test]
fn a_message_that_waits_behind_another_is_not_sent_when_it_is_aborted() {
    let mut chat = sending();
    chat.tell(send(2));
    let orders = chat.tell(aborted(2, 9));
    assert_eq!(orders.last().unwrap(), "reject 2: aborted");
    let orders = chat.tell(acknowledged(1, 0));
    assert!(!orders.iter().any(|order| order.contains("p2")), "{orders:?}");
}

#[test]
fn a_message_that_is_aborted_between_two_attempts_is_looked_for_and_stopped_if_it_landed() {
    let mut chat = sending();
    chat.tell(network_failed(1));
    chat.expect(aborted(1, 9), &["cancel 2", "reject 1: aborted"]);
    chat.expect_woken(&["list input 3 with t0 all"]);
    let orders = chat.tell(answered(3, 200, r#"{"records":[{"id":"p1","seqNum":0}]}"#));
    assert_eq!(orders[1..], ["persist t0 idle seq 0", &format!("append 4 with t0 as p9: {STOP}")]);
}

/// Its message, aborted, had not landed when request 3 asked.
fn stray() -> Harness {
    let mut chat = sending();
    chat.tell(network_failed(1));
    chat.tell(aborted(1, 9));
    chat.expect_woken(&["list input 3 with t0 all"]);
    chat.expect(answered(3, 200, r#"{"records":[]}"#), &[]);
    chat
}

#[test]
fn a_message_that_is_aborted_and_lands_late_is_stopped_all_the_same() {
    let mut chat = stray();
    chat.expect_woken(&["list input 4 with t0 all"]);
    let orders = chat.tell(answered(4, 200, r#"{"records":[{"id":"p1","seqNum":0}]}"#));
    assert_eq!(orders[1..], ["persist t0 idle seq 0", &format!("append 5 with t0 as p9: {STOP}")]);
}

#[test]
fn a_message_that_is_aborted_and_does_not_land_in_time_is_left_alone() {
    let mut chat = stray();
    let mut last = chat.tell_woken();
    for request in 4.. {
        if last != [format!("list input {request} with t0 all")] {
            break;
        }
        chat.expect(answered(request, 200, r#"{"records":[]}"#), &[]);
        last = chat.tell_woken();
    }
    assert!(last[0].starts_with("tell message-send-failed"), "{last:?}");
    assert!(last[0].ends_with("aborted"), "{last:?}");
    assert!(chat.since_start() >= 60_000);
    assert!(!chat.chat.is_active());
}

#[test]
fn a_message_that_is_aborted_and_has_not_landed_keeps_no_other_one_waiting() {
    let mut chat = stray();
    let orders = chat.tell(send(2));
    assert!(orders[0].ends_with("aborted"), "{orders:?}");
    assert!(orders[1].starts_with("append 4 with t0 as p2"), "{orders:?}");

    let mut chat = stray();
    chat.expect_woken(&["list input 4 with t0 all"]);
    let orders = chat.tell(send(2));
    assert_eq!(orders[0], "cancel 4");
    assert!(orders[2].starts_with("append 5 with t0 as p2"), "{orders:?}");
}

#[test]
fn a_message_that_is_aborted_where_nobody_can_say_if_it_landed_is_left_alone() {
    let mut chat = sending();
    chat.tell(network_failed(1));
    chat.tell(aborted(1, 9));
    chat.expect_woken(&["list input 3 with t0 all"]);
    let orders = chat.tell(answered(3, 404, ""));
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert!(orders[0].ends_with("aborted"), "{orders:?}");
    assert!(!chat.chat.is_active());
}

#[test]
fn a_message_that_is_aborted_in_an_attempt_that_fails_is_looked_for() {
    for failure in [network_failed(1), answered(1, 503, "")] {
        let mut chat = sending();
        chat.tell(aborted(1, 9));
        chat.expect(failure, &[]);
        chat.expect_woken(&["list input 3 with t0 all"]);
    }
}

#[test]
fn a_disposed_transport_still_delivers_its_message() {
    let mut chat = sending();
    chat.tell(network_failed(1));
    chat.tell(Input::Disposed);
    chat.expect_woken(&[&again(3)]);
    let orders = chat.tell(acknowledged(3, 0));
    assert_eq!(orders[1..], ["persist t0 streaming seq 0"]);
    assert!(!chat.chat.is_active());
}
