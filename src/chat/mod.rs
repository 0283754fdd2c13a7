//! One chat, as a machine: facts in, orders out, time as an argument.
//!
//! [`Chat::handle`] is the whole contract:
//!
//! - Each fact is told once, in the order in which it came to be, with the time of now. Times never
//!   go back; equal and late ones are fine.
//! - The orders come out in the order in which they have to be carried out. Carrying one out may
//!   bring new facts; they are told after the last order of the batch was taken.
//! - A fact about a request, a stream or a call that is over is ignored, so a driver need not know
//!   what is over.
//! - [`Chat::deadline`] says when to tell [`action::Input::Woken`]; ask again after each fact.
//!
//! Inside, the chat composes four smaller machines, which share one [`session`]: an `append` for
//! each send that is under way, one `subscription` for the stream that the app holds, or before it the
//! `head_start`, and the callbacks that give a `token`.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod action;
mod append;
pub mod backoff;
mod chunks;
pub mod connection;
mod context;
pub mod error;
pub mod event;
mod head_start;
mod liveness;
mod machine;
mod pace;
mod page;
pub mod session;
mod subscription;
mod token;

pub use machine::Chat;
