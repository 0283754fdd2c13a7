//! Tests that run in real browsers through `wasm-pack test`; see `tests/`.
