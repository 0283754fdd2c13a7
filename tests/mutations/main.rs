//! Breaks one promise of the product at a time, and lives through the simulation's worlds until one of
//! them notices. A promise that can be broken unnoticed is one that the simulation does not prove.

#[path = "../simulation/device.rs"]
mod device;
#[path = "../simulation/encoding.rs"]
mod encoding;
#[path = "../simulation/ledger.rs"]
mod ledger;
#[path = "../simulation/model_server.rs"]
mod model_server;
#[path = "../simulation/network.rs"]
mod network;
#[path = "../simulation/random.rs"]
mod random;
#[path = "../simulation/tab.rs"]
mod tab;
#[path = "../simulation/user.rs"]
mod user;
#[path = "../simulation/variety.rs"]
mod variety;
#[path = "../simulation/witness.rs"]
mod witness;
#[path = "../simulation/world.rs"]
mod world;

use std::num::NonZero;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use trigger_chat_transport::rules::{Rule, break_rule};

/// Fewer than the simulation lives through, so that what is broken shows there for sure.
const SEEDS: u64 = 1_000;

#[test]
fn no_promise_is_broken_unnoticed() {
    let told = panic::take_hook();
    // Each world that notices panics, as it should.
    panic::set_hook(Box::new(|_| {}));
    let found = on_every_core();
    panic::set_hook(told);
    for (rule, seed) in &found {
        match seed {
            Some(seed) => println!("{rule:?}: seed {seed}"),
            None => println!("{rule:?}: unnoticed"),
        }
    }
    let unnoticed: Vec<_> = found.iter().filter(|(_, seed)| seed.is_none()).collect();
    assert_eq!(found.len(), Rule::ALL.len());
    assert!(unnoticed.is_empty(), "broken unnoticed: {unnoticed:?}");
}

fn on_every_core() -> Vec<(Rule, Option<u64>)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(rule) = Rule::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            break_rule(*rule);
            found.push((*rule, (0..SEEDS).find(|seed| fails(*seed))));
        }
        found
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("only worlds fail")).collect()
    })
}

fn fails(seed: u64) -> bool {
    panic::catch_unwind(|| world::live(seed, false)).is_err()
}
