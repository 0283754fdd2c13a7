//! The app's two callbacks that give tokens: at most one call of each is in flight for a chat,
//! however many requests wait for its answer.

use super::action::Action;
use super::liveness::AWAY_MS;
use crate::rules::{Rule, holds};
use crate::time::{self, Time};

/// How long a callback may take. Whoever waits for it is told then, and the next call is made anew.
const PATIENCE_MS: u64 = 60_000;

/// Whom to ask for a token, and whether somebody has.
#[derive(Debug)]
pub(super) struct Credentials {
    can_start_session: bool,
    starting: Option<Time>,
    refreshing: Option<Time>,
}

impl Credentials {
    pub(super) fn new(can_start_session: bool) -> Self {
        Self { can_start_session, starting: None, refreshing: None }
    }

    /// Whether the app gave a `startSession`.
    pub(super) fn can_start_session(&self) -> bool {
        self.can_start_session
    }

    pub(super) fn set_can_start_session(&mut self, can: bool) {
        self.can_start_session = can;
    }

    /// Wants a session to be created.
    pub(super) fn start_session(&mut self, now: Time, out: &mut Vec<Action>) {
        if self.starting.is_none() || self.is_start_overdue(now) {
            self.starting = Some(now);
            out.push(Action::StartSession);
        }
    }

    /// Wants a fresh token.
    pub(super) fn refresh(&mut self, now: Time, out: &mut Vec<Action>) {
        let is_due = self.refreshing.is_none() || self.is_refresh_overdue(now);
        if is_due || !holds(Rule::OneRefreshAtATime) {
            self.refreshing = Some(now);
            out.push(Action::RefreshToken);
        }
    }

    /// `startSession` was answered.
    pub(super) fn started(&mut self) {
        self.starting = None;
    }

    /// `accessToken` was answered.
    pub(super) fn refreshed(&mut self) {
        self.refreshing = None;
    }

    /// A timer has fired. One that comes far too late shows that the machine slept, and the callbacks
    /// with it: they have their time still before them.
    pub(super) fn notice_sleep(&mut self, now: Time) {
        for since in [&mut self.starting, &mut self.refreshing] {
            if since.is_some_and(|since| now.since(too_late(since)) >= AWAY_MS) {
                *since = Some(now);
            }
        }
    }

    /// When a callback has taken too long.
    pub(super) fn deadline(&self) -> Option<Time> {
        time::earlier(self.starting, self.refreshing).map(too_late)
    }

    pub(super) fn is_start_overdue(&self, now: Time) -> bool {
        self.starting.is_some_and(|since| too_late(since) <= now)
    }

    pub(super) fn is_refresh_overdue(&self, now: Time) -> bool {
        self.refreshing.is_some_and(|since| too_late(since) <= now)
    }
}

fn too_late(since: Time) -> Time {
    since.after(PATIENCE_MS)
}
