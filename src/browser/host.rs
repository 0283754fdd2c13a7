//! The functions of `host.js`, and the host's clock and randomness.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::driver::Inbox;
use crate::chat::action::PartId;
use crate::chat::time::Time;

#[wasm_bindgen(module = "/src/browser/host.js")]
extern "C" {
    /// The transport's options, checked. The callbacks in them are live.
    #[derive(Clone)]
    pub(crate) type Options;

    #[wasm_bindgen(js_name = readOptions, catch)]
    pub(crate) fn read_options(options: &JsValue) -> Result<Options, JsValue>;

    #[wasm_bindgen(js_name = setOption, catch)]
    pub(crate) fn set_option(options: &Options, name: &str, value: &JsValue)
    -> Result<(), JsValue>;

    #[wasm_bindgen(js_name = metadataJson, catch)]
    pub(crate) fn metadata_json(
        options: &Options,
        metadata: &JsValue,
    ) -> Result<Option<String>, JsValue>;

    pub(crate) fn last(list: &JsValue) -> JsValue;

    #[wasm_bindgen(js_name = persistedState)]
    pub(super) fn persisted_state(
        public_access_token: &str,
        last_event_id: Option<&str>,
        active_input_seq: Option<f64>,
        is_streaming: Option<bool>,
        closed: Option<bool>,
        closed_reason: Option<&str>,
    ) -> JsValue;

    #[wasm_bindgen(js_name = makeError)]
    pub(super) fn make_error(
        name: &str,
        message: &str,
        status: Option<u16>,
        code: Option<&str>,
        closed_reason: Option<&str>,
        part_id: Option<&str>,
    ) -> JsValue;

    #[wasm_bindgen(js_name = randomUuid)]
    fn random_uuid() -> String;

    #[wasm_bindgen(js_name = now)]
    fn host_now() -> f64;

    #[wasm_bindgen(js_name = randomSeed)]
    pub(super) fn random_seed() -> f64;

    /// Carries out the orders of one chat.
    pub(super) type ChatHost;

    #[wasm_bindgen(constructor)]
    pub(super) fn new(options: &Options, chat_id: &str, inbox: Inbox) -> ChatHost;

    #[wasm_bindgen(method, js_name = openCall)]
    pub(super) fn open_call(
        this: &ChatHost,
        id: u32,
        signal: &JsValue,
        stops_turn: Option<bool>,
    ) -> Promise;
    #[wasm_bindgen(method)]
    pub(super) fn resolve(this: &ChatHost, id: u32, value: &JsValue);
    #[wasm_bindgen(method)]
    pub(super) fn reject(this: &ChatHost, id: u32, error: &JsValue);

    #[wasm_bindgen(method, js_name = openStream)]
    pub(super) fn open_stream(this: &ChatHost, call: u32, id: u32);
    #[wasm_bindgen(method)]
    pub(super) fn emit(this: &ChatHost, id: u32, chunks: &str);
    #[wasm_bindgen(method, js_name = closeStream)]
    pub(super) fn close_stream(this: &ChatHost, id: u32);
    #[wasm_bindgen(method, js_name = failStream)]
    pub(super) fn fail_stream(this: &ChatHost, id: u32, error: &JsValue);

    #[wasm_bindgen(method, js_name = startSession)]
    pub(super) fn start_session(this: &ChatHost);
    #[wasm_bindgen(method, js_name = refreshToken)]
    pub(super) fn refresh_token(this: &ChatHost);
    #[wasm_bindgen(method)]
    pub(super) fn persist(this: &ChatHost, state: &JsValue);
    #[wasm_bindgen(method)]
    #[allow(clippy::too_many_arguments)]
    pub(super) fn tell(
        this: &ChatHost,
        kind: &str,
        source: Option<&str>,
        message_id: Option<&str>,
        last_event_id: Option<&str>,
        duration_ms: Option<f64>,
        part_id: Option<&str>,
        body_bytes: Option<u32>,
        resumed: Option<bool>,
        chunk_type: Option<&str>,
        session_in_event_id: Option<&str>,
        since_send_ms: Option<f64>,
        reason: Option<&str>,
        error: &JsValue,
        status: Option<u16>,
    );

    #[wasm_bindgen(method, js_name = tellConnection)]
    pub(super) fn tell_connection(
        this: &ChatHost,
        status: &str,
        attempt: Option<u32>,
        delay_ms: Option<f64>,
    );

    #[wasm_bindgen(method)]
    pub(super) fn append(this: &ChatHost, id: u32, token: &str, part_id: &str, body: &str);
    #[wasm_bindgen(method, js_name = listInput)]
    pub(super) fn list_input(this: &ChatHost, id: u32, token: &str, after: Option<f64>);
    #[wasm_bindgen(method)]
    pub(super) fn subscribe(
        this: &ChatHost,
        id: u32,
        token: &str,
        last_event_id: Option<&str>,
        peek_settled: bool,
    );
    #[wasm_bindgen(method)]
    pub(super) fn read(this: &ChatHost, id: u32);
    #[wasm_bindgen(method, js_name = cancelRequest)]
    pub(super) fn cancel_request(this: &ChatHost, id: u32);

    #[wasm_bindgen(method, js_name = setTimer)]
    pub(super) fn set_timer(this: &ChatHost, delay_ms: Option<f64>);
    #[wasm_bindgen(method)]
    pub(super) fn watch(this: &ChatHost, is_wanted: bool);
}

/// The time of now, on a clock that never goes back, nor stands still while the machine sleeps.
pub(super) fn now() -> Time {
    Time::from_millis(milliseconds(host_now()))
}

/// A duration or a moment, as JavaScript has them: exact for the next 285,000 years. What is below
/// zero, or no number, is zero.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn milliseconds(number: f64) -> u64 {
    number as u64
}

pub(crate) fn random_part_id() -> PartId {
    PartId(random_uuid())
}
