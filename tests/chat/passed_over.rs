//! What a boundary tells as consumed is a lower bound: one that was passed over as an earlier turn's
//! may have been my turn's. Then nothing more comes, and the service is asked, once.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::harness::*;
use crate::out::{DONE, PING, batch, boundary, chunk, control, trim};

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
