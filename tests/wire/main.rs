//! What the wire does with bytes and text: examples, the captures, and properties over generated
//! input. All of it runs natively and again on wasm32.

mod batch;
mod bounds;
mod captures;
mod delivery;
mod event_stream;
mod json_inputs;
mod properties;
mod reference;
mod stream_inputs;
