//! A chat that is only watched: one stream shows whatever turns there are.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::*;
use crate::out::{DONE, SETTLED, batch, boundary, chunk, control};

/// A chat whose last turn is over, watched through request 1.
fn watching() -> Harness {
    watching_of(idle())
}

fn watching_of(stored: PersistedSession) -> Harness {
    let mut chat = Harness::restored(stored);
    chat.chat.set_watches(true);
    let orders = chat.tell(reconnect(1));
    assert_eq!(orders[0], "open stream 1 for call 1");
    assert!(!orders[1].contains("peeking"), "{orders:?}");
    chat.tell(connected(1));
    chat.tell(wanted(1));
    chat
}

#[test]
fn each_turn_is_shown_and_the_stream_stays_open_between_them() {
    let mut chat = watching();
    chat.expect(
        bytes(1, &batch(&[chunk(0, "a"), boundary(1, 0)])),
        &[
            "persist t0 streaming",
            "tell first-chunk a at 0 for - after -",
            r#"emit to 1: [{"type":"a"}]"#,
            "tell turn-completed at 1 consumed 0 for - after -",
            "persist t0 idle from 1",
        ],
    );
    chat.tell(wanted(1));
    chat.expect(
        bytes(1, &batch(&[chunk(2, "b"), boundary(3, 1)])),
        &[
            "persist t0 streaming from 1",
            "tell first-chunk b at 2 for - after -",
            r#"emit to 1: [{"type":"b"}]"#,
            "tell turn-completed at 3 consumed 1 for - after -",
            "persist t0 idle from 3",
        ],
    );
    assert!(chat.chat.is_active());
}

#[test]
fn a_reload_in_the_middle_of_a_turn_shows_it_from_its_start() {
    let mut chat = watching();
    chat.tell(bytes(1, &batch(&[chunk(0, "a"), boundary(1, 0)])));
    chat.tell(wanted(1));
    chat.tell(bytes(1, &batch(&[chunk(2, "b")])));
    assert_eq!(chat.session(), "t0 streaming from 1");
}

#[test]
fn it_never_gives_up() {
    let mut chat = watching();
    for request in 1..30 {
        chat.tell(ended(request));
        let orders = chat.tell_woken();
        assert_eq!(orders, [format!("subscribe {} with t0 from the start", request + 1)]);
        chat.tell(connected(request + 1));
    }
}

#[test]
fn a_settled_answer_that_was_not_asked_for_ends_nothing() {
    let mut chat = watching();
    chat.tell(network_failed(1));
    chat.tell_woken();
    chat.tell(settled(2));
    chat.tell(bytes(2, SETTLED));
    chat.tell(bytes(2, DONE));
    chat.tell(ended(2));
    assert!(chat.chat.is_active());
}

#[test]
fn turns_are_shown_that_this_tab_has_stopped_or_not_sent() {
    // A stopped turn of this very chat, by its stored state.
    let mut chat = watching_of(PersistedSession { active_input_seq: Some(3), ..idle() });
    let orders = chat.tell(bytes(1, &batch(&[chunk(0, "a"), boundary(1, 2)])));
    assert!(orders.contains(&r#"emit to 1: [{"type":"a"}]"#.to_owned()), "{orders:?}");
    assert!(orders.iter().any(|order| order.starts_with("tell turn-completed")), "{orders:?}");
}

#[test]
fn a_closed_conversation_ends_the_stream() {
    let mut chat = watching();
    let orders = chat.tell(bytes(1, &batch(&[control(0, "session-closed", &[])])));
    assert_eq!(orders.last().unwrap(), "close 1");
    let mut chat = watching();
    let end = [("session-in-event-id", "0"), ("session-closed", "true")];
    let orders = chat.tell(bytes(1, &batch(&[control(0, "turn-complete", &end)])));
    assert_eq!(orders.last().unwrap(), "close 1");
}

#[test]
fn a_message_of_its_own_opens_a_stream_that_stays_open() {
    let mut chat = Harness::idle();
    chat.chat.set_watches(true);
    chat.tell(send(1));
    chat.tell(acknowledged(1, 5));
    chat.tell(connected(2));
    chat.tell(wanted(1));
    let orders = chat.tell(bytes(2, &batch(&[chunk(0, "a"), boundary(1, 5)])));
    assert_eq!(orders.last().unwrap(), "settle 1: 5 by 5 at 1");
    chat.tell(wanted(1));
    let orders = chat.tell(bytes(2, &batch(&[chunk(2, "b"), boundary(3, 6)])));
    assert_eq!(orders.last().unwrap(), "persist t0 idle from 3", "it is settled once");
}
