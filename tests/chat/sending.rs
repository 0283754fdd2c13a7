//! From the call to the acknowledged append: the session, the answers, what is persisted when.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;
use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::*;
use crate::out::{batch, boundary, chunk, control};

#[test]
fn two_sends_at_once_start_one_session_and_go_out_one_after_the_other() {
    let mut chat = Harness::new();
    chat.expect(send(1), &["start session"]);
    chat.expect(send(2), &[]);
    chat.expect(
        session_started("t0"),
        &["persist t0 idle", "append 1 with t0 as p1: B1", "subscribe 2 with t0 from the start"],
    );
    let orders = chat.tell(acknowledged(1, 0));
    assert_eq!(orders.last().unwrap(), "append 3 with t0 as p2: B2");
}

#[test]
fn a_start_gives_the_session_and_a_later_one_the_same() {
    let mut chat = Harness::new();
    chat.expect(start(1), &["start session"]);
    chat.expect(start(2), &[]);
    chat.expect(
        session_started("t0"),
        &["persist t0 idle", "resolve 1: t0 idle", "resolve 2: t0 idle"],
    );
    chat.expect(start(3), &["resolve 3: t0 idle"]);
}

#[test]
fn a_session_whose_run_waits_for_its_deployment_says_so() {
    let mut chat = Harness::new();
    chat.expect(start(1), &["start session"]);
    chat.expect(
        Input::SessionStarted { token: "t0".to_owned(), pending_version: true },
        &["tell run-pending-version Start", "persist t0 idle", "resolve 1: t0 idle"],
    );
}

#[test]
fn a_start_session_that_fails_rejects_all_who_wait_and_is_called_again_next_time() {
    let mut chat = Harness::new();
    chat.expect(send(1), &["start session"]);
    chat.expect(start(2), &[]);
    chat.expect(
        Input::StartFailed(thrown("offline")),
        &["reject 1: thrown offline", "reject 2: thrown offline"],
    );
    chat.expect(send(3), &["start session"]);
}

#[test]
fn without_start_session_a_send_needs_a_token_only() {
    let mut chat = Harness::without_start_session();
    chat.expect(send(1), &["refresh token"]);
    chat.expect(
        token_ready("t0"),
        &["persist t0 unknown", "append 1 with t0 as p1: B1", "subscribe 2 with t0 from the start"],
    );
}

#[test]
fn without_start_session_a_start_is_refused_with_the_cure() {
    let mut chat = Harness::without_start_session();
    let orders = chat.tell(start(1));
    assert_eq!(orders.len(), 1);
    assert!(orders[0].starts_with("reject 1: `startSession` is required"), "{}", orders[0]);
}

#[test]
fn a_turn_is_persisted_before_anything_of_its_stream_is_told() {
    let mut chat = Harness::idle();
    chat.expect(send(1), &["append 1 with t0 as p1: B1", "subscribe 2 with t0 from the start"]);
    chat.later(30);
    chat.expect(
        acknowledged(1, 0),
        &[
            "tell message-sent submit-message m1 as p1, 2 bytes, 30 ms",
            "persist t0 streaming seq 0",
            "open stream 1 for call 1",
        ],
    );
}

#[test]
fn the_events_of_a_turn_come_in_their_order_and_the_token_of_its_end_is_kept() {
    let mut chat = Harness::idle();
    let mut orders = chat.tell(send(1));
    orders.extend(chat.tell(acknowledged(1, 5)));
    chat.later(10);
    orders.extend(chat.tell(connected(2)));
    orders.extend(chat.tell(wanted(1)));
    chat.later(10);
    orders.extend(chat.tell(bytes(2, &batch(&[chunk(0, "a"), chunk(1, "b")]))));
    orders.extend(chat.tell(wanted(1)));
    let end = crate::out::control(
        2,
        "turn-complete",
        &[("public-access-token", "t1"), ("session-in-event-id", "5")],
    );
    chat.later(10);
    orders.extend(chat.tell(bytes(2, &batch(&[chunk(2, "c"), end.replace(":2,", ":3,")]))));
    assert_eq!(
        orders,
        [
            "append 1 with t0 as p1: B1",
            "subscribe 2 with t0 from the start",
            "tell message-sent submit-message m1 as p1, 2 bytes, 0 ms",
            "persist t0 streaming seq 5",
            "open stream 1 for call 1",
            "tell stream-connected from the start for m1",
            "read 2",
            "tell first-chunk a at 0 for m1 after 20 ms",
            r#"emit to 1: [{"type":"a"},{"type":"b"}]"#,
            "read 2",
            r#"emit to 1: [{"type":"c"}]"#,
            "tell turn-completed at 3 consumed 5 for m1 after 30 ms",
            "persist t1 idle from 3",
            "settle 1: 5 by 5 at 3",
            "cancel 2",
            "close 1",
        ]
    );
    chat.expect(send(2), &["append 3 with t1 as p2: B2", "subscribe 4 with t1 from 3"]);
}

