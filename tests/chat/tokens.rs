//! Refused tokens: one fresh one for all who wait, and each request tries it once.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;

use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::*;
use crate::out::{batch, chunk, control};

#[test]
fn an_append_and_a_subscription_share_one_fresh_token() {
    for status in [401, 403] {
        let mut chat = Harness::streaming();
        chat.tell(network_failed(2));
        chat.tell_woken();
        chat.tell(send(2));
        chat.expect(answered(4, status, ""), &["refresh token"]);
        chat.expect(refused(3, status), &["cancel 3"]);
        chat.expect(
            token_ready("t1"),
            &[
                "persist t1 streaming seq 0",
                "append 5 with t1 as p2: B2",
                "subscribe 6 with t1 from the start",
            ],
        );
    }
}

#[test]
fn a_request_with_an_older_token_is_sent_again_without_a_refresh() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.tell_woken();
    chat.tell(send(2));
    chat.tell(refused(3, 401));
    chat.tell(token_ready("t1"));
    chat.expect(answered(4, 401, ""), &["append 6 with t1 as p2: B2"]);
    chat.expect(
        answered(6, 401, ""),
        &[
            "tell message-send-failed submit-message m2 as p2, 2 bytes, 0 ms: api 401",
            "reject 2: api 401",
        ],
    );
}

#[test]
fn a_token_that_an_old_boundary_tells_is_not_taken_for_a_fresh_one() {
    // The stream has a fresh token, and then reads a boundary that tells one of long ago.
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.tell_woken();
    chat.tell(send(2));
    chat.tell(refused(3, 401));
    chat.tell(token_ready("t1"));
    chat.tell(connected(5));
    let end = [("public-access-token", "old"), ("session-in-event-id", "0")];
    chat.tell(bytes(5, &batch(&[control(0, "turn-complete", &end)])));
    chat.expect(answered(4, 401, ""), &["append 6 with old as p2: B2"]);
    chat.expect(answered(6, 401, ""), &["refresh token"]);
    chat.expect(token_ready("t2"), &["persist t2 idle from 0", "append 7 with t2 as p2: B2"]);
}

#[test]
fn a_second_refusal_of_an_append_is_final() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.expect(answered(1, 401, ""), &["refresh token"]);
    chat.expect(token_ready("t1"), &["persist t1 idle", "append 3 with t1 as p1: B1"]);
    chat.expect(
        answered(3, 401, ""),
        &[
            "tell message-send-failed submit-message m1 as p1, 2 bytes, 0 ms: api 401",
            "cancel 2",
            "reject 1: api 401",
        ],
    );
}

#[test]
fn a_second_refusal_of_a_subscription_is_final() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    chat.expect(refused(2, 401), &["cancel 2", "refresh token"]);
    chat.expect(
        token_ready("t1"),
        &["persist t1 streaming seq 0", "subscribe 3 with t1 from the start"],
    );
    let orders = chat.tell(refused(3, 403));
    assert_eq!(orders.first().unwrap(), "cancel 3");
    assert_eq!(
        orders[orders.len() - 3..],
        ["persist t1 idle", "tell stream-error api 403", "fail 1: api 403"]
    );
}

#[test]
fn a_token_that_was_taken_once_may_be_renewed_again_later() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    chat.tell(refused(2, 401));
    chat.tell(token_ready("t1"));
    chat.tell(connected(3));
    chat.tell(network_failed(3));
    chat.tell_woken();
    chat.expect(refused(4, 401), &["cancel 4", "refresh token"]);
}

#[test]
fn an_access_token_callback_that_fails_rejects_who_waits_and_fails_the_stream() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.tell_woken();
    chat.tell(send(2));
    chat.tell(answered(4, 401, ""));
    chat.tell(refused(3, 401));
    chat.later(5);
    let orders = chat.tell(Input::TokenFailed(thrown("signed out")));
    assert_eq!(
        orders[1..],
        [
            "reject 2: thrown signed out",
            "persist t0 idle",
            "tell stream-error thrown signed out",
            "fail 1: thrown signed out",
        ]
    );
    assert!(orders[0].ends_with(": thrown signed out"), "{}", orders[0]);
    chat.tell(send(3));
    chat.expect(answered(5, 401, ""), &["refresh token"]);
}

