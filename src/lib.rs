//! A drop-in chat transport for the browser: the AI SDK's `ChatTransport` contract, spoken to
//! Trigger.dev Sessions.
//!
//! The crate is built in layers; arrows run down only:
//!
//! ```text
//! browser     the border, and the host beyond it: fetch, streams, timers, callbacks   (wasm32 only)
//! chat        one chat's state machines: facts in, orders out
//! wire        the wire format: bytes and text; what runs for every byte is compiled for speed
//! ```
//!
//! `wire` and `chat` touch no JavaScript, no clock and no network: they compile natively and are tested
//! there, and again on wasm32. Which of many tabs speaks for a chat is the package `trigger-chat-tabs`, in a
//! WebAssembly of its own.

#[cfg(target_arch = "wasm32")]
mod browser;
pub mod chat;
mod text;
pub mod wire;

pub use trigger_chat_base::{rules, time};

#[cfg(target_arch = "wasm32")]
pub use browser::{border::ChatMachine, host::ChatHost};

/// Smaller than the standard library's by 2 kB of compressed WebAssembly, and as fast.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
