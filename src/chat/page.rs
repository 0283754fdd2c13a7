//! What is known of the page that the chat lives in: whether it is online, and whether it is seen.

use super::action::Input;
use super::liveness::AWAY_MS;
use crate::time::Time;

/// The page, as the browser tells of it.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) is_offline: bool,
    /// It was last away for so long that its connections count as stale.
    pub(super) was_away: bool,
    hidden_since: Option<Time>,
}

impl Page {
    pub(super) fn is_hidden(&self) -> bool {
        self.hidden_since.is_some()
    }

    /// Takes a fact about the page.
    pub(super) fn take(&mut self, input: &Input<'_>, now: Time) {
        match input {
            Input::Online => self.is_offline = false,
            Input::Offline => self.is_offline = true,
            Input::Hidden => {
                self.hidden_since.get_or_insert(now);
            }
            Input::Shown => {
                let hidden_since = self.hidden_since.take();
                self.was_away = hidden_since.is_some_and(|since| now.since(since) >= AWAY_MS);
            }
            _ => {}
        }
    }
}