#[test]
fn a_callback_that_fails_leaves_those_alone_who_do_not_wait_for_it() {
    let mut chat = Harness::streaming();
    chat.tell(send(2));
    chat.tell(send(3));
    chat.tell(answered(3, 401, ""));
    chat.tell(Input::TokenFailed(thrown("signed out")));
    let orders = chat.tell(bytes(2, &batch(&[chunk(0, "a")])));
    assert_eq!(orders.last().unwrap(), r#"emit to 1: [{"type":"a"}]"#);
    assert_eq!(chat.tell(acknowledged(4, 2)).len(), 6);
}

// Tokens that say when they expire

/// Made at 500 s after the epoch, by the service's clock, for one hour.
const OF_ONE_HOUR: &str = "h.eyJpYXQiOjUwMCwiZXhwIjo0MTAwfQ.s";

/// Made then for one minute.
const OF_ONE_MINUTE: &str = "h.eyJpYXQiOjUwMCwiZXhwIjo1NjB9.s";

const SECOND: u64 = 1_000;

fn started_with(token: &str) -> Harness {
    let mut chat = Harness::new();
    chat.tell(start(1));
    chat.tell(session_started(token));
    chat
}

#[test]
fn a_token_that_is_about_to_expire_is_renewed_beside_the_request_that_notices() {
    let mut chat = started_with(OF_ONE_HOUR);
    chat.later(3_450 * SECOND - 1);
    let orders = chat.tell(send(2));
    assert_eq!(orders.len(), 2, "{orders:?}");
    chat.tell(answered(1, 413, ""));
    chat.later(1);
    let orders = chat.tell(send(3));
    assert_eq!(orders[0], "refresh token");
    assert_eq!(orders.len(), 3, "one refresh for both requests: {orders:?}");
    chat.expect(token_ready("t1"), &["persist t1 idle"]);
}

#[test]
fn a_refresh_in_time_that_fails_harms_nobody() {
    let mut chat = started_with(OF_ONE_HOUR);
    chat.later(3_450 * SECOND);
    chat.tell(send(2));
    chat.expect(Input::TokenFailed(thrown("offline")), &[]);
    let orders = chat.tell(acknowledged(1, 0));
    assert!(orders.contains(&"open stream 1 for call 2".to_owned()), "{orders:?}");
}

#[test]
fn a_stored_token_counts_by_its_own_word_for_the_end() {
    let stored = PersistedSession { public_access_token: OF_ONE_HOUR.to_owned(), ..idle() };
    let mut chat = Harness::restored(stored);
    // The chat was made 1 s after the epoch.
    chat.later(3_949 * SECOND - 1);
    chat.tell(send(1));
    chat.tell(answered(1, 413, ""));
    chat.later(1);
    assert_eq!(chat.tell(send(2))[0], "refresh token");
}

#[test]
fn a_token_that_lives_for_a_moment_is_renewed_when_it_is_refused() {
    let mut chat = started_with(OF_ONE_MINUTE);
    for call in 2..10 {
        chat.later(30 * SECOND);
        let orders = chat.tell(send(call));
        assert!(!orders.contains(&"refresh token".to_owned()), "{orders:?}");
        let append: u32 = orders[0].split(' ').nth(1).unwrap().parse().unwrap();
        chat.tell(answered(append, 413, ""));
    }
}

// Callbacks that hang

#[test]
fn a_start_session_that_hangs_fails_those_who_wait_and_the_next_call_asks_anew() {
    let mut chat = Harness::new();
    chat.expect(start(1), &["start session"]);
    chat.expect(send(2), &[]);
    let hangs = "`startSession` has not answered for a minute.";
    let orders = chat.pass(60 * SECOND);
    assert_eq!(orders, [format!("reject 1: {hangs}"), format!("reject 2: {hangs}")]);
    assert!(!chat.chat.is_active());
    chat.expect(start(3), &["start session"]);
    let orders = chat.tell(session_started("t0"));
    assert_eq!(orders.last().unwrap(), "resolve 3: t0 idle");
}

#[test]
fn an_access_token_that_hangs_fails_those_who_wait_and_the_next_call_asks_anew() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(connected(2));
    chat.expect(answered(1, 401, ""), &["refresh token"]);
    let orders = chat.pass(60 * SECOND);
    let hangs = "`accessToken` has not answered for a minute.";
    assert_eq!(orders.last().unwrap(), &format!("reject 1: {hangs}"));
    chat.tell(send(2));
    chat.expect(answered(3, 401, ""), &["refresh token"]);
}

#[test]
fn a_callback_that_nobody_waited_for_any_more_does_not_hold_up_the_next_call() {
    let mut chat = Harness::new();
    chat.tell(send(1));
    chat.expect(aborted(1, 9), &["reject 1: aborted"]);
    chat.later(60 * SECOND);
    chat.expect(start(2), &["start session"]);
}

#[test]
fn a_token_that_expires_while_the_service_is_away_is_renewed_again() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.tell_woken();
    chat.tell(refused(3, 401));
    chat.tell(token_ready("t1"));
    chat.tell(refused(4, 503));
    chat.tell_woken();
    chat.expect(refused(5, 401), &["cancel 5", "refresh token"]);
}

#[test]
fn a_token_that_expires_while_there_is_no_network_is_renewed_again() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(connected(2));
    chat.tell(answered(1, 401, ""));
    chat.tell(token_ready("t1"));
    chat.tell(network_failed(3));
    chat.expect_woken(&["append 4 with t1 as p1: B1"]);
    chat.expect(answered(4, 401, ""), &["refresh token"]);
}

#[test]
fn a_machine_that_slept_still_waits_for_its_callbacks() {
    let mut chat = Harness::new();
    chat.expect(send(1), &["start session"]);
    chat.later(120 * SECOND);
    chat.expect(Input::Woken, &[]);
    let orders = chat.tell(session_started("t0"));
    assert_eq!(orders[1], "append 1 with t0 as p1: B1");

    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(connected(2));
    chat.expect(answered(1, 401, ""), &["refresh token"]);
    chat.later(120 * SECOND);
    chat.expect(Input::Woken, &[]);
    let orders = chat.pass(60 * SECOND);
    assert_eq!(orders.last().unwrap(), "reject 1: `accessToken` has not answered for a minute.");
}

#[test]
fn a_fresh_token_does_not_stand_in_for_a_session_that_is_being_created_anew() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(refused(2, 401));
    chat.expect(answered(1, 404, ""), &["start session"]);
    let orders = chat.tell(token_ready("t1"));
    assert!(!orders.iter().any(|order| order.starts_with("append")), "{orders:?}");
    let orders = chat.tell(session_started("t2"));
    assert!(orders.iter().any(|order| order.ends_with("with t2 as p1: B1")), "{orders:?}");
}