#[test]
fn a_refused_append_rejects_with_the_status() {
    for status in [400, 410, 413, 422] {
        let mut chat = Harness::idle();
        chat.expect(send(1), &["append 1 with t0 as p1: B1", "subscribe 2 with t0 from the start"]);
        let failed = format!(
            "tell message-send-failed submit-message m1 as p1, 2 bytes, 0 ms: api {status}"
        );
        chat.expect(
            answered(1, status, "<html>"),
            &[&failed, "cancel 2", &format!("reject 1: api {status}")],
        );
    }
}

#[test]
fn a_pending_version_in_the_acknowledgement_is_told() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    let orders = chat.tell(answered(1, 200, r#"{"ok":true,"seq":0,"pendingVersion":true}"#));
    assert_eq!(orders[0], "tell run-pending-version Send");
}

#[test]
fn a_lost_session_is_created_anew_and_gets_the_same_message_from_the_start_of_its_stream() {
    let mut chat =
        Harness::restored(PersistedSession { last_event_id: Some("41".to_owned()), ..idle() });
    chat.expect(send(1), &["append 1 with t0 as p1: B1", "subscribe 2 with t0 from 41"]);
    chat.expect(answered(1, 404, ""), &["start session"]);
    chat.expect(
        session_started("t1"),
        &[
            "cancel 2",
            "persist t1 idle",
            "append 3 with t1 as p1: B1",
            "subscribe 4 with t1 from the start",
        ],
    );
    chat.expect(
        acknowledged(3, 0),
        &[
            "tell message-sent submit-message m1 as p1, 2 bytes, 0 ms",
            "persist t1 streaming seq 0",
            "open stream 1 for call 1",
        ],
    );
}

#[test]
fn a_session_is_created_anew_once_for_a_send() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(answered(1, 404, ""));
    chat.tell(session_started("t1"));
    chat.expect(
        answered(3, 404, ""),
        &[
            "tell message-send-failed submit-message m1 as p1, 2 bytes, 0 ms: api 404",
            "cancel 4",
            "reject 1: api 404",
        ],
    );
}

#[test]
fn a_lost_session_that_cannot_be_created_anew_rejects_with_the_cure() {
    let mut chat = Harness::idle();
    chat.chat.set_can_start_session(false);
    chat.tell(send(1));
    let orders = chat.tell(answered(1, 404, ""));
    assert!(orders[2].starts_with("reject 1: There is no such chat session"), "{}", orders[2]);
}

#[test]
fn a_start_session_that_fails_for_a_lost_session_rejects_the_send() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(answered(1, 404, ""));
    chat.expect(
        Input::StartFailed(thrown("offline")),
        &[
            "tell message-send-failed submit-message m1 as p1, 2 bytes, 0 ms: thrown offline",
            "cancel 2",
            "reject 1: thrown offline",
        ],
    );
}

#[test]
fn a_closed_session_refuses_once_and_every_later_send() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(send(2));
    let body = r#"{"ok":false,"error":"x","code":"session_closed","closedReason":"done"}"#;
    chat.expect(
        answered(1, 409, body),
        &[
            "tell session-closed by Append: done",
            "persist t0 idle closed done",
            "tell message-send-failed submit-message m1 as p1, 2 bytes, 0 ms: \
             api 409 session_closed done",
            "cancel 2",
            "reject 1: api 409 session_closed done",
            "tell message-send-failed submit-message m2 as p2, 2 bytes, 0 ms: \
             api 409 session_closed done",
            "reject 2: api 409 session_closed done",
        ],
    );
    chat.expect(send(3), &["reject 3: api 409 session_closed done"]);
    chat.expect(stop(4), &["resolve 4: not delivered"]);
    chat.expect(reconnect(5), &["resolve 5: nothing"]);
}

