//! Nothing by itself: a home for `tests/`, which run in real browsers through `wasm-pack test`.
