//! A chat's first message, given to the app's own route.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::{CallId, Input, RequestId, Send};
use trigger_chat_transport::chat::connection::ConnectionState;
use trigger_chat_transport::chat::event::SendSource;

use crate::describe::part;
use crate::harness::*;

const SENT: &str = "tell message-sent head-start m1 as -, 2 bytes, 0 ms";
const END: &str = "data: {\"type\":\"trigger:turn-complete\"}\n\n";
const STATE: &str = "data: {\"type\":\"trigger:session-state\",\"lastEventId\":\"12\"}\n\n";

/// A message whose app has a route; `H<n>` is the body for it.
fn first(call: u32) -> Input<'static> {
    let send = Send {
        source: SendSource::SubmitMessage,
        message_id: Some(format!("m{call}")),
        body: format!("B{call}"),
        part_id: part(call),
        head_start: Some(format!("H{call}")),
    };
    Input::Send { call: CallId(call), send }
}

fn answer(status: u16, token: Option<&str>) -> Input<'static> {
    Input::HeadStarted {
        request: RequestId(1),
        status,
        token: token.map(str::to_owned),
        pending_version: false,
    }
}

/// The route has answered call 1, and its body is read.
fn reading() -> Harness {
    let mut chat = Harness::new();
    chat.expect(first(1), &["head start 1: H1"]);
    chat.expect(
        answer(200, Some("t0")),
        &[
            SENT,
            "persist t0 streaming",
            "tell stream-connected from the start for m1",
            "open stream 1 for call 1",
        ],
    );
    chat.expect(wanted(1), &["read 1"]);
    chat
}

#[test]
fn the_route_answers_the_first_message_and_the_next_one_takes_the_usual_way() {
    let mut chat = reading();
    chat.expect(
        bytes(1, "data: {\"type\":\"start\"}\n\ndata: {\"type\":\"text-delta\"}\n\n"),
        &[
            "tell first-chunk start at - for m1 after 0 ms",
            r#"emit to 1: [{"type":"start"},{"type":"text-delta"}]"#,
        ],
    );
    chat.tell(wanted(1));
    chat.expect(
        bytes(1, END),
        &["tell turn-completed at - consumed - for m1 after 0 ms", "persist t0 idle", "read 1"],
    );
    chat.expect(bytes(1, STATE), &["persist t0 idle from 12", "read 1"]);
    chat.expect(ended(1), &["close 1"]);
    assert!(!chat.chat.is_active());
    chat.expect(first(2), &["append 2 with t0 as p2: B2", "subscribe 3 with t0 from 12"]);
}

#[test]
fn a_body_that_ends_without_a_boundary_ends_its_turn_well() {
    let mut chat = reading();
    chat.expect(ended(1), &["persist t0 idle", "close 1"]);
}

#[test]
fn a_body_that_breaks_off_fails_the_stream() {
    let mut chat = reading();
    chat.expect(
        network_failed(1),
        &[
            "cancel 1",
            "persist t0 idle",
            "tell stream-error thrown no network",
            "fail 1: thrown no network",
        ],
    );
    assert!(!chat.chat.is_active());
}

#[test]
fn what_is_no_json_is_dropped() {
    let mut chat = reading();
    chat.expect(bytes(1, "data: {\"type\":\ndata\n\ndata: [DONE]\n\n"), &["read 1"]);
}

#[test]
fn a_refusal_of_the_route_rejects_the_call() {
    let mut chat = Harness::new();
    chat.tell(first(1));
    chat.expect(
        answer(500, None),
        &[
            "cancel 1",
            "tell message-send-failed head-start m1 as -, 2 bytes, 0 ms: api 500",
            "reject 1: api 500",
        ],
    );
    assert!(chat.chat.session().is_none());
    chat.expect(first(2), &["head start 2: H2"]);
}

#[test]
fn an_answer_without_a_token_rejects_the_call() {
    let mut chat = Harness::new();
    chat.tell(first(1));
    let orders = chat.tell(answer(200, None));
    assert!(orders.last().unwrap().contains("X-Trigger-Chat-Access-Token"), "{orders:?}");
    assert!(!chat.chat.is_active());
}

#[test]
fn no_network_rejects_the_call() {
    let mut chat = Harness::new();
    chat.tell(first(1));
    let orders = chat.tell(network_failed(1));
    assert_eq!(orders.last().unwrap(), "reject 1: thrown no network");
    assert!(!chat.chat.is_active());
}

