//! A message and the first request for its answer leave together: what is learnt before the message
//! is acknowledged.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;
use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::*;
use crate::out::{DONE, batch, boundary, chunk};

/// Call 1 has sent its message: append 1 and subscription 2 are on their way.
fn sending() -> Harness {
    let mut chat = Harness::idle();
    chat.expect(send(1), &["append 1 with t0 as p1: B1", "subscribe 2 with t0 from the start"]);
    chat
}

const SENT: &str = "tell message-sent submit-message m1 as p1, 2 bytes, 0 ms";

#[test]
fn a_message_and_the_first_request_for_its_answer_leave_together() {
    let mut chat =
        Harness::restored(PersistedSession { last_event_id: Some("4".to_owned()), ..idle() });
    chat.expect(send(1), &["append 1 with t0 as p1: B1", "subscribe 2 with t0 from 4"]);
    chat.expect(
        acknowledged(1, 0),
        &[SENT, "persist t0 streaming from 4 seq 0", "open stream 1 for call 1"],
    );
    chat.expect(connected(2), &["tell stream-connected from 4 for m1"]);
}

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
    chat.expect(refused(2, 410), &["cancel 2"]);
    chat.expect(
        acknowledged(1, 0),
        &[
            SENT,
            "persist t0 streaming seq 0",
            "open stream 1 for call 1",
            "persist t0 idle",
            "tell stream-error api 410",
            "fail 1: api 410",
        ],
    );
    assert!(!chat.chat.is_active());
}

