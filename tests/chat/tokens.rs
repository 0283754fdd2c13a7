//! Refused tokens: one fresh one for all who wait, and each request tries it once.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;

use crate::harness::*;
use crate::out::{batch, chunk};

#[test]
fn two_appends_and_a_subscription_share_one_fresh_token() {
    for status in [401, 403] {
        let mut chat = Harness::streaming();
        chat.tell(network_failed(2));
        chat.tell_woken();
        chat.tell(send(2));
        chat.tell(send(3));
        chat.expect(answered(4, status, ""), &["refresh token"]);
        chat.expect(refused(3, status), &["cancel 3"]);
        chat.expect(answered(5, status, ""), &[]);
        chat.expect(
            token_ready("t1"),
            &[
                "persist t1 streaming seq 0",
                "append 6 with t1 as p2: B2",
                "append 7 with t1 as p3: B3",
                "subscribe 8 with t1 from the start",
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
    chat.tell(send(3));
    chat.tell(answered(4, 401, ""));
    chat.tell(token_ready("t1"));
    chat.expect(answered(5, 401, ""), &["append 7 with t1 as p3: B3"]);
    chat.expect(refused(3, 401), &["cancel 3", "subscribe 8 with t1 from the start"]);
    chat.expect(
        answered(7, 401, ""),
        &[
            "tell message-send-failed submit-message m3 as p3, 2 bytes, 0 ms: api 401",
            "reject 3: api 401",
        ],
    );
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
