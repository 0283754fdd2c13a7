//! The functions of `host.js`.

use wasm_bindgen::prelude::*;

use super::border::ChatMachine;

/// What `js/src` calls of a host.
#[wasm_bindgen(typescript_custom_section)]
const CHAT_HOST: &str = "
export interface ChatHost {
  call(type: string, options: object): Promise<any>;
  tell(fact: { type: string; [member: string]: unknown }): void;
  session(): any;
}
";

#[wasm_bindgen(module = "/src/browser/host.js")]
extern "C" {
    /// The transport's options, checked. The callbacks in them are live.
    #[wasm_bindgen(typescript_type = "any")]
    #[derive(Debug)]
    pub type Options;

    pub(super) fn get(object: &JsValue, key: &str) -> JsValue;
    #[wasm_bindgen(js_name = getString)]
    pub(super) fn get_string(object: &JsValue, key: &str) -> Option<String>;
    #[wasm_bindgen(js_name = getNumber)]
    pub(super) fn get_number(object: &JsValue, key: &str) -> Option<f64>;
    #[wasm_bindgen(js_name = getFlag)]
    pub(super) fn get_flag(object: &JsValue, key: &str) -> Option<bool>;

    #[wasm_bindgen(js_name = newObject)]
    pub(super) fn new_object() -> JsValue;
    #[wasm_bindgen(js_name = set)]
    pub(super) fn set_value(object: &JsValue, key: &str, value: &JsValue);
    #[wasm_bindgen(js_name = set)]
    pub(super) fn set_string(object: &JsValue, key: &str, value: Option<&str>);
    #[wasm_bindgen(js_name = set)]
    pub(super) fn set_number(object: &JsValue, key: &str, value: Option<f64>);
    #[wasm_bindgen(js_name = set)]
    pub(super) fn set_flag(object: &JsValue, key: &str, value: Option<bool>);

    #[wasm_bindgen(js_name = makeError)]
    pub(super) fn make_error(name: &str, message: &str) -> JsValue;

    /// Carries out the orders of one chat.
    #[wasm_bindgen(typescript_type = "ChatHost")]
    #[derive(Debug)]
    pub type ChatHost;

    #[wasm_bindgen(constructor)]
    pub(super) fn new(options: &Options, chat_id: &str, machine: ChatMachine) -> ChatHost;

    /// Calls the method of that name.
    #[wasm_bindgen(method)]
    pub(super) fn order(this: &ChatHost, name: &str, order: &JsValue);
    #[wasm_bindgen(method)]
    pub(super) fn emit(this: &ChatHost, id: u32, chunks: &str);
    #[wasm_bindgen(method)]
    pub(super) fn read(this: &ChatHost, id: u32, rest_ms: f64);
    #[wasm_bindgen(method, js_name = setTimer)]
    pub(super) fn set_timer(this: &ChatHost, deadline: f64);
    #[wasm_bindgen(method)]
    pub(super) fn watch(this: &ChatHost, is_wanted: bool);
}

// What `host.js` imports: named here as well, so that wasm-bindgen takes the file along.
#[wasm_bindgen(module = "/src/browser/event-source.js")]
extern "C" {
    #[allow(dead_code)]
    #[wasm_bindgen(js_name = eventSourceFetch)]
    fn event_source_fetch(credentials: &str) -> JsValue;
}
