//! What an app can show of a chat's connection, at every step of its life.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;
use trigger_chat_transport::chat::connection::ConnectionState;

use crate::harness::*;
use crate::out::{DONE, PING, batch, boundary, chunk, control};

#[track_caller]
fn expect_attempt(chat: &Harness, expected: u32) {
    match chat.chat.connection() {
        ConnectionState::Reconnecting { attempt, .. } => assert_eq!(attempt, expected),
        state => panic!("{state:?}"),
    }
}

#[test]
fn a_turn_from_its_message_to_its_end() {
    let mut chat = Harness::idle();
    assert_eq!(chat.chat.connection(), ConnectionState::Idle);
    chat.tell(send(1));
    assert_eq!(chat.chat.connection(), ConnectionState::Connecting);
    chat.tell(acknowledged(1, 0));
    assert_eq!(chat.chat.connection(), ConnectionState::Connecting);
    chat.tell(connected(2));
    assert_eq!(chat.chat.connection(), ConnectionState::Waiting);
    chat.tell(wanted(1));
    chat.tell(bytes(2, &batch(&[chunk(0, "a")])));
    assert_eq!(chat.chat.connection(), ConnectionState::Live);
    chat.tell(wanted(1));
    chat.tell(bytes(2, PING));
    assert_eq!(chat.chat.connection(), ConnectionState::Waiting);
    chat.tell(bytes(2, &batch(&[boundary(1, 0)])));
    assert_eq!(chat.chat.connection(), ConnectionState::Idle);
}

#[test]
fn a_loss_is_told_with_its_next_try_until_there_is_life_again() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    expect_attempt(&chat, 1);
    let ConnectionState::Reconnecting { next_try, .. } = chat.chat.connection() else {
        unreachable!("just looked");
    };
    assert_eq!(next_try, chat.chat.deadline());
    chat.tell_woken();
    let under_way = ConnectionState::Reconnecting { attempt: 1, next_try: None };
    assert_eq!(chat.chat.connection(), under_way, "no next try while one is under way");
    chat.tell(network_failed(3));
    expect_attempt(&chat, 2);
    chat.tell_woken();
    chat.tell(connected(4));
    assert_eq!(chat.chat.connection(), ConnectionState::Waiting);
    chat.tell(bytes(4, PING));
    chat.tell(network_failed(4));
    expect_attempt(&chat, 1);
}

#[test]
fn a_window_that_is_over_is_no_loss() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, PING));
    chat.tell(bytes(2, DONE));
    chat.tell(ended(2));
    assert_eq!(chat.chat.connection(), ConnectionState::Waiting);
    chat.tell_woken();
    assert_eq!(chat.chat.connection(), ConnectionState::Waiting);
}

#[test]
fn without_a_network_a_lost_connection_is_offline_until_the_next_attempt() {
    let mut chat = Harness::streaming();
    chat.tell(Input::Offline);
    assert_eq!(
        chat.chat.connection(),
        ConnectionState::Waiting,
        "what is connected still may work"
    );
    chat.tell(network_failed(2));
    assert_eq!(chat.chat.connection(), ConnectionState::Offline);
    chat.tell(Input::Online);
    expect_attempt(&chat, 1);
}

#[test]
fn a_closed_chat_stays_closed() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[control(0, "session-closed", &[])])));
    assert_eq!(chat.chat.connection(), ConnectionState::Closed);
}

#[test]
fn a_connection_that_became_stale_is_made_again() {
    let anew = ConnectionState::Reconnecting { attempt: 1, next_try: None };
    let mut chat = Harness::streaming();
    chat.tell(Input::Online);
    assert_eq!(chat.chat.connection(), anew);
    chat.tell(connected(3));
    assert_eq!(chat.chat.connection(), ConnectionState::Waiting);
    chat.later(chat.wait().unwrap() + 30_000);
    chat.tell(Input::Woken);
    assert_eq!(chat.chat.connection(), anew);
}
