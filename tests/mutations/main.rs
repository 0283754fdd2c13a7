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
#[path = "../tabs/world.rs"]
mod tabs_world;
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

/// Fewer than the simulations live through, so that what is broken shows there for sure.
const SEEDS_OF_CHATS: u64 = 1_000;
const SEEDS_OF_TABS: u64 = 20_000;

#[test]
fn no_promise_is_broken_unnoticed() {
    let told = panic::take_hook();
    // Each world that notices panics, as it should.
    panic::set_hook(Box::new(|_| {}));
    let mut found = on_every_core(Rule::OF_CHATS, SEEDS_OF_CHATS, |seed| {
        world::live(seed, false);
    });
    found.extend(on_every_core(Rule::OF_TABS, SEEDS_OF_TABS, |seed| {
        tabs_world::live(seed, false);
    }));
    panic::set_hook(told);
    for (rule, seed) in &found {
        match seed {
            Some(seed) => println!("{rule:?}: seed {seed}"),
            None => println!("{rule:?}: unnoticed"),
        }
    }
    let unnoticed: Vec<_> = found.iter().filter(|(_, seed)| seed.is_none()).collect();
    assert_eq!(found.len(), Rule::OF_CHATS.len() + Rule::OF_TABS.len());
    assert!(unnoticed.is_empty(), "broken unnoticed: {unnoticed:?}");
}

/// Breaks each of the rules, and finds the first of so many worlds that notices.
fn on_every_core(rules: &[Rule], seeds: u64, live: fn(u64)) -> Vec<(Rule, Option<u64>)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(rule) = rules.get(next.fetch_add(1, Ordering::Relaxed)) {
            break_rule(*rule);
            let notices = |seed: &u64| panic::catch_unwind(|| live(*seed)).is_err();
            found.push((*rule, (0..seeds).find(notices)));
        }
        found
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("only worlds fail")).collect()
    })
}
