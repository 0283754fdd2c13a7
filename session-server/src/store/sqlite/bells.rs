//! Wakes the readers of a channel when a record lands in it.
//!
//! The records themselves stay in the store: a bell only says "look again", so a reader that was slow
//! or away misses nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// One bell per session that someone listens to.
#[derive(Debug, Default)]
pub(super) struct Bells {
    bells: Mutex<HashMap<String, watch::Sender<()>>>,
}

impl Bells {
    /// From now on every ring for `session` is noticed; listen first, then look.
    pub(super) fn listen(&self, session: &str) -> watch::Receiver<()> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        if bells.len() == bells.capacity() {
            // Before it would grow: those that nobody hears any more make room.
            bells.retain(|_, bell| bell.receiver_count() > 0);
        }
        bells.entry(session.to_owned()).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// Wakes all who listen to `session`, and forgets a bell that nobody hears.
    pub(super) fn ring(&self, session: &str) {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        let unheard = bells.get(session).is_some_and(|bell| bell.send(()).is_err());
        if unheard {
            bells.remove(session);
        }
    }
}
