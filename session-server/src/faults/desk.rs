//! Who holds the faults that stand, and tells each request and each record what it meets.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::order::{Effect, Fault, Place, Spoil};

/// The faults that stand, in the order they were placed in, and the count of those that have struck.
///
/// They are the test's and no part of the server's memory: a restart on order does not touch them.
pub(crate) struct Desk {
    state: Mutex<State>,
    /// Rings when all is forgotten.
    cleared: watch::Sender<()>,
    /// Heard by each connection that may carry another request; rings when it may no longer.
    reuse: Mutex<watch::Sender<()>>,
}

#[derive(Default)]
struct State {
    standing: Vec<Fault>,
    injected: BTreeMap<&'static str, u64>,
}

/// What stands and what has struck.
#[derive(Serialize)]
pub(super) struct Report {
    standing: Vec<Value>,
    injected: BTreeMap<&'static str, u64>,
}

/// What a request meets.
#[derive(Default)]
pub(super) struct Met {
    /// How much later its answer comes.
    pub(super) delay: Duration,
    pub(super) spoil: Option<Spoil>,
    is_repeated: bool,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            cleared: watch::channel(()).0,
            reuse: Mutex::new(watch::channel(()).0),
        }
    }
}

impl Desk {
    /// Whether anything stands.
    pub(crate) fn stand(&self) -> bool {
        !self.lock().standing.is_empty()
    }

    /// Whether a new connection may carry more than one request, and what rings when it may no longer.
    /// To drop that means to have obeyed.
    ///
    /// A browser that loses a connection without an answer sends the request once more by itself, if
    /// the connection had served before: the page would never see the fault. So no connection serves
    /// twice while a fault stands that hangs up.
    pub(crate) fn reuse(&self) -> (bool, watch::Receiver<()>) {
        let until = self.lock_reuse().subscribe();
        (!self.lock().standing.iter().any(Fault::hangs_up), until)
    }

    /// How many records the next part that a chat's agent writes becomes.
    pub(crate) fn copies(&self, chat: &str) -> usize {
        if self.meet(Place::Write, chat).is_repeated { 2 } else { 1 }
    }

    /// What a request for a chat meets.
    pub(super) fn meet(&self, on: Place, chat: &str) -> Met {
        let mut state = self.lock();
        let State { standing, injected } = &mut *state;
        let mut met = Met::default();
        for fault in standing.iter_mut() {
            if !fault.meets(on, chat) {
                continue;
            }
            *injected.entry(fault.kind).or_default() += 1;
            match &fault.effect {
                Effect::Delay(delay) => met.delay = met.delay.saturating_add(*delay),
                Effect::Spoil(spoil) => met.spoil = Some(spoil.clone()),
                Effect::Repeat => met.is_repeated = true,
            }
            if !matches!(fault.effect, Effect::Delay(_)) {
                break;
            }
        }
        standing.retain(|fault| !fault.is_spent());
        met
    }

    /// Adds faults behind those that stand.
    pub(super) async fn place(&self, faults: Vec<Fault>) {
        let hang_up = faults.iter().any(Fault::hangs_up);
        self.lock().standing.extend(faults);
        if hang_up {
            self.end_reuse().await;
        }
    }

    /// Has each connection that is open carry no other request, and waits until all have obeyed.
    async fn end_reuse(&self) {
        let (fresh, _) = watch::channel(());
        let until = std::mem::replace(&mut *self.lock_reuse(), fresh);
        until.send_replace(());
        until.closed().await;
    }

    /// Forgets all that stand; the counts stay.
    pub(super) fn clear(&self) {
        self.lock().standing.clear();
        self.cleared.send_replace(());
    }

    /// Waits so long, or until all is forgotten.
    pub(super) async fn hold(&self, delay: Duration, mut cleared: watch::Receiver<()>) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            Ok(()) = cleared.changed() => {}
        }
    }

    /// Rings when all is forgotten.
    pub(super) fn cleared(&self) -> watch::Receiver<()> {
        self.cleared.subscribe()
    }

    pub(super) fn report(&self) -> Report {
        let state = self.lock();
        Report {
            standing: state.standing.iter().map(Fault::rest).collect(),
            injected: state.injected.clone(),
        }
    }

    fn lock_reuse(&self) -> MutexGuard<'_, watch::Sender<()>> {
        self.reuse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
