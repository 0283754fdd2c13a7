//! Reconnects: of a page that was loaded anew, and of one that let its stream go.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;
use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::*;
use crate::out::{DONE, SETTLED, batch, boundary, chunk};

fn restored(change: impl FnOnce(&mut PersistedSession)) -> Harness {
    let mut persisted = running();
    change(&mut persisted);
    Harness::restored(persisted)
}

#[test]
fn there_is_nothing_to_reconnect_to_without_a_session_or_a_running_turn() {
    Harness::new().expect(reconnect(1), &["resolve 1: nothing"]);
    restored(|it| it.is_streaming = Some(false)).expect(reconnect(1), &["resolve 1: nothing"]);
    restored(|it| it.closed = true).expect(reconnect(1), &["resolve 1: nothing"]);
}

#[test]
fn there_is_nothing_to_reconnect_to_while_a_stream_is_open() {
    Harness::streaming().expect(reconnect(2), &["resolve 2: nothing"]);
    let mut twice = Harness::restored(running());
    twice.expect(reconnect(1), &["open stream 1 for call 1", "subscribe 1 with t0 from 4"]);
    twice.expect(reconnect(2), &["resolve 2: nothing"]);
}

#[test]
fn a_reload_replays_its_turn_from_the_start_up_to_its_own_boundary() {
    let mut chat = Harness::restored(running());
    chat.expect(reconnect(1), &["open stream 1 for call 1", "subscribe 1 with t0 from 4"]);
    chat.expect(connected(1), &["tell stream-connected resumed from 4 for -"]);
    chat.expect(wanted(1), &["read 1"]);
    chat.expect_read_on(1, &batch(&[boundary(5, 2)]));
    chat.expect(
        bytes(1, &batch(&[chunk(6, "a"), boundary(7, 3)])),
        &[
            "tell first-chunk a at 6 for - after -",
            r#"emit to 1: [{"type":"a"}]"#,
            "tell turn-completed at 7 consumed 3 for - after -",
            "persist t0 idle from 7",
            "settle 1: 3 by 3 at 7",
            "cancel 1",
            "close 1",
        ],
    );
}

#[test]
fn a_page_that_let_its_stream_go_replays_the_turn_from_its_start() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[chunk(0, "a"), chunk(1, "b")])));
    chat.expect(cancelled(1), &["cancel 2"]);
    assert_eq!(chat.session(), "t0 streaming seq 0");
    chat.expect(reconnect(2), &["open stream 2 for call 2", "subscribe 3 with t0 from the start"]);
    chat.tell(connected(3));
    chat.expect(wanted(2), &["read 3"]);
    chat.expect(
        bytes(3, &batch(&[chunk(0, "a"), chunk(1, "b"), chunk(2, "c")])),
        &[
            "tell first-chunk a at 0 for m1 after 0 ms",
            r#"emit to 2: [{"type":"a"},{"type":"b"},{"type":"c"}]"#,
        ],
    );
}

#[test]
fn a_replay_that_is_cut_resumes_from_its_own_cursor() {
    let mut chat = Harness::restored(running());
    chat.tell(reconnect(1));
    chat.tell(connected(1));
    chat.tell(wanted(1));
    chat.tell(bytes(1, &batch(&[chunk(5, "a")])));
    chat.tell(network_failed(1));
    chat.expect_woken(&["subscribe 2 with t0 from 5"]);
}

#[test]
fn only_a_reconnect_that_knows_no_message_of_its_own_peeks() {
    let peeking = &["open stream 1 for call 1", "subscribe 1 with t0 from 4, peeking"];
    restored(|it| it.active_input_seq = None).expect(reconnect(1), peeking);
    let mut forgotten = restored(|it| {
        it.is_streaming = None;
        it.active_input_seq = None;
    });
    forgotten.expect(reconnect(1), peeking);
    let not = &["open stream 1 for call 1", "subscribe 1 with t0 from 4"];
    restored(|it| it.is_streaming = None).expect(reconnect(1), not);
}

#[test]
fn every_connection_of_a_peeking_stream_peeks() {
    let mut chat = restored(|it| it.active_input_seq = None);
    chat.tell(reconnect(1));
    chat.tell(network_failed(1));
    chat.expect_woken(&["subscribe 2 with t0 from 4, peeking"]);
}

