//! Prints event streams and what our decoder reads in them, a JSON line each, for
//! `tests/e2e/event-stream-parity.test.ts` to hold against the npm package `eventsource-parser`.
//!
//! `cargo run --example event_stream_cases -- SEED COUNT`: the same seed gives the same lines.

#[path = "../wire/stream_inputs.rs"]
mod stream_inputs;

use std::env;
use std::io::{self, BufWriter, Write};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};
use trigger_chat_transport::wire::event_stream::EventStreamDecoder;

fn main() -> io::Result<()> {
    let [seed, count] = arguments().unwrap_or_else(|| {
        eprintln!("usage: event_stream_cases SEED COUNT");
        std::process::exit(2);
    });
    let config = Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let mut out = BufWriter::new(io::stdout().lock());
    for _ in 0..count {
        let reads = stream_inputs::reads().new_tree(&mut runner).expect("no filter").current();
        writeln!(out, "{}", json!({ "chunks": reads, "events": events(&reads) }))?;
    }
    out.flush()
}

fn arguments() -> Option<[u64; 2]> {
    let numbers: Option<Vec<u64>> = env::args().skip(1).map(|text| text.parse().ok()).collect();
    numbers?.try_into().ok()
}

fn events(reads: &[Vec<u8>]) -> Vec<Value> {
    let mut decoder = EventStreamDecoder::default();
    let mut events = Vec::new();
    for read in reads {
        let outcome = decoder.push(read, |event| {
            events.push(json!({ "event": event.name, "id": event.id, "data": event.data }));
        });
        outcome.expect("no generated event is too large");
    }
    events
}
