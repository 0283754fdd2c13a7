//! A record of `.in` that is sent as it is, and begins no turn of this client's.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;
use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::*;

#[test]
fn a_record_leaves_the_open_stream_and_the_state_alone() {
    let mut chat = Harness::streaming();
    chat.expect(record(2), &["append 3 with t0 as p2: B2"]);
    chat.expect(
        acknowledged(3, 1),
        &["tell message-sent steer m2 as p2, 2 bytes, 0 ms", "resolve 2: delivered"],
    );
    assert_eq!(chat.session(), "t0 streaming seq 0");
}

#[test]
fn a_record_waits_for_the_session() {
    let mut chat = Harness::new();
    chat.expect(record(1), &["start session"]);
    let orders = chat.tell(session_started("t0"));
    assert_eq!(orders.last().unwrap(), "append 1 with t0 as p1: B1");
}

#[test]
fn a_record_is_tried_again_and_fails_with_what_refused_it() {
    let mut chat = Harness::streaming();
    chat.tell(record(2));
    chat.expect(network_failed(3), &[]);
    chat.expect_woken(&["append 4 with t0 as p2: B2"]);
    let orders = chat.tell(answered(4, 413, ""));
    assert!(orders[0].starts_with("tell message-send-failed steer m2 as p2"), "{orders:?}");
    assert!(orders[1].starts_with("reject 2: "), "{orders:?}");
    assert_eq!(orders.len(), 2);
}

#[test]
fn a_record_fails_in_a_closed_chat() {
    let mut chat = Harness::restored(PersistedSession { closed: true, ..idle() });
    let orders = chat.tell(record(1));
    assert!(orders[0].starts_with("reject 1: "), "{orders:?}");
    assert_eq!(orders.len(), 1);
}

#[test]
fn a_record_that_is_on_its_way_arrives_though_nobody_waits_for_it_any_more() {
    let mut chat = Harness::idle();
    chat.tell(record(1));
    chat.expect(Input::Disposed, &["reject 1: aborted"]);
    let orders = chat.tell(acknowledged(1, 0));
    assert_eq!(orders, ["tell message-sent steer m1 as p1, 2 bytes, 0 ms"]);
}
