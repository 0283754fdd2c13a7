//! Looks after a request that is open: whether it has been silent for too long, and whether the
//! machine slept meanwhile.

use crate::time::Time;

/// How often to look. A sleep shows itself by a look that comes far too late, so it is noticed at
/// most so long after.
const LOOK_EVERY_MS: u64 = 10_000;

/// How long a page may be away, hidden or asleep, before its connections count as stale. Radios and
/// middleboxes drop an idle connection without a word, some as soon as this.
pub(super) const AWAY_MS: u64 = 30_000;

/// What a look has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Sound,
    /// Nothing has come for longer than one should wait.
    Silent,
    /// The clock has jumped.
    Slept,
}

/// The watch over one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    /// When the request last showed life, or one began to wait for it.
    alive_at: Time,
    /// When to look. Not moved by each sign of life: a timer would be set anew for each byte.
    due: Time,
}

impl Watch {
    pub(super) fn begin(now: Time) -> Self {
        Self { alive_at: now, due: now.after(LOOK_EVERY_MS) }
    }

    pub(super) fn due(&self) -> Time {
        self.due
    }

    pub(super) fn alive_at(&self) -> Time {
        self.alive_at
    }

    /// Something has come, or is waited for from now on.
    pub(super) fn is_alive(&mut self, now: Time) {
        self.alive_at = now;
    }

    /// Looks, if that is due. Nothing may have come for `patience_ms`; none for as long as it takes.
    /// `may_be_late`: timers are, also while nothing sleeps.
    pub(super) fn look(
        &mut self,
        now: Time,
        patience_ms: Option<u64>,
        may_be_late: bool,
    ) -> Health {
        if now < self.due {
            return Health::Sound;
        }
        let late_ms = now.since(self.due);
        self.due = now.after(LOOK_EVERY_MS);
        if late_ms >= AWAY_MS && !may_be_late {
            return Health::Slept;
        }
        let Some(patience_ms) = patience_ms else {
            return Health::Sound;
        };
        let limit = self.alive_at.after(patience_ms);
        self.due = self.due.min(limit);
        if now < limit { Health::Sound } else { Health::Silent }
    }
}
