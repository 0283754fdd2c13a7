//! Faults on order: what a test has go wrong, and when.
//!
//! An order says which requests it meets and what becomes of them. `order` reads it, `desk` keeps
//! those that stand and gives each to whom it meets, `layer` does to a request what it says, and
//! `body` to an answer's body. `routes` is the counter where orders are placed.

mod body;
mod desk;
mod layer;
mod order;
mod routes;

pub(crate) use desk::Desk;
pub(crate) use layer::{Fate, Rewind, meet};
pub(crate) use routes::routes;
