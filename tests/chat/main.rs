//! What a chat does, call by call: each test is one sentence of outcome, told to the machine as
//! facts and checked against the exact list of its orders.

mod coalescing;
mod describe;
mod harness;
mod lifetime;
mod out;
mod overlapping;
mod reading;
mod resuming;
mod retrying;
mod sending;
mod stopping;
mod tokens;
