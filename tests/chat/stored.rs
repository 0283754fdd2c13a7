//! What the app tells of the session beside its turns: a cursor that it has from elsewhere; and a session
//! that the service does not know any more.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;
use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::*;

fn seed(cursor: &str) -> Input<'static> {
    Input::SeedCursor(cursor.to_owned())
}

#[test]
fn a_session_without_a_cursor_goes_on_from_the_seeded_one() {
    let mut chat = Harness::idle();
    chat.expect(seed("12"), &["persist t0 idle from 12"]);
    let orders = chat.tell(send(1));
    assert_eq!(orders[1], "subscribe 2 with t0 from 12");
}

#[test]
fn a_session_with_a_cursor_keeps_it() {
    let mut chat = Harness::restored(running());
    chat.expect(seed("12"), &[]);
    assert_eq!(chat.session(), "t0 streaming from 4 seq 3");
}

#[test]
fn a_running_turn_without_a_cursor_is_replayed_from_the_seeded_one() {
    let stored = PersistedSession { last_event_id: None, ..running() };
    let mut chat = Harness::restored(stored);
    chat.expect(seed("12"), &["persist t0 streaming from 12 seq 3"]);
}

#[test]
fn a_cursor_is_kept_until_there_is_a_session() {
    let mut chat = Harness::new();
    chat.expect(seed("12"), &[]);
    chat.tell(start(1));
    chat.expect(session_started("t0"), &["persist t0 idle from 12", "resolve 1: t0 idle from 12"]);
    let mut chat = Harness::without_start_session();
    chat.tell(seed("12"));
    chat.tell(send(1));
    let orders = chat.tell(token_ready("t0"));
    assert_eq!(orders[0], "persist t0 unknown from 12");
    let mut chat = Harness::new();
    chat.tell(seed("12"));
    chat.expect(Input::SetSession(idle()), &["persist t0 idle from 12"]);
}

#[test]
fn a_cursor_that_comes_late_keeps_what_it_covers_from_being_handed_on_again() {
    let mut chat = Harness::streaming();
    chat.tell(seed("1"));
    let text = crate::out::batch(&[
        crate::out::chunk(0, "a"),
        crate::out::chunk(1, "b"),
        crate::out::chunk(2, "c"),
    ]);
    let orders = chat.tell(bytes(2, &text));
    assert_eq!(orders.last().unwrap(), r#"emit to 1: [{"type":"c"}]"#);
}

#[test]
fn a_session_that_is_gone_and_cannot_be_created_anew_is_forgotten() {
    let mut chat = Harness::restored(idle());
    chat.chat.set_can_start_session(false);
    chat.tell(send(1));
    chat.tell(send(2));
    let orders = chat.tell(answered(1, 404, ""));
    let rejected: Vec<_> = orders.iter().filter(|order| order.starts_with("reject")).collect();
    assert_eq!(rejected.len(), 2, "nobody is left waiting: {orders:?}");
    assert!(!orders.iter().any(|order| order.starts_with("append")), "{orders:?}");
    assert_eq!(orders.last().unwrap(), "forget");
    assert!(!chat.chat.is_active());
    assert!(chat.chat.session().is_none());
    chat.expect(send(3), &["refresh token"]);
}

#[test]
fn a_stream_of_a_session_that_is_gone_fails_and_the_session_is_forgotten() {
    let mut chat = Harness::restored(running());
    chat.chat.set_can_start_session(false);
    chat.tell(reconnect(1));
    let orders = chat.tell(refused(1, 404));
    assert_eq!(orders[orders.len() - 2..], ["fail 1: api 404", "forget"]);
    assert!(chat.chat.session().is_none());
}

#[test]
fn a_message_on_its_way_has_the_last_word_on_whether_a_session_is_gone() {
    let on_its_way = || {
        let mut chat = Harness::restored(running());
        chat.chat.set_can_start_session(false);
        chat.tell(reconnect(1));
        chat.tell(send(2));
        chat.tell(send(3));
        let orders = chat.tell(refused(1, 404));
        assert_eq!(orders.last().unwrap(), "fail 1: api 404", "{orders:?}");
        chat
    };
    let mut chat = on_its_way();
    let orders = chat.tell(answered(2, 404, ""));
    assert_eq!(orders.last().unwrap(), "forget");
    assert!(!chat.chat.is_active());
    let mut chat = on_its_way();
    let orders = chat.tell(acknowledged(2, 5));
    assert!(orders.contains(&"open stream 2 for call 2".to_owned()), "{orders:?}");
    assert!(orders.iter().any(|order| order.starts_with("append 4")), "{orders:?}");
}

#[test]
fn a_session_that_can_be_created_anew_is_not_forgotten() {
    let mut chat = Harness::restored(running());
    chat.tell(reconnect(1));
    let orders = chat.tell(refused(1, 404));
    assert_eq!(orders.last().unwrap(), "fail 1: api 404");
    assert_eq!(chat.session(), "t0 idle from 4");
}