#[test]
fn a_send_does_not_peek_even_where_the_server_gives_no_seq() {
    let mut chat = Harness::idle();
    let orders = chat.tell(send(1));
    assert_eq!(orders.last().unwrap(), "subscribe 2 with t0 from the start");
    chat.tell(answered(1, 200, r#"{"ok":true}"#));
    chat.tell(network_failed(2));
    chat.expect_woken(&["subscribe 3 with t0 from the start"]);
}

#[test]
fn a_settled_body_ends_the_stream_with_its_end() {
    let mut chat = restored(|it| it.active_input_seq = None);
    chat.tell(reconnect(1));
    chat.expect(settled(1), &["tell stream-connected resumed from 4 for -"]);
    chat.expect(wanted(1), &["read 1"]);
    chat.expect(bytes(1, DONE), &["read 1"]);
    chat.expect(ended(1), &["persist t0 idle from 4", "cancel 1", "close 1"]);
    assert_eq!(chat.wait(), None);
}

#[test]
fn a_body_that_says_itself_that_it_is_settled_ends_the_stream_as_well() {
    let mut chat = restored(|it| it.active_input_seq = None);
    chat.tell(reconnect(1));
    chat.tell(connected(1));
    chat.expect(wanted(1), &["read 1"]);
    chat.expect_read_on(1, SETTLED);
    chat.expect(bytes(1, DONE), &["read 1"]);
    chat.expect(ended(1), &["persist t0 idle from 4", "cancel 1", "close 1"]);
}

#[test]
fn a_settled_body_that_holds_the_boundary_ends_there() {
    let mut chat = restored(|it| it.active_input_seq = None);
    chat.tell(reconnect(1));
    chat.tell(settled(1));
    chat.tell(wanted(1));
    let orders = chat.tell(bytes(1, &batch(&[chunk(5, "a"), boundary(6, 3)])));
    assert_eq!(orders[1], r#"emit to 1: [{"type":"a"}]"#);
    assert_eq!(orders.last().unwrap(), "close 1");
    chat.expect(ended(1), &[]);
}

#[test]
fn a_settled_body_that_breaks_off_is_read_again() {
    let mut chat = restored(|it| it.active_input_seq = None);
    chat.tell(reconnect(1));
    chat.tell(settled(1));
    chat.expect(network_failed(1), &["cancel 1"]);
    chat.expect_woken(&["subscribe 2 with t0 from 4, peeking"]);
}

#[test]
fn a_state_that_does_not_say_whether_a_turn_runs_says_so_after_the_first_record() {
    let mut chat = restored(|it| {
        it.is_streaming = None;
        it.active_input_seq = None;
    });
    chat.tell(reconnect(1));
    chat.tell(connected(1));
    chat.tell(wanted(1));
    assert_eq!(chat.session(), "t0 unknown from 4");
    chat.tell(bytes(1, &batch(&[chunk(5, "a"), chunk(6, "b")])));
    assert_eq!(chat.session(), "t0 streaming from 4");
}

#[test]
fn a_state_that_the_app_sets_is_told_and_used() {
    let mut chat = Harness::new();
    chat.expect(Input::SetSession(running()), &["persist t0 streaming from 4 seq 3"]);
    chat.expect(reconnect(1), &["open stream 1 for call 1", "subscribe 1 with t0 from 4"]);
}

#[test]
fn a_state_that_the_app_sets_while_the_session_starts_keeps_its_cursor() {
    let mut chat = Harness::new();
    chat.expect(start(1), &["start session"]);
    chat.tell(Input::SetSession(running()));
    let orders = chat.tell(session_started("t1"));
    assert_eq!(orders[0], "persist t1 streaming from 4 seq 3");
}

#[test]
fn a_stopped_turn_stays_gated_after_a_reload() {
    // `activeInputSeq` without a running turn: its boundary was never read.
    let mut chat = restored(|it| it.is_streaming = Some(false));
    chat.tell(send(1));
    chat.tell(acknowledged(1, 5));
    chat.tell(connected(2));
    chat.tell(wanted(1));
    let orders = chat.tell(bytes(2, &batch(&[chunk(5, "late"), boundary(6, 3), chunk(7, "a")])));
    assert_eq!(orders.last().unwrap(), r#"emit to 1: [{"type":"a"}]"#);
}