#[test]
fn an_abort_before_the_answer_rejects_the_call_and_cancels_the_request() {
    let mut chat = Harness::new();
    chat.tell(first(1));
    let orders = chat.tell(aborted(1, 9));
    assert_eq!(orders.first().unwrap(), "cancel 1");
    assert_eq!(orders.last().unwrap(), "reject 1: aborted");
    assert!(chat.chat.session().is_none());
}

#[test]
fn an_abort_of_the_open_stream_closes_it_and_ends_its_turn() {
    let mut chat = reading();
    chat.expect(aborted(1, 9), &["cancel 1", "close 1", "persist t0 idle"]);
}

#[test]
fn a_stream_that_is_let_go_leaves_its_turn_running() {
    let mut chat = reading();
    chat.expect(let_go(1), &["cancel 1", "close 1"]);
    assert_eq!(chat.session(), "t0 streaming");
    chat.expect(
        reconnect(2),
        &["open stream 2 for call 2", "subscribe 2 with t0 from the start, peeking"],
    );
}

#[test]
fn there_is_nothing_to_reconnect_to_while_the_route_answers() {
    let mut chat = reading();
    chat.expect(reconnect(2), &["resolve 2: nothing"]);
}

#[test]
fn a_second_message_waits_for_the_session_of_the_first() {
    let mut chat = Harness::new();
    chat.tell(first(1));
    chat.expect(first(2), &[]);
    chat.expect(start(3), &[]);
    let orders = chat.tell(answer(200, Some("t0")));
    assert_eq!(
        orders[4..],
        ["append 2 with t0 as p2: B2", "resolve 3: t0 streaming"],
        "the open stream goes on until the message has landed"
    );
    let orders = chat.tell(acknowledged(2, 1));
    assert!(orders.contains(&"close 1".to_owned()), "{orders:?}");
    assert!(orders.contains(&"cancel 1".to_owned()), "{orders:?}");
}

#[test]
fn a_second_message_is_given_to_the_route_when_the_first_has_failed() {
    let mut chat = Harness::new();
    chat.tell(first(1));
    chat.tell(first(2));
    let orders = chat.tell(answer(500, None));
    assert_eq!(orders[2..], ["reject 1: api 500", "head start 2: H2"]);
}

#[test]
fn a_chat_with_a_session_does_not_ask_the_route() {
    let mut chat = Harness::idle();
    let orders = chat.tell(first(1));
    assert_eq!(orders[0], "append 1 with t0 as p1: B1");
}

#[test]
fn a_stop_ends_the_stream_of_the_route() {
    let mut chat = reading();
    chat.tell(stop(2));
    let orders = chat.tell(acknowledged(2, 1));
    assert!(orders.contains(&"close 1".to_owned()), "{orders:?}");
    assert!(!chat.chat.is_active());
}

#[test]
fn a_run_that_waits_for_its_deployment_is_told() {
    let mut chat = Harness::new();
    chat.tell(first(1));
    let orders = chat.tell(Input::HeadStarted {
        request: RequestId(1),
        status: 200,
        token: Some("t0".to_owned()),
        pending_version: true,
    });
    assert!(orders.contains(&"tell run-pending-version HeadStart".to_owned()), "{orders:?}");
}

#[test]
fn a_disposed_transport_lets_the_route_go() {
    let mut chat = Harness::new();
    chat.tell(first(1));
    let orders = chat.tell(Input::Disposed);
    assert_eq!(orders.last().unwrap(), "reject 1: aborted");
    let mut chat = reading();
    chat.expect(Input::Disposed, &["cancel 1", "close 1"]);
    assert!(!chat.chat.is_active());
}

#[test]
fn the_connection_can_be_shown() {
    let mut chat = Harness::new();
    chat.tell(first(1));
    assert_eq!(chat.chat.connection(), ConnectionState::Connecting);
    let mut chat = reading();
    assert_eq!(chat.chat.connection(), ConnectionState::Waiting);
    chat.tell(bytes(1, "data: {\"type\":\"start\"}\n\n"));
    assert_eq!(chat.chat.connection(), ConnectionState::Live);
    chat.tell(ended(1));
    assert_eq!(chat.chat.connection(), ConnectionState::Idle);
}
