//! What a stream hands on, when it reads, and where it ends.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::harness::*;
use crate::out::{BROKEN_BATCH, DONE, ERROR, PING, batch, boundary, chunk, control, data, trim};

/// Call 1 streams the answer to `.in` 5.
fn streaming_from_in_5() -> Harness {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 5));
    chat.tell(connected(2));
    chat.expect(wanted(1), &["read 2"]);
    chat
}

#[test]
fn nothing_is_read_before_the_consumer_wants() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    chat.expect(connected(2), &["tell stream-connected from the start for m1"]);
    chat.expect(wanted(1), &["read 2"]);
    chat.expect(wanted(1), &[]);
}

#[test]
fn a_consumer_that_wants_before_the_connection_stands_is_remembered() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    chat.expect(wanted(1), &[]);
    chat.expect(connected(2), &["tell stream-connected from the start for m1", "read 2"]);
}

#[test]
fn after_chunks_the_next_read_waits_for_the_consumer() {
    let mut chat = Harness::streaming();
    chat.expect(
        bytes(2, &batch(&[chunk(0, "a")])),
        &["tell first-chunk a at 0 for m1 after 0 ms", r#"emit to 1: [{"type":"a"}]"#],
    );
    chat.expect(wanted(1), &["read 2"]);
}

#[test]
fn a_read_without_a_chunk_reads_on_by_itself() {
    let mut chat = Harness::streaming();
    for nothing in
        ["", ": comment\n\n", PING, &batch(&[]), &batch(&[trim(0)]), "event: batch\ndata: {"]
    {
        chat.expect(bytes(2, nothing), &["read 2"]);
    }
}

#[test]
fn all_chunks_of_one_read_are_handed_on_together_whatever_its_cuts() {
    let text = [batch(&[chunk(0, "a"), chunk(1, "b")]), batch(&[chunk(2, "c")])].concat();
    for at in 1..text.len() {
        let mut chat = Harness::streaming();
        let (before, after) = text.split_at(at);
        let mut emitted = String::new();
        for part in [before, after] {
            for order in chat.tell(bytes(2, part)) {
                if let Some(chunks) = order.strip_prefix("emit to 1: [") {
                    emitted.push_str(chunks.trim_end_matches(']'));
                }
            }
            chat.tell(wanted(1));
        }
        let kinds: String = emitted.chars().filter(|kind| "abc".contains(*kind)).collect();
        assert_eq!(kinds, "abc", "cut at {at}");
    }
}

#[test]
fn a_chunk_is_handed_on_as_it_was_written() {
    let mut chat = Harness::streaming();
    let odd = r#"{ "type" : "data-x", "n": 1.0e2, "__proto__": {}, "unknown": [null, "é日🎉"] }"#;
    let orders = chat.tell(bytes(2, &batch(&[data(0, odd), data(1, "7")])));
    assert_eq!(orders[1], format!("emit to 1: [{odd},7]"));
}

#[test]
fn what_follows_my_boundary_in_the_same_read_is_not_handed_on_and_does_not_move_the_cursor() {
    let mut chat = Harness::streaming();
    let text = [
        batch(&[chunk(0, "a"), boundary(1, 0), chunk(2, "next")]),
        batch(&[chunk(3, "next")]),
        DONE.to_owned(),
    ]
    .concat();
    chat.expect(
        bytes(2, &text),
        &[
            "tell first-chunk a at 0 for m1 after 0 ms",
            r#"emit to 1: [{"type":"a"}]"#,
            "tell turn-completed at 1 consumed 0 for m1 after 0 ms",
            "persist t0 idle from 1",
            "settle 1: 0 by 0 at 1",
            "cancel 2",
            "close 1",
        ],
    );
    let orders = chat.tell(send(2));
    assert_eq!(orders.last().unwrap(), "subscribe 4 with t0 from 1");
}

#[test]
fn a_boundary_below_my_message_is_an_earlier_turns_and_is_read_past() {
    let mut chat = streaming_from_in_5();
    chat.expect_read_on(2, &batch(&[boundary(3, 4)]));
    chat.expect(
        bytes(2, &batch(&[chunk(4, "a"), boundary(5, 6)])),
        &[
            "tell first-chunk a at 4 for m1 after 0 ms",
            r#"emit to 1: [{"type":"a"}]"#,
            "tell turn-completed at 5 consumed 6 for m1 after 0 ms",
            "persist t0 idle from 5",
            "settle 1: 5 by 6 at 5",
            "cancel 2",
            "close 1",
        ],
    );
}

#[test]
fn without_both_numbers_the_first_boundary_is_mine() {
    let mut by_older_agent = streaming_from_in_5();
    let orders = by_older_agent.tell(bytes(2, &batch(&[control(3, "turn-complete", &[])])));
    assert_eq!(orders.last().unwrap(), "close 1");

    let mut by_older_server = Harness::idle();
    by_older_server.tell(send(1));
    by_older_server.tell(answered(1, 200, r#"{"ok":true}"#));
    by_older_server.tell(connected(2));
    by_older_server.tell(wanted(1));
    let orders = by_older_server.tell(bytes(2, &batch(&[boundary(3, 0)])));
    assert_eq!(orders.last().unwrap(), "close 1");
}

#[test]
fn a_boundary_that_an_older_agent_writes_as_a_chunk_ends_the_turn_with_its_token() {
    let mut chat = Harness::streaming();
    let end = data(0, r#"{"type":"trigger:turn-complete","publicAccessToken":"t9"}"#);
    chat.expect(
        bytes(2, &batch(&[end])),
        &[
            "tell turn-completed at 0 consumed - for m1 after 0 ms",
            "persist t9 idle from 0",
            "cancel 2",
            "close 1",
        ],
    );
}

#[test]
fn records_at_and_behind_the_cursor_are_not_handed_on_again() {
    let mut chat = Harness::streaming();
    let orders = chat.tell(bytes(2, &batch(&[chunk(0, "a"), chunk(1, "b"), chunk(1, "b")])));
    assert_eq!(orders[1], r#"emit to 1: [{"type":"a"},{"type":"b"}]"#);
    chat.tell(wanted(1));
    chat.expect(bytes(2, &batch(&[chunk(0, "a"), chunk(1, "b")])), &["read 2"]);
    chat.expect(
        bytes(2, &batch(&[chunk(1, "b"), chunk(2, "c")])),
        &[r#"emit to 1: [{"type":"c"}]"#],
    );
}

#[test]
fn a_boundary_at_the_cursor_ends_nothing() {
    let mut chat = Harness::streaming();
    chat.tell(bytes(2, &batch(&[chunk(0, "a"), chunk(7, "b")])));
    chat.tell(wanted(1));
    chat.expect(bytes(2, &batch(&[boundary(7, 0)])), &["read 2"]);
}

#[test]
fn records_that_carry_no_chunk_move_the_cursor_and_hand_on_nothing() {
    let mut chat = Harness::streaming();
    let records = [
        trim(0),
        control(1, "upgrade-required", &[]),
        control(2, "of-a-later-version", &[]),
        r#"{"seq_num":3,"timestamp":1,"body":"{\"data\":nonsense"}"#.to_owned(),
        data(4, r#"{"type":"trigger:whatever"}"#),
    ];
    chat.expect(bytes(2, &batch(&records)), &["read 2"]);
    chat.expect(ended(2), &["cancel 2"]);
    chat.expect_woken(&["subscribe 3 with t0 from 4"]);
}

#[test]
fn a_run_that_waits_for_its_deployment_is_told() {
    let mut chat = Harness::streaming();
    let record = control(0, "pending-version", &[]);
    chat.expect(bytes(2, &batch(&[record])), &["tell run-pending-version Upgrade", "read 2"]);
}

#[test]
fn a_closing_record_hands_on_what_came_before_and_closes_the_chat() {
    let mut chat = Harness::streaming();
    let closed = control(1, "session-closed", &[("session-closed-reason", "done")]);
    chat.expect(
        bytes(2, &batch(&[chunk(0, "a"), closed])),
        &[
            "tell first-chunk a at 0 for m1 after 0 ms",
            r#"emit to 1: [{"type":"a"}]"#,
            "tell session-closed by Stream: done",
            "persist t0 idle from 1 closed done",
            "cancel 2",
            "close 1",
        ],
    );
    chat.expect(send(2), &["reject 2: api 409 session_closed done"]);
}

#[test]
fn a_boundary_that_closes_the_session_is_told_before_the_turns_end() {
    let mut chat = Harness::streaming();
    let siblings =
        [("session-in-event-id", "0"), ("session-closed", "true"), ("session-closed-reason", "x")];
    chat.expect(
        bytes(2, &batch(&[control(0, "turn-complete", &siblings)])),
        &[
            "tell session-closed by Stream: x",
            "persist t0 idle from 0 closed x",
            "tell turn-completed at 0 consumed 0 for m1 after 0 ms",
            "persist t0 idle from 0 closed x",
            "settle 1: 0 by 0 at 0",
            "cancel 2",
            "close 1",
        ],
    );
}

#[test]
fn an_earlier_turns_boundary_that_closes_the_session_closes_the_chat() {
    // My message came too late: no turn will answer it, and the stream must not wait for one.
    let mut chat = streaming_from_in_5();
    let siblings = [("session-in-event-id", "4"), ("session-closed", "true")];
    let orders = chat.tell(bytes(2, &batch(&[control(0, "turn-complete", &siblings)])));
    assert_eq!(orders[0], "tell session-closed by Stream: -");
    assert_eq!(orders[1], "persist t0 idle from 0 closed -");
    assert_eq!(orders.last().unwrap(), "close 1");
}

#[test]
fn one_event_beyond_the_bound_fails_the_stream() {
    let mut chat = Harness::streaming();
    let line = ["data: ", &"x".repeat(17 * 1024 * 1024)].concat();
    chat.expect(
        bytes(2, &line),
        &[
            "cancel 2",
            "persist t0 idle",
            "tell stream-error The chat stream sent one event of more than 16 MiB.",
            "fail 1: The chat stream sent one event of more than 16 MiB.",
        ],
    );
}

#[test]
fn what_follows_a_broken_batch_in_the_same_read_is_left_for_the_next_connection() {
    let mut chat = Harness::streaming();
    let text =
        [batch(&[chunk(0, "a")]), BROKEN_BATCH.to_owned(), batch(&[chunk(2, "c"), boundary(3, 0)])]
            .concat();
    chat.expect(
        bytes(2, &text),
        &["tell first-chunk a at 0 for m1 after 0 ms", r#"emit to 1: [{"type":"a"}]"#, "cancel 2"],
    );
    chat.expect_woken(&["subscribe 3 with t0 from 0"]);
}

#[test]
fn what_follows_an_error_event_in_the_same_read_is_left_for_the_next_connection() {
    let mut chat = Harness::streaming();
    let text = [&batch(&[chunk(0, "a")]), ERROR, &batch(&[chunk(2, "c")])].concat();
    chat.expect(
        bytes(2, &text),
        &["tell first-chunk a at 0 for m1 after 0 ms", r#"emit to 1: [{"type":"a"}]"#, "cancel 2"],
    );
    chat.expect_woken(&["subscribe 3 with t0 from 0"]);
}

// Older servers

#[test]
fn a_v1_stream_hands_on_bare_chunks_and_resumes_by_event_id() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(answered(1, 200, r#"{"ok":true}"#));
    chat.tell(head(2, 200, false, false));
    chat.tell(wanted(1));
    let text = "id: 1700000000000-0\ndata: {\"type\":\"a\"}\n\ndata: {\"type\":\"b\"}\n\n";
    chat.expect(
        bytes(2, text),
        &[
            "tell first-chunk a at 1700000000000-0 for m1 after 0 ms",
            r#"emit to 1: [{"type":"a"},{"type":"b"}]"#,
        ],
    );
    chat.tell(wanted(1));
    chat.expect(bytes(2, DONE), &["read 2"]);
    chat.tell(ended(2));
    chat.expect_woken(&["subscribe 3 with t0 from 1700000000000-0"]);
    chat.expect(head(3, 200, false, false), &["read 3"]);
    let end = "id: 1700000000000-1\ndata: {\"type\":\"trigger:turn-complete\"}\n\n";
    let orders = chat.tell(bytes(3, end));
    assert_eq!(orders[1..], ["persist t0 idle from 1700000000000-1", "cancel 3", "close 1"]);
}

#[test]
fn a_batch_tells_the_version_where_the_header_is_hidden() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(acknowledged(1, 0));
    chat.tell(head(2, 200, false, false));
    chat.tell(wanted(1));
    let text = [PING, &batch(&[chunk(0, "a")]), "data: {\"type\":\"of a v1 stream\"}\n\n"].concat();
    let orders = chat.tell(bytes(2, &text));
    assert_eq!(orders[1], r#"emit to 1: [{"type":"a"}]"#);
    chat.tell(wanted(1));
    chat.tell(ended(2));
    chat.expect_woken(&["subscribe 3 with t0 from 0"]);
}
