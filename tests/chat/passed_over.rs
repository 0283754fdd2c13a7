//! What a boundary tells as consumed is a lower bound: one that was passed over as an earlier turn's
//! may have been my turn's. Then nothing more comes, and the service is asked, once.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::harness::*;
use crate::out::{DONE, PING, SETTLED, batch, boundary, chunk, control, trim};

/// A stream for `.in` 1, by requests 3 (its message) and 4, that has passed over a boundary at 0.
fn passed_over() -> Harness {
    let mut chat = idle_before_input_1();
    chat.expect_read_on(2, &batch(&[boundary(7, 0), trim(8)]));
    chat
}

fn idle_before_input_1() -> Harness {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 1));
    chat.tell(connected(2));
    chat.tell(wanted(1));
    chat
}

/// A whole window in which nothing happens.
#[track_caller]
fn idle_window(chat: &mut Harness, request: u32) -> Vec<String> {
    chat.expect(bytes(request, PING), &[&format!("read {request}")]);
    end_window(chat, request)
}

#[track_caller]
fn end_window(chat: &mut Harness, request: u32) -> Vec<String> {
    chat.expect(bytes(request, DONE), &[&format!("read {request}")]);
    chat.expect(ended(request), &[&format!("cancel {request}")]);
    chat.tell_woken()
}

#[test]
fn a_whole_window_with_nothing_in_it_is_followed_by_one_question() {
    let mut chat = passed_over();
    assert_eq!(end_window(&mut chat, 2), ["subscribe 3 with t0 from 8"], "that was no whole one");
    chat.tell(connected(3));
    assert_eq!(idle_window(&mut chat, 3), ["subscribe 4 with t0 from 8, peeking"]);
    chat.tell(connected(4));
    assert_eq!(idle_window(&mut chat, 4), ["subscribe 5 with t0 from 8"], "once");
}

#[test]
fn settled_means_that_my_turn_was_the_one_that_was_passed_over() {
    let mut chat = asked();
    chat.tell(settled(4));
    chat.expect(bytes(4, DONE), &["read 4"]);
    chat.expect(ended(4), &["persist t0 idle from 8", "cancel 4", "close 1"]);
    assert_eq!(chat.wait(), None);
}

fn asked() -> Harness {
    let mut chat = passed_over();
    end_window(&mut chat, 2);
    chat.tell(connected(3));
    assert_eq!(idle_window(&mut chat, 3), ["subscribe 4 with t0 from 8, peeking"]);
    chat
}

#[test]
fn a_question_that_got_lost_is_asked_again() {
    let mut chat = asked();
    chat.tell(network_failed(4));
    chat.expect_woken(&["subscribe 5 with t0 from 8, peeking"]);
    chat.tell(settled(5));
    chat.tell(network_failed(5));
    chat.expect_woken(&["subscribe 6 with t0 from 8, peeking"]);
    chat.tell(connected(6));
    chat.tell(bytes(6, SETTLED));
    chat.tell(network_failed(6));
    chat.expect_woken(&["subscribe 7 with t0 from 8, peeking"]);
}

#[test]
fn a_settled_body_that_breaks_off_behind_a_chunk_is_not_the_end() {
    let mut chat = asked();
    chat.tell(settled(4));
    chat.tell(bytes(4, &batch(&[chunk(9, "a")])));
    chat.tell(wanted(1));
    chat.expect(ended(4), &["cancel 4"]);
    chat.expect_woken(&["subscribe 5 with t0 from 9"]);
}

#[test]
fn a_chunk_that_follows_shows_that_a_turn_runs() {
    let mut chat = passed_over();
    chat.tell(bytes(2, &batch(&[chunk(9, "a")])));
    chat.tell(wanted(1));
    assert_eq!(end_window(&mut chat, 2), ["subscribe 3 with t0 from 9"]);
    chat.tell(connected(3));
    assert_eq!(idle_window(&mut chat, 3), ["subscribe 4 with t0 from 9"]);
}