#[test]
fn a_session_that_was_not_there_yet_is_read_once_it_has_taken_the_message() {
    // Another tab has created it in between.
    let mut chat = sending();
    chat.tell(refused(2, 404));
    let orders = chat.tell(acknowledged(1, 0));
    assert_eq!(orders.last().unwrap(), "subscribe 3 with t0 from the start");
    let orders = chat.tell(refused(3, 404));
    assert_eq!(orders.last().unwrap(), "fail 1: api 404");
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
fn a_connection_that_was_lost_before_the_acknowledgement_keeps_its_pause() {
    let mut chat = sending();
    chat.tell(network_failed(2));
    let wait = chat.wait();
    assert!(wait.is_some_and(|wait| (50..=100).contains(&wait)), "{wait:?}");
    chat.expect(
        acknowledged(1, 0),
        &[SENT, "persist t0 streaming seq 0", "open stream 1 for call 1"],
    );
    assert_eq!(chat.wait(), wait);
    chat.expect_woken(&["subscribe 3 with t0 from the start"]);
}

#[test]
fn a_lost_connection_of_a_message_that_does_not_land_leaves_no_deadline() {
    let mut chat = sending();
    chat.tell(network_failed(2));
    chat.tell(answered(1, 413, ""));
    assert_eq!(chat.wait(), None);
}

#[test]
fn a_subscription_that_is_refused_with_an_older_token_is_made_again_without_a_refresh() {
    let mut chat = sending();
    chat.expect(answered(1, 401, ""), &["refresh token"]);
    chat.expect(token_ready("t1"), &["persist t1 idle", "append 3 with t1 as p1: B1"]);
    chat.expect(refused(2, 401), &["cancel 2", "subscribe 4 with t1 from the start"]);
}

#[test]
fn a_message_and_its_subscription_share_one_fresh_token() {
    let share = |chat: &mut Harness| {
        chat.expect(
            token_ready("t1"),
            &[
                "persist t1 idle",
                "append 3 with t1 as p1: B1",
                "subscribe 4 with t1 from the start",
            ],
        );
    };
    let mut chat = sending();
    chat.expect(refused(2, 401), &["cancel 2", "refresh token"]);
    chat.expect(answered(1, 401, ""), &[]);
    share(&mut chat);
    let mut chat = sending();
    chat.expect(answered(1, 401, ""), &["refresh token"]);
    chat.expect(refused(2, 401), &["cancel 2"]);
    share(&mut chat);
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
    for lost in [answered(1, 400, ""), answered(1, 413, ""), answered(1, 409, closed)] {
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
    let mut chat =
        Harness::restored(PersistedSession { last_event_id: Some("41".to_owned()), ..idle() });
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
fn a_subscription_that_a_lost_session_refused_is_made_anew_with_it() {
    let mut chat = sending();
    chat.expect(refused(2, 404), &["cancel 2"]);
    chat.expect(answered(1, 404, ""), &["start session"]);
    chat.expect(
        session_started("t1"),
        &["persist t1 idle", "append 3 with t1 as p1: B1", "subscribe 4 with t1 from the start"],
    );
    chat.expect(connected(4), &[]);
    let orders = chat.tell(acknowledged(3, 0));
    assert_eq!(orders.last().unwrap(), "tell stream-connected from the start for m1");
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
fn the_minute_of_a_stream_that_is_not_written_to_yet_starts_with_the_acknowledgement() {
    let mut chat = sending();
    chat.tell(connected(2));
    chat.later(60_000);
    chat.tell(acknowledged(1, 0));
    chat.tell(wanted(1));
    for request in 2..9 {
        chat.tell(bytes(request, DONE));
        chat.expect(ended(request), &[&format!("cancel {request}")]);
        chat.tell_woken();
        chat.tell(connected(request + 1));
    }
}

#[test]
fn an_acknowledgement_of_a_turn_whose_end_was_read_cancels_the_subscription() {
    // A repeat: the service has known the message since an earlier attempt.
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[boundary(0, 7)])));
    chat.expect(send(2), &["append 3 with t0 as p2: B2", "subscribe 4 with t0 from 0"]);
    let orders = chat.tell(acknowledged(3, 7));
    assert_eq!(orders[1..], ["cancel 4", "open stream 3 for call 2", "close 3"]);
    assert!(!chat.chat.is_active());
}

#[test]
fn a_message_that_was_let_go_lands_before_the_next_one_leaves() {
    let mut chat = sending();
    chat.tell(let_go(1));
    chat.expect(send(2), &[]);
    chat.expect(
        acknowledged(1, 0),
        &[
            SENT,
            "persist t0 streaming seq 0",
            "append 3 with t0 as p2: B2",
            "subscribe 4 with t0 from the start",
        ],
    );
    chat.expect(
        acknowledged(3, 1),
        &[
            "tell message-sent submit-message m2 as p2, 2 bytes, 0 ms",
            "persist t0 streaming seq 1",
            "open stream 2 for call 2",
        ],
    );
}

#[test]
fn a_reconnect_while_the_message_is_on_its_way_finds_nothing() {
    // A turn runs and no stream is open: without the message, the reconnect would find it.
    let mut chat = Harness::restored(running());
    chat.expect(send(1), &["append 1 with t0 as p1: B1", "subscribe 2 with t0 from 4"]);
    chat.expect(reconnect(2), &["resolve 2: nothing"]);
    let orders = chat.tell(acknowledged(1, 5));
    assert_eq!(orders.last().unwrap(), "open stream 1 for call 1");
}

#[test]
fn a_session_that_is_created_anew_may_refuse_its_token_once() {
    let mut chat = sending();
    chat.tell(refused(2, 401));
    chat.tell(token_ready("t1"));
    chat.expect(answered(1, 404, ""), &["start session"]);
    let orders = chat.tell(session_started("t2"));
    assert_eq!(orders.last().unwrap(), "subscribe 5 with t2 from the start");
    let orders = chat.tell(refused(5, 401));
    assert_eq!(orders.last().unwrap(), "refresh token");
    chat.expect(answered(4, 401, ""), &[]);
    let orders = chat.tell(token_ready("t3"));
    let anew = ["append 6 with t3 as p1: B1", "subscribe 7 with t3 from the start"];
    assert_eq!(orders[1..], anew, "the append may be refused once as well");
}
