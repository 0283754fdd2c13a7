//! Who writes the answer of a turn: one instance at a time.
//!
//! The instance that a session's `state` names holds the turn. While it lives it has a new record of
//! `state` follow the one before, every now and then. An instance that has seen no new one for as long
//! as a lease lasts takes the turn over: by the clock that it saw it on, so no two clocks need agree.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use super::S2Store;
use super::state::{Standing, State};
use crate::store::Result;

/// How long a turn is its holder's after the holder was last heard of.
pub(super) const LEASE: Duration = Duration::from_secs(3);

/// How many times the holder says in that time that it lives.
const BEATS: u32 = 4;

/// The turns that this instance holds, and what it knows of those that others do.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: Mutex<HashMap<String, Arc<sync::Mutex<Held>>>>,
    seen: Mutex<HashMap<String, Seen>>,
}

/// A turn that this instance holds.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) session: String,
    pub(super) state: State,
    /// Where the next record of `state` is to stand.
    next: u64,
    /// Says that the holder lives, as long as this does.
    _heart: JoinSet<()>,
}

/// A turn of another instance, as it was seen last.
#[derive(Debug)]
struct Seen {
    next: u64,
    at: Instant,
}

impl Leases {
    /// The turn of this session, if it is this instance's.
    pub(super) fn held(&self, session: &str) -> Option<Arc<sync::Mutex<Held>>> {
        self.lock_held().get(session).cloned()
    }

    /// Lets the turn go, whoever it may come to.
    pub(super) fn release(&self, session: &str) {
        self.lock_held().remove(session);
    }

    fn lock_held(&self) -> MutexGuard<'_, HashMap<String, Arc<sync::Mutex<Held>>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what another instance's turn looks like; whether it has looked like that for too long,
    /// and whether that is news.
    fn see(&self, session: &str, next: u64) -> Sight {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(session).filter(|seen| seen.next == next) {
            Some(seen) if seen.at.elapsed() >= LEASE => Sight::Lapsed,
            Some(_) => Sight::Same,
            None => {
                seen.insert(session.to_owned(), Seen { next, at: Instant::now() });
                Sight::New
            }
        }
    }

    /// Forgets what another instance's turn looked like.
    pub(super) fn forget(&self, session: &str) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }
}

/// What another instance's turn looks like.
enum Sight {
    New,
    Same,
    Lapsed,
}

impl S2Store {
    /// Whether another instance's turn is free to be taken; if it is not, it will be looked at again.
    pub(super) fn has_lapsed(&self, session: &str, next: u64) -> bool {
        match self.leases.see(session, next) {
            Sight::Lapsed => return true,
            Sight::Same => {}
            Sight::New => {
                let (store, session) = (self.clone(), session.to_owned());
                tokio::spawn(async move {
                    sleep(LEASE).await;
                    store.wake(&session);
                });
            }
        }
        false
    }

    /// Holds the turn that `state` names this instance for.
    pub(super) fn hold(&self, session: &str, state: State, next: u64) {
        let session = session.to_owned();
        let held = Arc::new_cyclic(|held| {
            let mut heart = JoinSet::new();
            heart.spawn(beat(self.clone(), Weak::clone(held)));
            let session = session.clone();
            sync::Mutex::new(Held { session, state, next, _heart: heart })
        });
        self.leases.lock_held().insert(session, held);
    }

    /// Changes the state of a held turn; false where the turn is not this instance's any more.
    pub(super) async fn change(
        &self,
        held: &mut Held,
        change: impl Fn(&mut State) + Send,
    ) -> Result<bool> {
        while held.state.is_held_by(&self.instance) {
            let mut changed = held.state.clone();
            change(&mut changed);
            if let Some(next) = self.put(&held.session, &changed, held.next).await? {
                held.state = changed;
                held.next = next;
                return Ok(true);
            }
            // Another has changed it, or this instance has, and the answer was lost.
            let Standing { mut state, next } = self.standing(&held.session).await?;
            state.out_next = held.state.out_next;
            held.state = state;
            held.next = next;
        }
        Ok(false)
    }
}

/// Says that the holder of a turn lives, until the turn is lost.
async fn beat(store: S2Store, held: Weak<sync::Mutex<Held>>) {
    let mut beats = interval(LEASE / BEATS);
    beats.tick().await;
    loop {
        beats.tick().await;
        let Some(held) = held.upgrade() else { return };
        let mut held = held.lock().await;
        let beaten = store.change(&mut held, |state| {
            if let Some(turn) = &mut state.turn {
                turn.beat += 1;
            }
        });
        match beaten.await {
            Ok(true) => {}
            Ok(false) => {
                // Whoever writes the turn is to learn of it.
                store.leases.release(&held.session);
                store.wake(&held.session);
                return;
            }
            Err(error) => eprintln!("session-server: a turn may be taken over: {error}"),
        }
    }
}
