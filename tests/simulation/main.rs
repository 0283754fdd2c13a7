//! The product against a model of the service, over a bad network, on a virtual clock: the same
//! seed lives through the same world, to the byte.
//!
//! `SEEDS=n` runs n seeds instead of 300; `SEED=k` runs that one and prints what happened.

mod captures;
mod encoding;
mod model_server;
mod network;
mod random;
mod tab;
mod user;
mod witness;
mod world;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeSet;
use std::mem;

use world::World;

/// A few seconds of a debug build.
const SEEDS: u64 = 300;

/// Says how to live through the same world again, should this one fail.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "seed {0} failed; to replay: SEED={0} cargo test --test simulation every_seed",
                self.0
            );
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
    for seed in 0..number("SEEDS").unwrap_or(SEEDS) {
        tally.extend(live(seed, false));
    }
    // Else the promises would be kept because nothing tries them.
    let expected = BTreeSet::from([
        "a callback that failed",
        "a cut",
        "a disposed stream",
        "a lost append",
        "a lost output",
        "a refused token",
        "a replay shown to its end",
        "a settled peek",
        "a stopped stream",
        "a superseded stream",
        "a turn shown to its end",
        "an aborted stream",
        "an acknowledgement after its turn's end",
        "an acknowledgement that was overtaken",
        "nothing to reconnect to",
    ]);
    assert_eq!(tally, expected, "the worlds have lost some of their variety");
}

fn live(seed: u64, is_traced: bool) -> BTreeSet<&'static str> {
    let _replay = Replay(seed);
    let mut world = World::new(seed, is_traced);
    world.run();
    mem::take(&mut world.tally)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
