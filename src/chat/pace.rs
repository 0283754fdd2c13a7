//! How the reads of one body follow each other. A fast answer is taken a frame at a time: what a page
//! does for a read costs more than what it does for a record, and nobody sees more than a frame shows.
//!
//! Behind some reads in quick succession a body rests for a frame, and again for as long as each rest
//! gathers more than one event. One that does not, since the answer has slowed down, or the host hands
//! on a piece a read however many wait, puts the next rest farther off. So nothing waits for longer than
//! a frame, and nothing piles up.

use crate::time::Time;

/// How long a rest is: a frame of a display that shows 60 in a second.
const REST_MS: u64 = 16;

/// So many quick reads go before a rest.
const QUICK_READS: u32 = 4;

/// A read of so many bytes brings many events without a rest: somebody catches up.
const BULK_BYTES: usize = 16 * 1024;

/// The pace of one body.
#[derive(Debug)]
pub(super) struct Pace {
    read_at: Time,
    rests_until: Time,
    quick_reads: u32,
    needed: u32,
}

impl Pace {
    /// The pace of a body that begins now. `rests`: whether it ever does.
    pub(super) fn begin(now: Time, rests: bool) -> Self {
        let needed = if rests { QUICK_READS } else { u32::MAX };
        Self { read_at: now, rests_until: now, quick_reads: 0, needed }
    }

    /// A read has brought so many bytes, and the end of so many events. A page that is hidden never
    /// rests: its timers come a second late, or a minute.
    pub(super) fn was_read(&mut self, now: Time, bytes: usize, events: usize, is_hidden: bool) {
        let gap_ms = now.since(self.read_at);
        if self.rests_until > self.read_at {
            self.has_rested(events);
        } else if gap_ms > REST_MS {
            self.quick_reads = 0;
        } else if gap_ms > 0 {
            // What comes in the same millisecond was there before, as in a replay.
            self.quick_reads = self.quick_reads.saturating_add(1);
        }
        let rests = self.quick_reads >= self.needed && bytes < BULK_BYTES && !is_hidden;
        self.read_at = now;
        self.rests_until = if rests { now.after(REST_MS) } else { now };
    }

    fn has_rested(&mut self, events: usize) {
        if events > 1 {
            self.needed = QUICK_READS;
        } else {
            self.needed = self.needed.saturating_mul(2);
            self.quick_reads = 0;
        }
    }

    /// For how long it rests from now on.
    pub(super) fn rest_ms(&self, now: Time) -> u64 {
        self.rests_until.since(now)
    }
}
