//! A message that is added to what the running turn was asked.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::*;
use crate::out::{batch, boundary, chunk};

#[test]
fn a_message_that_is_added_leaves_the_open_stream_and_the_state_alone() {
    let mut chat = Harness::streaming();
    chat.expect(steer(2), &["append 3 with t0 as p2: B2"]);
    chat.expect(
        acknowledged(3, 1),
        &["tell message-sent steer m2 as p2, 2 bytes, 0 ms", "resolve 2: delivered"],
    );
    assert_eq!(chat.session(), "t0 streaming seq 0");
    let orders = chat.tell(bytes(2, &batch(&[chunk(0, "a"), boundary(1, 1)])));
    assert!(orders[0].ends_with("for m1 after 0 ms"), "the answer is the first message's");
    assert_eq!(orders.last().unwrap(), "close 1");
}

#[test]
fn a_message_cannot_be_added_where_there_is_no_session_or_a_closed_one() {
    Harness::new().expect(steer(1), &["resolve 1: not delivered"]);
    let mut chat = Harness::restored(PersistedSession { closed: true, ..idle() });
    chat.expect(steer(1), &["resolve 1: not delivered"]);
}

#[test]
fn a_message_that_is_added_is_tried_again_and_told_of_when_it_is_refused() {
    let mut chat = Harness::streaming();
    chat.tell(steer(2));
    chat.expect(network_failed(3), &[]);
    chat.expect_woken(&["append 4 with t0 as p2: B2"]);
    let orders = chat.tell(answered(4, 413, ""));
    assert!(orders[0].starts_with("tell message-send-failed steer m2 as p2"), "{orders:?}");
    assert!(orders[1].starts_with("reject 2: api 413"), "{orders:?}");
    assert_eq!(orders.len(), 2);
}

#[test]
fn a_message_that_is_added_to_a_lost_session_does_not_create_it_anew() {
    let mut chat = Harness::streaming();
    chat.tell(steer(2));
    let orders = chat.tell(answered(3, 404, ""));
    assert!(orders[1].starts_with("reject 2: api 404"), "{orders:?}");
    assert_eq!(orders.len(), 2);
}

#[test]
fn a_message_is_added_after_the_one_that_is_on_its_way() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.expect(steer(2), &[]);
    let orders = chat.tell(acknowledged(1, 0));
    assert_eq!(orders.last().unwrap(), "append 3 with t0 as p2: B2");
}
