//! From the bytes of a session's `.out` to its records: what runs for every byte.
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

pub mod control;
pub mod digits;
pub mod error;
pub mod event_stream;
pub mod json;
pub mod part_ids;
pub mod record;
