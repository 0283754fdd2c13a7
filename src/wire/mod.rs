//! The wire format of Trigger.dev Sessions, as pure functions and values over bytes and text.
//!
//! From the network up: [`event_stream`] finds events in bytes, [`record`] finds records in an
//! event's data, [`control`] reads the records that speak to the client, [`part_ids`] recognises those
//! that a writer has written twice. [`input`] goes the other way: the bodies that are appended to a
//! session's `.in`.
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

pub mod answer;
pub mod control;
pub mod error;
pub mod event_stream;
pub mod input;
mod json;
pub mod part_ids;
pub mod record;
pub mod token;
