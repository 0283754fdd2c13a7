//! Another tab owns the chat, and tells how its session stands.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;
use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::*;
use crate::out::{batch, boundary, chunk};

/// What an owner tells: all but its token.
fn told(persisted: PersistedSession) -> Input<'static> {
    Input::Adopt(PersistedSession { public_access_token: String::new(), ..persisted })
}

fn ended(cursor: &str) -> PersistedSession {
    PersistedSession { last_event_id: Some(cursor.to_owned()), ..idle() }
}

#[test]
fn a_session_goes_on_from_where_the_owners_turn_ended() {
    let mut chat = Harness::idle();
    chat.expect(told(ended("9")), &["persist t0 idle from 9"]);
    let orders = chat.tell(send(1));
    assert_eq!(orders.last().unwrap(), "subscribe 2 with t0 from 9");
}

#[test]
fn the_owners_turn_is_resumed_whole_where_the_owner_has_died() {
    let mut chat = Harness::idle();
    chat.expect(told(running()), &["persist t0 streaming from 4 seq 3"]);
    chat.expect(reconnect(1), &["open stream 1 for call 1", "subscribe 1 with t0 from 4"]);
    chat.tell(connected(1));
    chat.tell(wanted(1));
    let orders = chat.tell(bytes(1, &batch(&[chunk(5, "a"), boundary(6, 3)])));
    assert_eq!(orders.last().unwrap(), "close 1");
}

#[test]
fn what_a_dead_owners_turn_still_writes_is_not_the_next_answer() {
    let mut chat = Harness::idle();
    chat.tell(told(running()));
    chat.tell(send(1));
    chat.tell(acknowledged(1, 4));
    chat.tell(connected(2));
    chat.tell(wanted(1));
    chat.expect_read_on(2, &batch(&[chunk(5, "theirs"), boundary(6, 3)]));
    let orders = chat.tell(bytes(2, &batch(&[chunk(7, "mine"), boundary(8, 4)])));
    assert!(orders.contains(&r#"emit to 1: [{"type":"mine"}]"#.to_owned()), "{orders:?}");
}

#[test]
fn a_turn_that_its_owner_has_finished_holds_nothing_back() {
    let mut chat = Harness::idle();
    chat.tell(told(running()));
    chat.tell(told(ended("6")));
    chat.tell(send(1));
    chat.tell(acknowledged(1, 4));
    chat.tell(connected(2));
    chat.tell(wanted(1));
    let orders = chat.tell(bytes(2, &batch(&[chunk(7, "mine")])));
    assert_eq!(orders.last().unwrap(), r#"emit to 1: [{"type":"mine"}]"#);
}

#[test]
fn whoever_reads_knows_better() {
    let mut chat = Harness::streaming();
    chat.expect(told(ended("99")), &[]);
    assert_eq!(chat.session(), "t0 streaming seq 0");
}

#[test]
fn a_session_that_comes_later_begins_where_the_owner_stands() {
    let mut chat = Harness::new();
    chat.expect(told(ended("9")), &[]);
    chat.tell(send(1));
    let orders = chat.tell(session_started("t0"));
    assert_eq!(orders.last().unwrap(), "subscribe 2 with t0 from 9");
}

#[test]
fn a_chat_that_was_closed_elsewhere_takes_no_message() {
    let mut chat = Harness::idle();
    chat.tell(told(PersistedSession { closed: true, ..idle() }));
    let orders = chat.tell(send(1));
    assert!(orders[0].starts_with("reject 1"), "{orders:?}");
}
