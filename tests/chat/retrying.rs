//! A stream whose connections fail: each resumes where the last one stopped, unseen by the consumer.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;

use crate::harness::*;
use crate::out::{BROKEN_BATCH, DONE, ERROR, PING, batch, boundary, chunk};

const EXHAUSTED: &str = "Chat stream ended before the turn completed (reconnect budget exhausted).";

/// Beyond a turn's first minute `[DONE]` is no excuse.
const PAST_GRACE_MS: u64 = 60_000;

fn after_two_chunks() -> Harness {
    let mut chat = Harness::streaming();
    chat.expect(
        bytes(2, &batch(&[chunk(0, "a"), chunk(1, "b")])),
        &["tell first-chunk a at 0 for m1 after 0 ms", r#"emit to 1: [{"type":"a"},{"type":"b"}]"#],
    );
    chat.expect(wanted(1), &["read 2"]);
    chat
}

/// The stream resumes behind record 1, hands on what is new, and ends.
#[track_caller]
fn expect_resumed(chat: &mut Harness) {
    assert!(chat.wait().is_some_and(|wait| (50..=100).contains(&wait)), "{:?}", chat.wait());
    chat.expect_woken(&["subscribe 3 with t0 from 1"]);
    chat.expect(connected(3), &["read 3"]);
    let orders = chat.tell(bytes(3, &batch(&[chunk(2, "c"), boundary(3, 0)])));
    assert_eq!(orders[0], r#"emit to 1: [{"type":"c"}]"#);
    assert_eq!(
        orders[2..],
        ["persist t0 idle from 3", "settle 1: 0 by 0 at 3", "cancel 3", "close 1"]
    );
}

#[test]
fn a_body_that_ends_is_resumed_from_the_cursor() {
    let mut chat = after_two_chunks();
    chat.expect(bytes(2, DONE), &["read 2"]);
    chat.expect(ended(2), &["cancel 2"]);
    expect_resumed(&mut chat);
}

#[test]
fn a_body_that_breaks_off_is_resumed_from_the_cursor() {
    let mut chat = after_two_chunks();
    chat.expect(network_failed(2), &["cancel 2"]);
    expect_resumed(&mut chat);
}

#[test]
fn a_body_with_an_error_event_is_resumed_from_the_cursor() {
    let mut chat = after_two_chunks();
    chat.expect(bytes(2, ERROR), &["cancel 2"]);
    expect_resumed(&mut chat);
}

#[test]
fn a_body_with_a_broken_batch_is_resumed_from_the_cursor() {
    let mut chat = after_two_chunks();
    chat.expect(bytes(2, BROKEN_BATCH), &["cancel 2"]);
    expect_resumed(&mut chat);
}

#[test]
fn half_an_event_of_the_old_body_does_not_spoil_the_new_one() {
    let mut chat = after_two_chunks();
    chat.expect(bytes(2, "event: batch\ndata: {\"records\":[{\"seq"), &["read 2"]);
    chat.expect(network_failed(2), &["cancel 2"]);
    expect_resumed(&mut chat);
}

#[test]
fn no_network_and_every_passing_refusal_are_retried_without_end() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    for attempt in 0..40 {
        let request = 2 + attempt;
        let fact = match attempt % 7 {
            0 => network_failed(request),
            1 => refused(request, 500),
            2 => refused(request, 429),
            3 => refused(request, 408),
            4 => refused(request, 425),
            5 => page_of_a_proxy(request),
            _ => refused(request, 503),
        };
        chat.expect(fact, &[&format!("cancel {request}")]);
        assert!(chat.wait().is_some_and(|wait| (50..=5_000).contains(&wait)), "{:?}", chat.wait());
        chat.expect_woken(&[&format!("subscribe {} with t0 from the start", request + 1)]);
    }
}

#[test]
fn delays_grow_and_start_over_after_a_record() {
    let mut chat = after_six_failures();
    assert!(chat.wait().is_some_and(|wait| wait >= 1_600), "{:?}", chat.wait());
    chat.tell_woken();
    chat.tell(connected(8));
    chat.tell(bytes(8, &batch(&[chunk(0, "a")])));
    chat.tell(network_failed(8));
    assert!(chat.wait().is_some_and(|wait| wait <= 100), "{:?}", chat.wait());
}

#[test]
fn a_ping_alone_does_not_shorten_the_delays_of_a_connection_that_never_lasts() {
    let mut chat = after_six_failures();
    chat.tell_woken();
    chat.tell(connected(8));
    chat.tell(bytes(8, PING));
    chat.tell(network_failed(8));
    assert!(chat.wait().is_some_and(|wait| wait >= 2_500), "{:?}", chat.wait());
}

#[test]
fn a_connection_that_lasted_shortens_the_delays() {
    let mut chat = after_six_failures();
    chat.tell_woken();
    chat.tell(connected(8));
    chat.later(5_000);
    chat.tell(network_failed(8));
    assert!(chat.wait().is_some_and(|wait| wait <= 100), "{:?}", chat.wait());
}

fn after_six_failures() -> Harness {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    for request in 3..8 {
        chat.tell_woken();
        chat.tell(network_failed(request));
    }
    chat
}

#[test]
fn an_answer_that_is_no_event_stream_is_retried() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    chat.expect(page_of_a_proxy(2), &["cancel 2"]);
    chat.expect_woken(&["subscribe 3 with t0 from the start"]);
}