#[test]
fn no_question_where_no_boundary_was_passed_over() {
    let mut chat = idle_before_input_1();
    for request in 2..6 {
        let next = format!("subscribe {} with t0 from the start", request + 1);
        assert_eq!(idle_window(&mut chat, request), [next]);
        chat.tell(connected(request + 1));
    }
}

#[test]
fn a_boundary_before_the_agent_had_taken_my_message_is_not_mine_for_sure() {
    let mut chat = idle_before_input_1();
    let earlier = [("session-in-event-id", "0"), ("session-in-consumed-id", "0")];
    chat.expect_read_on(2, &batch(&[control(7, "turn-complete", &earlier)]));
    assert_eq!(end_window(&mut chat, 2), ["subscribe 3 with t0 from 7"]);
    for request in 3..6 {
        chat.tell(connected(request));
        let next = format!("subscribe {} with t0 from 7", request + 1);
        assert_eq!(idle_window(&mut chat, request), [next], "my agent may think for long");
    }
}

#[test]
fn a_boundary_held_back_behind_a_message_that_waits_may_be_mine() {
    let mut chat = idle_before_input_1();
    let held_back = [("session-in-event-id", "0"), ("session-in-consumed-id", "1")];
    chat.expect_read_on(2, &batch(&[control(7, "turn-complete", &held_back)]));
    end_window(&mut chat, 2);
    chat.tell(connected(3));
    assert_eq!(idle_window(&mut chat, 3), ["subscribe 4 with t0 from 7, peeking"]);
}

#[test]
fn an_answer_that_may_have_gone_with_a_stopped_turn_does_not_look_complete() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 5));
    chat.tell(stop(2));
    chat.tell(acknowledged(3, 6));
    chat.tell(send(3));
    chat.tell(acknowledged(4, 7));
    chat.tell(connected(5));
    chat.tell(wanted(2));
    chat.expect_read_on(5, &batch(&[chunk(0, "late"), boundary(1, 4)]));
    end_window(&mut chat, 5);
    chat.tell(connected(6));
    assert_eq!(idle_window(&mut chat, 6), ["subscribe 7 with t0 from 1, peeking"]);
    chat.tell(settled(7));
    let lost = "The previous turn's output was lost. Try again.";
    let orders = chat.tell(ended(7));
    assert_eq!(orders.last().unwrap(), &format!("fail 2: {lost}"));
}

#[test]
fn a_settled_body_that_breaks_off_behind_a_chunk_that_is_known_is_not_the_end() {
    let mut chat = asked();
    chat.tell(settled(4));
    chat.expect(bytes(4, &batch(&[chunk(6, "known")])), &["read 4"]);
    chat.expect(ended(4), &["cancel 4"]);
    chat.expect_woken(&["subscribe 5 with t0 from 8, peeking"]);
}

fn held_back(seq: u64, told: &str, taken: &str) -> String {
    let numbers = [("session-in-event-id", told), ("session-in-consumed-id", taken)];
    control(seq, "turn-complete", &numbers)
}

#[test]
fn a_replay_begins_before_a_boundary_that_may_be_my_own_until_a_chunk_follows() {
    let mut chat = idle_before_input_1();
    chat.expect_read_on(2, &batch(&[held_back(7, "0", "1")]));
    assert_eq!(chat.session(), "t0 streaming seq 1");
    chat.tell(bytes(2, &batch(&[chunk(8, "a")])));
    assert_eq!(chat.session(), "t0 streaming from 7 seq 1");
}

#[test]
fn a_newer_send_inherits_the_doubt_whether_the_boundary_was_its_own() {
    let mut chat = idle_before_input_1();
    chat.tell(send(2));
    chat.expect_read_on(2, &batch(&[held_back(7, "0", "2")]));
    chat.tell(acknowledged(3, 2));
    chat.tell(connected(4));
    chat.tell(wanted(2));
    assert_eq!(idle_window(&mut chat, 4), ["subscribe 5 with t0 from 7, peeking"]);
}

