//! A fast answer is taken a frame at a time, and none of it later than that.

use std::collections::VecDeque;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;
use trigger_chat_transport::chat::action::Input;

use crate::harness::*;
use crate::out::{batch, chunk};

/// A frame of a display that shows 60 in a second, in milliseconds.
const FRAME_MS: u64 = 16;

/// Reads an answer whose consumer always has room.
struct Reader {
    chat: Harness,
    last_seq: u64,
    /// When the next read begins.
    rested_at: u64,
}

impl Reader {
    fn new() -> Self {
        Self::of(Harness::streaming())
    }

    fn of(chat: Harness) -> Self {
        Self { chat, last_seq: 0, rested_at: 0 }
    }

    /// One that rests already: four events have come, 5 ms apart.
    fn resting() -> Self {
        let mut reader = Self::new();
        for _ in 0..3 {
            assert!(reader.reads_on_after(5, 1), "after few quick reads");
        }
        assert!(!reader.reads_on_after(5, 1), "after many quick reads");
        reader
    }

    /// After a while a read brings so many events, each in a batch of its own; whether the next follows
    /// at once.
    fn reads_on_after(&mut self, ms: u64, events: u64) -> bool {
        self.chat.later(ms);
        let text: String = (0..events).map(|_| self.event()).collect();
        self.brings(&text)
    }

    fn brings(&mut self, text: &str) -> bool {
        let orders = self.chat.tell(bytes(2, text));
        assert!(orders.iter().any(|order| order.starts_with("emit to 1")), "{orders:?}");
        let orders = self.chat.tell(wanted(1));
        self.rested_at = match &*orders.concat() {
            "read 2" => self.chat.since_start(),
            "read 2 in 16 ms" => self.chat.since_start() + FRAME_MS,
            orders => panic!("{orders}"),
        };
        self.rested_at == self.chat.since_start()
    }

    fn event(&mut self) -> String {
        self.last_seq += 1;
        batch(&[chunk(self.last_seq, "a")])
    }

    /// Whether the next read follows at once, where the one behind a rest has brought so many events.
    fn reads_on_after_a_rest(&mut self, events: u64) -> bool {
        self.reads_on_after(FRAME_MS, events)
    }
}

#[test]
fn what_comes_slower_than_a_frame_is_read_as_it_comes() {
    let mut reader = Reader::new();
    for _ in 0..100 {
        assert!(reader.reads_on_after(FRAME_MS + 1, 1));
    }
}

#[test]
fn behind_quick_reads_a_body_rests_for_as_long_as_that_gathers_events() {
    let mut reader = Reader::resting();
    for _ in 0..100 {
        assert!(!reader.reads_on_after_a_rest(3));
    }
    assert!(reader.reads_on_after_a_rest(1));
}

#[test]
fn rests_that_gather_nothing_become_seldom_and_one_that_does_makes_up_for_them() {
    let mut reader = Reader::resting();
    for quick_reads in [8, 16, 32] {
        assert!(reader.reads_on_after_a_rest(1));
        for _ in 1..quick_reads {
            assert!(reader.reads_on_after(1, 1));
        }
        assert!(!reader.reads_on_after(1, 1));
    }
    assert!(!reader.reads_on_after_a_rest(2));
    assert!(reader.reads_on_after_a_rest(1));
    for _ in 1..8 {
        assert!(reader.reads_on_after(1, 1));
    }
    assert!(!reader.reads_on_after(1, 1));
}

#[test]
fn a_pause_of_the_answer_begins_the_count_anew() {
    let mut reader = Reader::new();
    for _ in 0..10 {
        for _ in 0..3 {
            assert!(reader.reads_on_after(5, 1));
        }
        assert!(reader.reads_on_after(FRAME_MS + 1, 1));
    }
}

#[test]
fn what_was_there_before_is_read_without_a_rest() {
    let mut reader = Reader::new();
    for _ in 0..100 {
        assert!(reader.reads_on_after(0, 1));
    }
}

#[test]
fn large_reads_follow_each_other_without_a_rest() {
    let mut reader = Reader::new();
    for _ in 0..20 {
        reader.chat.later(5);
        let text = format!(":{}\n\n{}", " ".repeat(16 * 1024), reader.event());
        assert!(reader.brings(&text));
    }
}

#[test]
fn a_hidden_page_never_rests_for_its_timers_are_late() {
    let mut reader = Reader::new();
    reader.chat.tell(Input::Hidden);
    for _ in 0..20 {
        assert!(reader.reads_on_after(5, 1));
    }
    reader.chat.tell(Input::Shown);
    assert!(!reader.reads_on_after(5, 1));
}

#[test]
fn whoever_wants_each_chunk_as_it_was_written_gets_it_as_it_comes() {
    let mut reader = Reader::of(Harness::streaming_where(|chat| chat.set_coalesces(false)));
    for _ in 0..20 {
        assert!(reader.reads_on_after(5, 1));
    }
}

#[test]
fn a_rest_begins_with_the_read_before_however_late_the_consumer_wants_more() {
    for (later, order) in
        [(0, "read 2 in 16 ms"), (10, "read 2 in 6 ms"), (16, "read 2"), (99, "read 2")]
    {
        let mut reader = Reader::resting();
        let text = [reader.event(), reader.event()].concat();
        reader.chat.later(FRAME_MS);
        reader.chat.tell(bytes(2, &text));
        reader.chat.later(later);
        reader.chat.expect(wanted(1), &[order]);
    }
}

/// What a host hands on at a read.
#[derive(Debug, Clone, Copy)]
enum Host {
    /// All that waits, as browsers do.
    Gathering,
    /// One piece, however many wait: a stream that is written in JavaScript.
    PieceByPiece,
}

proptest! {
    #[test]
    fn nothing_is_handed_on_later_than_a_frame_after_it_came(
        gaps in prop::collection::vec(0..30_u64, 1..200),
        host in prop_oneof![Just(Host::Gathering), Just(Host::PieceByPiece)],
    ) {
        let mut reader = Reader::new();
        let mut waiting = VecDeque::new();
        for gap in gaps.into_iter().chain([FRAME_MS + 1]) {
            for _ in 0..gap {
                while !waiting.is_empty() && reader.rested_at <= reader.chat.since_start() {
                    let pieces = match host {
                        Host::Gathering => waiting.len(),
                        Host::PieceByPiece => 1,
                    };
                    let text: String = waiting
                        .drain(..pieces)
                        .map(|came_at| {
                            let late_ms = reader.chat.since_start() - came_at;
                            assert!(late_ms <= FRAME_MS, "{late_ms} ms late");
                            reader.event()
                        })
                        .collect();
                    reader.brings(&text);
                }
                reader.chat.later(1);
            }
            waiting.push_back(reader.chat.since_start());
        }
        // All but the one that has only just come.
        prop_assert_eq!(waiting.len(), 1);
    }
}
