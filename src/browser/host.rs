//! The host, for whoever makes one in Rust: tests. `js/src` makes its own.

use wasm_bindgen::prelude::*;

use super::border::ChatMachine;

#[wasm_bindgen(module = "/src/browser/host.js")]
extern "C" {
    /// A chat's host.
    #[derive(Debug)]
    pub type ChatHost;

    /// The host of a chat with these options (`js/src/options.ts`).
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, chat_id: &str, machine: ChatMachine) -> ChatHost;
}

// What `host.js` imports: named here as well, so that wasm-bindgen takes the file along.
#[wasm_bindgen(module = "/src/browser/event-source.js")]
extern "C" {
    #[allow(dead_code)]
    #[wasm_bindgen(js_name = eventSourceFetch)]
    fn event_source_fetch(credentials: &str) -> JsValue;
}
