//! Which tab speaks for a chat: single cases, and thousands of simulated worlds.
//!
//! `SEEDS=n` runs n seeds instead of 20,000; `SEED=k` runs that one and prints what happened.

mod claims;
#[path = "../simulation/random.rs"]
mod random;
mod world;

use std::env;

const SEEDS: u64 = 20_000;

#[test]
fn every_seed_keeps_the_promises_of_tabs() {
    if let Some(seed) = number("SEED") {
        world::live(seed, true);
        return;
    }
    let mut turns = 0;
    for seed in 0..number("SEEDS").unwrap_or(SEEDS) {
        let lived = std::panic::catch_unwind(|| world::live(seed, false));
        turns += lived.unwrap_or_else(|_| {
            panic!("seed {seed} failed; to replay: SEED={seed} cargo test --test tabs every_seed")
        });
    }
    assert!(turns > 0, "nobody has sent anything");
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}
