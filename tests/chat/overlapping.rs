//! A message and the first request for its answer leave together: what is learnt before the message
//! is acknowledged.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;

use crate::harness::*;
use crate::out::{batch, boundary, chunk};

/// Call 1 has sent its message: append 1 and subscription 2 are on their way.
fn sending() -> Harness {
    let mut chat = Harness::idle();
    chat.expect(send(1), &["append 1 with t0 as p1: B1", "subscribe 2 with t0 from the start"]);
    chat
}

const SENT: &str = "tell message-sent submit-message m1 as p1, 2 bytes, 0 ms";

#[test]
fn an_answer_that_is_there_first_is_told_and_read_once_the_message_is_acknowledged() {
    let mut chat = sending();
    chat.expect(connected(2), &[]);
    chat.expect(
        acknowledged(1, 0),
        &[
            SENT,
            "persist t0 streaming seq 0",
            "open stream 1 for call 1",
            "tell stream-connected from the start for m1",
        ],
    );
    chat.expect(wanted(1), &["read 2"]);
}

#[test]
fn a_refusal_that_is_there_first_fails_the_stream_of_a_message_that_has_landed() {
    let mut chat = sending();
    chat.expect(refused(2, 404), &["cancel 2"]);
    chat.expect(
        acknowledged(1, 0),
        &[
            SENT,
            "persist t0 streaming seq 0",
            "open stream 1 for call 1",
            "persist t0 idle",
            "tell stream-error api 404",
            "fail 1: api 404",
        ],
    );
    assert!(!chat.chat.is_active());
}

#[test]
fn a_refusal_says_nothing_of_a_message_that_is_refused() {
    let mut chat = sending();
    chat.tell(refused(2, 410));
    let orders = chat.tell(answered(1, 413, ""));
    assert_eq!(orders.last().unwrap(), "reject 1: api 413");
    assert!(!orders.iter().any(|order| order.contains("stream")), "{orders:?}");
    assert!(!chat.chat.is_active());
}

#[test]
fn a_connection_that_is_lost_is_made_again_while_the_message_is_on_its_way() {
    for lost in [refused(2, 503), network_failed(2)] {
        let mut chat = sending();
        chat.expect(lost, &["cancel 2"]);
        chat.expect_woken(&["subscribe 3 with t0 from the start"]);
        chat.expect(connected(3), &[]);
        let orders = chat.tell(acknowledged(1, 0));
        assert_eq!(orders.last().unwrap(), "tell stream-connected from the start for m1");
    }
}

#[test]
fn a_message_and_its_subscription_share_one_fresh_token() {
    let mut chat = sending();
    chat.expect(refused(2, 401), &["cancel 2", "refresh token"]);
    chat.expect(answered(1, 401, ""), &[]);
    chat.expect(
        token_ready("t1"),
        &["persist t1 idle", "append 3 with t1 as p1: B1", "subscribe 4 with t1 from the start"],
    );
}

#[test]
fn a_token_that_cannot_be_renewed_fails_the_stream_once_the_message_has_landed() {
    let mut chat = sending();
    chat.tell(refused(2, 401));
    chat.expect(Input::TokenFailed(thrown("offline")), &[]);
    let orders = chat.tell(acknowledged(1, 0));
    assert_eq!(orders.last().unwrap(), "fail 1: thrown offline");
}

#[test]
fn a_refused_subscription_is_made_again_with_the_token_that_the_message_gets() {
    let mut chat = sending();
    chat.tell(refused(2, 401));
    chat.tell(Input::TokenFailed(thrown("offline")));
    chat.expect(answered(1, 401, ""), &["refresh token"]);
    let orders = chat.tell(token_ready("t1"));
    assert_eq!(orders.last().unwrap(), "subscribe 4 with t1 from the start");
}

#[test]
fn a_message_that_does_not_land_cancels_its_subscription_and_tells_no_stream_error() {
    let closed = r#"{"ok":false,"error":"x","code":"session_closed"}"#;
    for lost in [network_failed(1), answered(1, 413, ""), answered(1, 409, closed)] {
        let mut chat = sending();
        chat.tell(connected(2));
        let orders = chat.tell(lost);
        assert!(orders.contains(&"cancel 2".to_owned()), "{orders:?}");
        assert!(!orders.iter().any(|order| order.contains("stream-error")), "{orders:?}");
        assert!(!chat.chat.is_active());
    }
}

#[test]
fn a_session_that_is_created_anew_is_read_anew_from_its_start() {
    let mut chat = Harness::restored(trigger_chat_transport::chat::session::PersistedSession {
        last_event_id: Some("41".to_owned()),
        ..idle()
    });
    chat.expect(send(1), &["append 1 with t0 as p1: B1", "subscribe 2 with t0 from 41"]);
    chat.tell(answered(1, 404, ""));
    chat.expect(connected(2), &[]);
    chat.expect(
        session_started("t1"),
        &[
            "cancel 2",
            "persist t1 idle",
            "append 3 with t1 as p1: B1",
            "subscribe 4 with t1 from the start",
        ],
    );
}

#[test]
fn an_abort_before_the_acknowledgement_cancels_the_subscription() {
    for abort in [aborted(1, 9), let_go(1), Input::Disposed] {
        let mut chat = sending();
        chat.tell(connected(2));
        let orders = chat.tell(abort);
        assert!(orders.contains(&"cancel 2".to_owned()), "{orders:?}");
        assert!(orders.contains(&"reject 1: aborted".to_owned()), "{orders:?}");
        chat.expect(bytes(2, &batch(&[chunk(0, "a")])), &[]);
    }
}

#[test]
fn a_later_message_that_lands_first_takes_the_place_of_the_one_that_is_on_its_way() {
    let mut chat = sending();
    chat.expect(send(2), &["append 3 with t0 as p2: B2"]);
    chat.expect(
        acknowledged(3, 1),
        &[
            "tell message-sent submit-message m2 as p2, 2 bytes, 0 ms",
            "cancel 2",
            "persist t0 streaming seq 1",
            "open stream 2 for call 2",
            "subscribe 4 with t0 from the start",
        ],
    );
}

#[test]
fn an_open_stream_goes_on_while_the_next_message_is_on_its_way() {
    let mut chat = Harness::streaming();
    chat.expect(send(2), &["append 3 with t0 as p2: B2"]);
    let orders = chat.tell(bytes(2, &batch(&[chunk(0, "a")])));
    assert_eq!(orders.last().unwrap(), r#"emit to 1: [{"type":"a"}]"#);
    chat.tell(answered(3, 413, ""));
    let orders = chat.tell(wanted(1));
    assert_eq!(orders, ["read 2"]);
    let orders = chat.tell(bytes(2, &batch(&[boundary(1, 0)])));
    assert_eq!(orders.last().unwrap(), "close 1");
}

#[test]
fn a_reconnect_while_the_message_is_on_its_way_finds_nothing() {
    let mut chat = sending();
    chat.expect(reconnect(2), &["resolve 2: nothing"]);
}
