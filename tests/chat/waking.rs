//! The network goes and comes back, the page is hidden and shown, somebody asks for the next try.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;

use crate::harness::*;
use crate::out::{batch, boundary, chunk};

/// A chat whose connection was lost three times: the fourth attempt waits.
fn backing_off() -> Harness {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    for request in 3..5 {
        chat.tell_woken();
        chat.tell(network_failed(request));
    }
    assert!(chat.wait().is_some());
    chat
}

#[test]
fn the_network_is_back_and_an_attempt_that_waits_is_made_now() {
    let mut chat = backing_off();
    chat.expect(Input::Online, &["subscribe 5 with t0 from the start"]);
}

#[test]
fn the_network_is_back_and_what_was_connected_before_is_stale() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[chunk(7, "a")])));
    chat.expect(Input::Online, &["cancel 2", "subscribe 3 with t0 from 7"]);
    chat.expect(Input::Online, &["cancel 3", "subscribe 4 with t0 from 7"]);
    chat.expect(connected(4), &[]);
    chat.expect(wanted(1), &["read 4"]);
    let orders = chat.tell(bytes(4, &batch(&[chunk(8, "b"), boundary(9, 0)])));
    assert_eq!(orders.last().unwrap(), "close 1");
}

#[test]
fn the_delays_start_over_when_the_network_is_back() {
    let mut chat = backing_off();
    chat.tell(Input::Online);
    chat.tell(network_failed(5));
    assert!(chat.wait().is_some_and(|wait| wait <= 100), "{:?}", chat.wait());
}

#[test]
fn nothing_is_tried_while_there_is_no_network() {
    let mut chat = backing_off();
    chat.expect(Input::Offline, &[]);
    assert_eq!(chat.wait(), None);
    chat.later(3_600_000);
    chat.expect(Input::Woken, &[]);
    chat.expect(Input::Online, &["subscribe 5 with t0 from the start"]);
}

#[test]
fn a_connection_that_fails_while_there_is_no_network_waits_for_it() {
    let mut chat = Harness::streaming();
    chat.expect(Input::Offline, &[]);
    chat.expect(
        bytes(2, &batch(&[chunk(7, "a")])),
        &["tell first-chunk a at 7 for m1 after 0 ms", r#"emit to 1: [{"type":"a"}]"#],
    );
    chat.expect(network_failed(2), &["cancel 2"]);
    assert_eq!(chat.wait(), None);
    chat.expect(Input::Online, &["subscribe 3 with t0 from 7"]);
}

#[test]
fn what_the_browser_says_of_the_network_is_forgotten_with_the_last_stream() {
    let mut chat = Harness::streaming();
    chat.tell(Input::Offline);
    chat.tell(bytes(2, &batch(&[boundary(1, 0)])));
    chat.tell(send(2));
    chat.tell(acknowledged(3, 1));
    chat.expect(network_failed(4), &["cancel 4"]);
    assert!(chat.wait().is_some(), "the attempts go on unless the browser says it again");
}

#[test]
fn a_page_that_was_hidden_for_30_s_connects_anew() {
    let mut chat = Harness::streaming();
    chat.expect(Input::Hidden, &[]);
    chat.later(20_000);
    chat.expect(Input::Hidden, &[]);
    chat.later(10_000);
    chat.expect(Input::Shown, &["cancel 2", "subscribe 3 with t0 from the start"]);
}

#[test]
fn a_page_that_was_hidden_for_less_only_cuts_a_pause_short() {
    let mut chat = Harness::streaming();
    chat.tell(Input::Hidden);
    chat.later(29_999);
    chat.expect(Input::Shown, &[]);
    chat.tell(network_failed(2));
    chat.tell(Input::Hidden);
    chat.expect(Input::Shown, &["subscribe 3 with t0 from the start"]);
    chat.expect(Input::Shown, &[]);
}

#[test]
fn a_look_at_the_page_does_not_shorten_a_pause_that_the_service_asked_for() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.tell_woken();
    chat.tell(refused_for(3, 429, 20_000));
    chat.expect(Input::Shown, &[]);
    assert_eq!(chat.wait(), Some(20_000));
    chat.expect(Input::Retry, &["subscribe 4 with t0 from the start"]);
}

#[test]
fn somebody_asks_for_the_next_try() {
    let mut chat = backing_off();
    chat.expect(Input::Retry, &["subscribe 5 with t0 from the start"]);
    chat.expect(Input::Retry, &["cancel 5", "subscribe 6 with t0 from the start"]);
    chat.tell(network_failed(6));
    chat.tell(Input::Offline);
    chat.expect(Input::Retry, &["subscribe 7 with t0 from the start"]);
    chat.tell(connected(7));
    chat.expect(Input::Retry, &[]);
}

#[test]
fn nobody_hears_of_the_page_where_nothing_is_lost() {
    let mut chat = Harness::idle();
    for input in [Input::Online, Input::Offline, Input::Hidden, Input::Shown, Input::Retry] {
        chat.expect(input, &[]);
    }
    chat.tell(send(1));
    chat.expect(Input::Retry, &[]);
}

#[test]
fn a_request_that_waits_for_a_token_is_not_hurried() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.tell_woken();
    chat.expect(refused(3, 401), &["cancel 3", "refresh token"]);
    for input in [Input::Online, Input::Shown, Input::Retry] {
        chat.expect(input, &[]);
    }
    chat.expect(
        token_ready("t1"),
        &["persist t1 streaming seq 0", "subscribe 4 with t1 from the start"],
    );
}

#[test]
fn a_connection_that_waits_for_its_message_is_made_anew_too() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(connected(2));
    chat.expect(Input::Online, &["cancel 2", "subscribe 3 with t0 from the start"]);
    chat.tell(connected(3));
    let orders = chat.tell(acknowledged(1, 0));
    assert!(orders.contains(&"open stream 1 for call 1".to_owned()), "{orders:?}");
    chat.expect(wanted(1), &["read 3"]);
}

#[test]
fn a_page_that_was_hidden_for_long_does_not_shorten_a_pause_that_the_service_asked_for() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.tell_woken();
    chat.tell(refused_for(3, 429, 90_000));
    chat.tell(Input::Hidden);
    chat.later(40_000);
    chat.expect(Input::Shown, &[]);
    assert_eq!(chat.wait(), Some(50_000));
}

#[test]
fn a_page_that_is_put_away_holds_no_connection_until_it_is_back() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[chunk(7, "a")])));
    chat.expect(Input::PutAway, &["cancel 2"]);
    assert_eq!(chat.wait(), None);
    chat.expect(wanted(1), &[]);
    chat.later(600_000);
    chat.expect(Input::Woken, &[]);
    chat.expect(Input::Online, &["subscribe 3 with t0 from 7"]);
}

#[test]
fn a_page_that_is_put_away_while_it_waits_for_a_token_goes_on_with_it() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.tell_woken();
    chat.expect(refused(3, 401), &["cancel 3", "refresh token"]);
    chat.expect(Input::PutAway, &[]);
    chat.expect(
        token_ready("t1"),
        &["persist t1 streaming seq 0", "subscribe 4 with t1 from the start"],
    );
}