#[test]
fn a_send_that_was_acknowledged_late_doubts_whether_the_end_before_it_was_its_own() {
    let mut chat = idle_before_input_1();
    chat.tell(send(2));
    let orders = chat.tell(bytes(2, &batch(&[held_back(7, "1", "2")])));
    assert_eq!(orders.last().unwrap(), "close 1");
    chat.tell(acknowledged(3, 2));
    chat.tell(connected(4));
    chat.tell(wanted(2));
    assert_eq!(idle_window(&mut chat, 4), ["subscribe 5 with t0 from 7, peeking"]);
}

#[test]
fn a_newer_send_does_not_ask_before_a_whole_window_of_its_own() {
    let mut chat = asked();
    chat.tell(send(2));
    chat.tell(acknowledged(5, 2));
    chat.tell(network_failed(6));
    chat.expect_woken(&["subscribe 7 with t0 from 8"]);
    chat.tell(connected(7));
    chat.tell(wanted(2));
    assert_eq!(idle_window(&mut chat, 7), ["subscribe 8 with t0 from 8, peeking"]);
}

/// A stream for `.in` 7, by request 5, behind a stopped turn at `.in` 5.
fn behind_a_stopped_turn() -> Harness {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 5));
    chat.tell(stop(2));
    chat.tell(acknowledged(3, 6));
    chat.tell(send(3));
    chat.tell(acknowledged(4, 7));
    chat.tell(connected(5));
    chat.tell(wanted(2));
    chat
}

const LOST: &str = "fail 2: The previous turn's output was lost. Try again.";

#[test]
fn a_boundary_that_opens_the_gate_may_have_been_my_own() {
    let mut chat = behind_a_stopped_turn();
    chat.expect_read_on(5, &batch(&[chunk(0, "late"), boundary(1, 5)]));
    end_window(&mut chat, 5);
    chat.tell(connected(6));
    assert_eq!(idle_window(&mut chat, 6), ["subscribe 7 with t0 from 1, peeking"]);
    chat.tell(settled(7));
    assert_eq!(chat.tell(ended(7)).last().unwrap(), LOST);
}

#[test]
fn an_answer_that_may_have_been_held_back_does_not_look_complete_behind_another_turn() {
    let mut chat = behind_a_stopped_turn();
    let perhaps_mine = [chunk(0, "mine, perhaps"), held_back(1, "5", "7")];
    chat.expect_read_on(5, &batch(&perhaps_mine));
    let orders = chat.tell(bytes(5, &batch(&[chunk(2, "a"), boundary(3, 8)])));
    assert!(orders.contains(&r#"emit to 2: [{"type":"a"}]"#.to_owned()), "{orders:?}");
    assert_eq!(orders.last().unwrap(), LOST);
}

#[test]
fn a_replay_over_a_gate_that_may_have_held_back_my_answer_shows_nothing_of_the_stopped_turn() {
    let mut chat = behind_a_stopped_turn();
    let perhaps_mine = [chunk(0, "late"), held_back(1, "5", "7")];
    chat.expect_read_on(5, &batch(&perhaps_mine));
    chat.tell(cancelled(2));
    chat.expect(reconnect(4), &["open stream 3 for call 4", "subscribe 6 with t0 from the start"]);
    chat.tell(connected(6));
    chat.tell(wanted(3));
    chat.expect_read_on(6, &batch(&perhaps_mine));
}

#[test]
fn an_answer_that_may_have_been_held_back_does_not_look_complete_when_the_session_closes() {
    for end in [
        held_back(1, "4", "7"),
        control(1, "turn-complete", &[("session-in-event-id", "7"), ("session-closed", "true")]),
    ] {
        let mut chat = behind_a_stopped_turn();
        let closed = control(2, "session-closed", &[]);
        let orders = chat.tell(bytes(5, &batch(&[chunk(0, "mine, perhaps"), end, closed])));
        assert_eq!(orders.last().unwrap(), LOST);
    }
}

#[test]
fn what_a_stopped_turn_still_writes_is_held_back_also_once_a_send_has_found_the_session_closed() {
    let mut chat = behind_a_stopped_turn();
    chat.tell(send(4));
    chat.tell(answered(6, 409, r#"{"ok":false,"error":"closed","code":"session_closed"}"#));
    chat.expect_read_on(5, &batch(&[chunk(0, "late")]));
}
