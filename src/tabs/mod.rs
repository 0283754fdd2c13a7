//! Which of an app's tabs speaks for a chat, as a machine: facts in, orders out, time as an argument.
//!
//! One [`Claim`] stands for one chat in one tab. [`Claim::handle`] is the whole contract:
//!
//! - Each fact is told once, in the order in which it came to be, with the time of now. Times never go
//!   back; late ones are fine, and mean that the tab was frozen or throttled.
//! - The orders come out in the order in which they have to be carried out.
//! - [`Claim::deadline`] says when to tell [`Fact::Woken`]; ask again after each fact.
//!
//! # With Web Locks
//!
//! The lock of the chat decides: who has it owns the chat. It is asked for without waiting, so that of
//! many tabs that ask at once one gets it and all others know at once that they do not. An owner holds
//! a second lock, its *life*, under a number that is never used again, and says that number with its claim.
//! Whoever hears it queues for that lock: it falls when the owner lets go or dies, however it dies. So
//! nothing has to expire, and a throttled owner stays one. The lock of the chat itself is never queued
//! for, as the next owner would find it taken by those who only look.
//!
//! # Without
//!
//! A tab says that it wants the chat, and waits a moment for who objects. Of two that want it, the one
//! whose id is lower gets it. An owner repeats its claim; one that has not been heard of for a while is
//! forgotten. An owner that was frozen for so long wants the chat anew, and whoever has it objects.
//! Two owners are possible here while messages take longer than the moment, until they arrive.
//!
//! # Beside the published client
//!
//! Its tabs know `claim`, `release` and `heartbeat`, and no locks. Their claims are heeded as those of a
//! tab without locks, and ours are repeated whole, since it ignores the heartbeat of a claim that it has
//! not seen.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

#[cfg(target_arch = "wasm32")]
mod border;
mod claim;

#[cfg(target_arch = "wasm32")]
pub use border::TabClaim;
pub use claim::{Claim, Fact, Life, Message, Order, TabId};

/// As the core's.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
