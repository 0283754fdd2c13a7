//! What pages live on: a machine that sleeps, loses its network, and hides its pages.

use crate::random::Random;

/// In which way a device is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    Offline,
    Hidden,
    /// In the back/forward cache, or frozen by the browser, which says so.
    PutAway,
    Asleep,
    /// Its clock is set forward.
    Leaps,
}

#[derive(Debug)]
pub(crate) struct Device {
    is_offline: bool,
    is_hidden: bool,
    is_put_away: bool,
    asleep_until: u64,
    /// When the last outage ended.
    last_online: Option<u64>,
    /// Since when its timers fire in time.
    punctual_since: u64,
    /// How seldom the timers of a hidden page fire.
    throttle_ms: u64,
    /// How far its clock is ahead of the world's.
    ahead_ms: u64,
    has_slept: bool,
    absences_left: u32,
    random: Random,
}

impl Device {
    /// `stays`: it never goes away.
    pub(crate) fn new(stays: bool, mut random: Random) -> Self {
        let absences = random.one_of(&[0, 0, 1, 3, 8]);
        Self {
            is_offline: false,
            is_hidden: false,
            is_put_away: false,
            asleep_until: 0,
            last_online: None,
            punctual_since: 0,
            throttle_ms: 1,
            ahead_ms: 0,
            has_slept: false,
            absences_left: if stays { 0 } else { absences },
            random,
        }
    }

    pub(crate) fn is_offline(&self) -> bool {
        self.is_offline
    }

    pub(crate) fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    pub(crate) fn is_put_away(&self) -> bool {
        self.is_put_away
    }

    pub(crate) fn has_slept(&self) -> bool {
        self.has_slept
    }

    /// What its clock shows.
    pub(crate) fn time(&self, now: u64) -> u64 {
        now + self.ahead_ms
    }

    pub(crate) fn asleep_until(&self, now: u64) -> Option<u64> {
        (self.asleep_until > now).then_some(self.asleep_until)
    }

    /// Whether it has no network, or had none lately; a page that is put away has none.
    pub(crate) fn was_offline_since(&self, not_before: Option<u64>) -> bool {
        let longest_wait = 300_000;
        self.is_offline
            || self.is_put_away
            || self.last_online.map(|at| at + longest_wait) >= not_before
    }

    /// How long until it goes away; `None` once it stays.
    pub(crate) fn stays_for(&mut self) -> Option<u64> {
        self.absences_left = self.absences_left.checked_sub(1)?;
        let most = self.random.one_of(&[500, 10_000, 120_000]);
        Some(self.random.within(1..most))
    }

    /// Goes away, and for how long, if it is not away in that way already. `may_sleep`: in any way.
    pub(crate) fn leave(&mut self, now: u64, may_sleep: bool) -> Option<(Absence, u64)> {
        let absence = self.random.one_of(&[
            Absence::Offline,
            Absence::Offline,
            Absence::Hidden,
            Absence::Hidden,
            Absence::Asleep,
            Absence::Asleep,
            Absence::Leaps,
        ]);
        let most = self.random.one_of(&[200, 20_000, 90_000, 900_000]);
        let length = self.random.within(1..most);
        // Without a draw of its own: the worlds that were lived through stay what they are.
        let is_put_away = absence == Absence::Hidden && length % 2 == 1;
        let absence = if is_put_away { Absence::PutAway } else { absence };
        match absence {
            Absence::Offline if self.is_offline => return None,
            Absence::Hidden | Absence::PutAway if self.is_hidden || self.is_put_away => {
                return None;
            }
            Absence::Asleep | Absence::Leaps if !may_sleep => return None,
            Absence::Offline => self.is_offline = true,
            Absence::Hidden => {
                self.is_hidden = true;
                self.throttle_ms = self.random.one_of(&[1, 1_000, 60_000]);
            }
            Absence::PutAway => self.is_put_away = true,
            Absence::Asleep => {
                self.asleep_until = now + length;
                self.has_slept = true;
            }
            Absence::Leaps => self.ahead_ms += length,
        }
        Some((absence, length))
    }

    pub(crate) fn come_back(&mut self, now: u64, absence: Absence) {
        match absence {
            Absence::Offline => {
                self.is_offline = false;
                self.last_online = Some(self.time(now));
            }
            Absence::Hidden => {
                self.is_hidden = false;
                self.throttle_ms = 1;
                self.punctual_since = now;
            }
            Absence::PutAway => {
                self.is_put_away = false;
                self.last_online = Some(self.time(now));
            }
            Absence::Asleep => self.punctual_since = now,
            Absence::Leaps => {}
        }
    }

    /// When a timer fires that is due when its clock shows `deadline`.
    pub(crate) fn timer_fires_at(&self, deadline: u64) -> u64 {
        let deadline = deadline.saturating_sub(self.ahead_ms);
        deadline.next_multiple_of(self.throttle_ms).max(self.asleep_until)
    }

    /// When somebody who waits since then has noticed at the latest that nothing came.
    pub(crate) fn latest_look(&self, since: u64, patience_ms: u64) -> u64 {
        // A look that comes late looks again.
        let lateness = if self.is_hidden { 2 * self.throttle_ms } else { 0 };
        since.max(self.punctual_since).max(self.asleep_until) + patience_ms + lateness
    }
}
