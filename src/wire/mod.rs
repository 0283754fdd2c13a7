//! The wire format of Trigger.dev Sessions, as pure functions and values over bytes and text.
//!
//! From the network up: [`event_stream`] finds events in bytes, [`record`] finds records in an
//! event's data, [`control`] reads the records that speak to the client, [`part_ids`] recognises those
//! that a writer has written twice. What runs for every byte, the event stream's decoder and the JSON
//! scanner under the records, is a package of its own, in `stream/`, that is compiled for speed. Beside
//! the records there are the texts that come once for a message: [`answer`] reads what comes of an
//! append, [`token`] what a token tells of itself.
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
pub(crate) mod members;
pub mod record;
pub mod token;

pub use trigger_chat_stream::{digits, error, event_stream, part_ids};
