//! What is known of the page that the chat lives in: whether it is online, and whether it is seen.

use super::liveness::AWAY_MS;
use crate::time::Time;

/// The page, as the browser tells of it.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) is_offline: bool,
    hidden_since: Option<Time>,
}

/// What a page's return means for its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Return {
    /// It was away for so long that its connections count as stale.
    Late,
    /// It was away for a moment only.
    Early,
}

impl Page {
    pub(super) fn is_hidden(&self) -> bool {
        self.hidden_since.is_some()
    }

    pub(super) fn hidden(&mut self, now: Time) {
        self.hidden_since.get_or_insert(now);
    }

    pub(super) fn shown(&mut self, now: Time) -> Return {
        match self.hidden_since.take() {
            Some(since) if now.since(since) >= AWAY_MS => Return::Late,
            _ => Return::Early,
        }
    }
}
