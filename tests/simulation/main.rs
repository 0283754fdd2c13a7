//! The product against a model of the service, over a bad network, on a virtual clock: the same
//! seed lives through the same world, to the byte.
//!
//! `SEEDS=n` runs n seeds instead of 2,000; `SEED=k` runs that one and prints what happened.

mod captures;
mod device;
mod encoding;
mod failed_seeds;
mod ledger;
mod model_server;
mod network;
mod random;
mod tab;
mod user;
mod variety;
mod witness;
mod world;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{panic, thread};

use failed_seeds::FAILED_SEEDS;

const SEEDS: u64 = 2_000;

/// Says how to live through the same world again, should this one fail.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "seed {0} failed; to replay: SEED={0} cargo test --test simulation every_seed",
                self.0
            );
            for (_, found) in FAILED_SEEDS.iter().filter(|(seed, _)| *seed == self.0) {
                eprintln!("it once found that {found}");
            }
        }
    }
}

#[test]
fn every_seed_keeps_the_promises() {
    if let Some(seed) = number("SEED") {
        live(seed, true);
        return;
    }
    let mut tally = BTreeSet::new();
    for (seed, _) in FAILED_SEEDS {
        tally.extend(live(*seed, false));
    }
    tally.extend(live_through(number("SEEDS").unwrap_or(SEEDS)));
    // Else the promises would be kept because nothing tries them.
    let expected = BTreeSet::from([
        "a bare answer that was believed, and was wrong",
        "a bare answer that was proven",
        "a boundary that was held back",
        "a boundary written twice",
        "a callback that failed",
        "a callback that hung",
        "a chat that is offline",
        "a chunk written twice",
        "a claim whose record never landed",
        "a clock that leapt",
        "a closed session",
        "a cut",
        "a disposed stream",
        "a head that was given up",
        "a hidden page",
        "a page that was put away",
        "a lost append",
        "a lost output",
        "a lost question",
        "a message that was never proven",
        "a proxy's page",
        "a proxy's page in the place of an acknowledgement",
        "a question in doubt",
        "a question that failed",
        "a reader refused for good",
        "a refused token",
        "a replay shown to its end",
        "a rest between two reads",
        "a restart",
        "a session that was lost",
        "a settled body that broke off",
        "a settled peek",
        "a silence that was given up",
        "a sleep",
        "a stall with pings",
        "a stopped stream",
        "a superseded stream",
        "a time to stay away",
        "a token renewed in time",
        "a turn shown to its end",
        "an aborted message that had landed",
        "an aborted stream",
        "an acknowledgement after its turn's end",
        "an answer that never came",
        "an append refused for good",
        "an append refused in passing",
        "an append that landed and was not acknowledged",
        "an append that landed late",
        "an append that was asked to wait",
        "an attempt on request",
        "an exhausted budget",
        "an outage",
        "merged deltas",
        "nothing to reconnect to",
        "two chats in one page",
    ]);
    assert_eq!(tally, expected, "the worlds have lost some of their variety");
}

/// Lives through the first worlds, on every core. One that fails does not keep the others from being
/// lived through.
fn live_through(seeds: u64) -> BTreeSet<&'static str> {
    let next = AtomicU64::new(0);
    let failed = Mutex::new(BTreeSet::new());
    let live_on = || {
        let mut tally = BTreeSet::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return tally;
            }
            match panic::catch_unwind(|| live(seed, false)) {
                Ok(seen) => tally.extend(seen),
                Err(_) => drop(failed.lock().map(|mut failed| failed.insert(seed))),
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let tally = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(live_on)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker lives on")).collect()
    });
    let failed = failed.into_inner().expect("nobody holds it");
    assert!(failed.is_empty(), "these worlds failed, see above: {failed:?}");
    tally
}

fn live(seed: u64, is_traced: bool) -> BTreeSet<&'static str> {
    let _replay = Replay(seed);
    world::live(seed, is_traced)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
