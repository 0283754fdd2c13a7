//! The app's two callbacks that give tokens: at most one call of each is in flight for a chat,
//! however many requests wait for its answer.

use super::action::Action;
use super::rules::{Rule, holds};

/// Whom to ask for a token, and whether somebody has.
#[derive(Debug)]
pub(super) struct Credentials {
    can_start_session: bool,
    is_starting: bool,
    is_refreshing: bool,
}

impl Credentials {
    pub(super) fn new(can_start_session: bool) -> Self {
        Self { can_start_session, is_starting: false, is_refreshing: false }
    }

    /// Whether the app gave a `startSession`.
    pub(super) fn can_start_session(&self) -> bool {
        self.can_start_session
    }

    pub(super) fn set_can_start_session(&mut self, can: bool) {
        self.can_start_session = can;
    }

    /// Wants a session to be created.
    pub(super) fn start_session(&mut self, out: &mut Vec<Action>) {
        if !self.is_starting {
            self.is_starting = true;
            out.push(Action::StartSession);
        }
    }

    /// Wants a fresh token.
    pub(super) fn refresh(&mut self, out: &mut Vec<Action>) {
        if !self.is_refreshing || !holds(Rule::OneRefreshAtATime) {
            self.is_refreshing = true;
            out.push(Action::RefreshToken);
        }
    }

    /// `startSession` was answered.
    pub(super) fn started(&mut self) {
        self.is_starting = false;
    }

    /// `accessToken` was answered.
    pub(super) fn refreshed(&mut self) {
        self.is_refreshing = false;
    }
}
