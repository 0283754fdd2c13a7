//! The chunks of one read, on their way to the consumer as one text.

use std::mem;

use crate::rules::{Rule, holds};
use crate::wire::record::Data;

/// While so many chunks wait unread, adjacent deltas become one. A consumer that keeps up never has
/// as many, and sees each chunk as it was written.
const MANY_CHUNKS: usize = 64;

/// A JSON array of chunks, without its end.
#[derive(Debug)]
pub(super) struct Chunks {
    array: String,
    count: usize,
    /// Whether deltas may be merged at all.
    coalesces: bool,
    /// The last chunk, if it is a plain delta: where it begins, and where its text does.
    last_delta: Option<(usize, usize)>,
}

impl Chunks {
    pub(super) fn new(coalesces: bool) -> Self {
        Self { array: String::new(), count: 0, coalesces, last_delta: None }
    }

    /// Adds one. The consumer has read all of the last array, so what waits unread is in this one.
    pub(super) fn push(&mut self, data: &Data<'_>) {
        if self.merge(data).is_some() {
            return;
        }
        self.array += if self.array.is_empty() { "[" } else { "," };
        let start = self.array.len();
        self.array.push_str(data.chunk);
        self.count = self.count.saturating_add(1);
        self.last_delta = data.delta_at.map(|at| (start, start.saturating_add(at)));
    }

    /// Appends a delta's text to the delta before it, where all but the text is the same.
    fn merge(&mut self, data: &Data<'_>) -> Option<()> {
        if !self.coalesces || self.count < MANY_CHUNKS {
            return None;
        }
        let (head, text_and_end) = data.chunk.split_at_checked(data.delta_at?)?;
        let (start, text_at) = self.last_delta?;
        if self.array.get(start..text_at)? != head && holds(Rule::MergesOnlyOnePart) {
            return None;
        }
        // Behind the text stand the quote and the brace, in both.
        let end = self.array.len().checked_sub(2)?;
        self.array.truncate(end);
        self.array.push_str(text_and_end);
        Some(())
    }

    /// The whole array; none when it is empty.
    pub(super) fn take(&mut self) -> Option<String> {
        self.count = 0;
        self.last_delta = None;
        if self.array.is_empty() {
            return None;
        }
        Some(mem::take(&mut self.array) + "]")
    }
}
