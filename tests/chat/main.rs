//! What a chat does, call by call: each test is one sentence of outcome, told to the machine as
//! facts and checked against the exact list of its orders.

mod adopting;
mod coalescing;
mod connection;
mod describe;
mod harness;
mod head_start;
mod lifetime;
mod liveness;
mod once;
mod out;
mod overlapping;
mod pacing;
mod passed_over;
mod proving;
mod reading;
mod resending;
mod resuming;
mod retrying;
mod sending;
mod steering;
mod stopping;
mod stored;
mod tokens;
mod waking;
mod watching;