#[test]
fn the_service_says_how_long_to_wait_at_least_and_not_for_ever() {
    for (asked, waited) in [(0, 50..=100), (20_000, 20_000..=20_000), (u64::MAX, 300_000..=300_000)]
    {
        let mut chat = Harness::idle();
        chat.tell(send(1));
        chat.tell(acknowledged(1, 0));
        chat.expect(refused_for(2, 429, asked), &["cancel 2"]);
        assert!(chat.wait().is_some_and(|wait| waited.contains(&wait)), "{:?}", chat.wait());
        chat.expect_woken(&["subscribe 3 with t0 from the start"]);
    }
}

#[test]
fn a_deadline_is_harmless_when_early_or_repeated() {
    let mut chat = Harness::streaming();
    chat.expect(Input::Woken, &[]);
    chat.tell(network_failed(2));
    chat.expect(Input::Woken, &[]);
    chat.expect_woken(&["subscribe 3 with t0 from the start"]);
    chat.expect(Input::Woken, &[]);
}

#[test]
fn a_deadline_that_is_told_late_is_met_once() {
    let mut chat = Harness::streaming();
    chat.tell(network_failed(2));
    chat.later(3_600_000);
    chat.expect(Input::Woken, &["subscribe 3 with t0 from the start"]);
    chat.expect(Input::Woken, &[]);
}

#[test]
fn a_refusal_that_will_not_pass_fails_the_stream() {
    for status in [400, 404, 409, 410, 422] {
        let mut chat = Harness::idle();
        chat.tell(send(1));
        chat.tell(acknowledged(1, 0));
        chat.expect(
            refused(2, status),
            &[
                "cancel 2",
                "persist t0 idle",
                &format!("tell stream-error api {status}"),
                &format!("fail 1: api {status}"),
            ],
        );
        assert_eq!(chat.wait(), None);
    }
}

/// Ends a body of the request at once, with no record and no ping; wakes the chat if it goes on.
fn barren(chat: &mut Harness, request: u32, text: &str) -> Vec<String> {
    chat.tell(connected(request));
    if !text.is_empty() {
        chat.tell(bytes(request, text));
    }
    let orders = chat.tell(ended(request));
    if chat.wait().is_some() {
        chat.tell_woken();
    }
    orders
}

#[test]
fn a_barren_body_is_followed_by_five_more_and_then_the_stream_fails() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    chat.tell(wanted(1));
    for request in 2..7 {
        assert_eq!(barren(&mut chat, request, ""), [format!("cancel {request}")]);
    }
    assert_eq!(
        barren(&mut chat, 7, ""),
        [
            "cancel 7".to_owned(),
            "persist t0 idle".to_owned(),
            format!("tell stream-error {EXHAUSTED}"),
            format!("fail 1: {EXHAUSTED}"),
        ]
    );
    assert_eq!(chat.wait(), None);
}

#[test]
fn a_stream_that_is_not_written_to_yet_has_a_minute() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    chat.tell(wanted(1));
    let mut request = 2;
    while chat.since_start() < PAST_GRACE_MS {
        assert_eq!(barren(&mut chat, request, DONE), [format!("cancel {request}")]);
        request += 1;
    }
    assert!(request > 12, "{request}");
    for _ in 0..5 {
        assert_eq!(barren(&mut chat, request, DONE), [format!("cancel {request}")]);
        request += 1;
    }
    let orders = barren(&mut chat, request, DONE);
    assert_eq!(orders.last().unwrap(), &format!("fail 1: {EXHAUSTED}"));
}

/// Uses the whole budget up; one more barren body would fail the stream.
fn spend(chat: &mut Harness) -> u32 {
    chat.tell(network_failed(2));
    chat.tell_woken();
    for request in 3..8 {
        assert_eq!(barren(chat, request, ""), [format!("cancel {request}")]);
    }
    8
}

#[test]
fn life_earns_the_budget_back_however_its_body_ends() {
    for life in [PING, &batch(&[chunk(0, "a")])] {
        for end in [ended, network_failed] {
            let mut chat = Harness::streaming();
            let request = spend(&mut chat);
            chat.tell(connected(request));
            chat.tell(bytes(request, life));
            chat.tell(end(request));
            chat.tell_woken();
            let next = request + 1;
            assert_eq!(barren(&mut chat, next, ""), [format!("cancel {next}")], "{life}");
        }
    }
}

#[test]
fn a_window_that_ran_its_time_earns_the_budget_back() {
    let mut chat = Harness::streaming();
    let request = spend(&mut chat);
    chat.tell(connected(request));
    chat.later(5_000);
    chat.expect(ended(request), &[&format!("cancel {request}")]);
    chat.tell_woken();
    for request in request + 1..request + 6 {
        assert_eq!(barren(&mut chat, request, ""), [format!("cancel {request}")]);
    }
}

#[test]
fn no_network_does_not_spend_the_budget() {
    let mut chat = Harness::streaming();
    let mut request = spend(&mut chat);
    for _ in 0..10 {
        chat.tell(network_failed(request));
        chat.tell_woken();
        request += 1;
    }
    assert_eq!(barren(&mut chat, request, "").len(), 4, "the budget was not earned back either");
}
