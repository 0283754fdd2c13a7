//! A drop-in chat transport for the browser: the AI SDK's `ChatTransport` contract, spoken to
//! Trigger.dev Sessions.
//!
//! The crate is built in layers; arrows run down only:
//!
//! ```text
//! transport   the class that JavaScript sees; wires machines to drivers   (wasm32 only)
//! browser     the drivers: fetch, streams, timers, callbacks             (wasm32 only)
//! chat        one chat's state machines: facts in, orders out
//! tabs        which tab speaks for a chat: facts in, orders out
//! wire        the wire format: bytes and text; what runs for every byte is compiled for speed
//! ```
//!
//! `wire`, `chat` and `tabs` touch no JavaScript, no clock and no network: they compile natively and are
//! tested there, and again on wasm32.

#[cfg(target_arch = "wasm32")]
mod browser;
pub mod chat;
pub mod rules;
pub mod tabs;
mod text;
pub mod time;
#[cfg(target_arch = "wasm32")]
mod transport;
pub mod wire;

#[cfg(target_arch = "wasm32")]
pub use browser::claim::TabClaim;
#[cfg(target_arch = "wasm32")]
pub use transport::ChatTransport;

/// Smaller than the standard library's by 2 kB of compressed WebAssembly, and as fast.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