#[test]
fn a_409_without_the_code_closes_nothing() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.expect(
        answered(1, 409, r#"{"ok":false,"error":"session_closed"}"#),
        &[
            "tell message-send-failed submit-message m1 as p1, 2 bytes, 0 ms: api 409",
            "cancel 2",
            "reject 1: api 409",
        ],
    );
    chat.expect(send(2), &["append 3 with t0 as p2: B2", "subscribe 4 with t0 from the start"]);
}

#[test]
fn a_session_that_an_append_finds_closed_is_read_to_the_end_of_its_answer() {
    let mut chat = Harness::streaming();
    chat.tell(send(2));
    chat.tell(answered(3, 409, r#"{"ok":false,"code":"session_closed"}"#));
    chat.expect(
        bytes(2, &batch(&[chunk(0, "a"), boundary(1, 0)])),
        &[
            "tell first-chunk a at 0 for m1 after 0 ms",
            r#"emit to 1: [{"type":"a"}]"#,
            "tell turn-completed at 1 consumed 0 for m1 after 0 ms",
            "persist t0 idle from 1 closed -",
            "settle 1: 0 by 0 at 1",
            "cancel 2",
            "close 1",
        ],
    );
}

#[test]
fn a_new_turn_supersedes_the_open_stream() {
    let mut chat = Harness::streaming();
    chat.expect(send(2), &["append 3 with t0 as p2: B2"]);
    chat.expect(
        acknowledged(3, 1),
        &[
            "tell message-sent submit-message m2 as p2, 2 bytes, 0 ms",
            "cancel 2",
            "close 1",
            "persist t0 streaming seq 1",
            "open stream 2 for call 2",
            "subscribe 4 with t0 from the start",
        ],
    );
}

#[test]
fn a_send_that_fails_leaves_the_open_stream_alone() {
    let mut chat = Harness::streaming();
    chat.tell(send(2));
    chat.tell(answered(3, 413, ""));
    chat.expect(
        bytes(2, &batch(&[chunk(0, "a")])),
        &["tell first-chunk a at 0 for m1 after 0 ms", r#"emit to 1: [{"type":"a"}]"#],
    );
}

#[test]
fn an_acknowledgement_that_comes_after_its_own_turns_end_waits_for_nothing() {
    // The agent may take a message into the turn that runs already.
    let mut chat = Harness::streaming();
    chat.tell(send(2));
    chat.tell(bytes(2, &batch(&[chunk(0, "a"), boundary(1, 1)])));
    let orders = chat.tell(acknowledged(3, 1));
    assert_eq!(orders[1..], ["open stream 2 for call 2", "close 2"]);
    assert_eq!(chat.session(), "t0 idle from 1");
}

#[test]
fn a_message_that_is_acknowledged_after_the_sessions_end_was_read_opens_a_stream_that_is_over() {
    let mut chat = Harness::streaming();
    chat.tell(send(2));
    let closed = [("session-in-event-id", "0"), ("session-closed", "true")];
    let orders = chat.tell(bytes(2, &batch(&[control(0, "turn-complete", &closed)])));
    assert_eq!(orders.last().unwrap(), "close 1");
    chat.expect(
        acknowledged(3, 1),
        &[
            "tell message-sent submit-message m2 as p2, 2 bytes, 0 ms",
            "open stream 2 for call 2",
            "close 2",
        ],
    );
}

#[test]
fn a_message_that_is_acknowledged_after_a_refusal_has_closed_the_session_is_read_to_its_end() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(send(2));
    chat.tell(answered(3, 409, r#"{"ok":false,"error":"x","code":"session_closed"}"#));
    chat.tell(acknowledged(1, 0));
    chat.tell(connected(2));
    chat.tell(wanted(1));
    let rest = [chunk(0, "a"), control(1, "session-closed", &[])];
    let orders = chat.tell(bytes(2, &batch(&rest)));
    assert_eq!(orders.last().unwrap(), "close 1");
    assert_eq!(chat.session(), "t0 idle from 1 closed -");
}
