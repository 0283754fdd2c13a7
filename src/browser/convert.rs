//! Values that cross the border, both ways.

use js_sys::{JSON, Reflect, TypeError};
use wasm_bindgen::prelude::*;

use super::host::{make_error, persisted_state};
use crate::chat::error::{ChatError, Foreign};
use crate::chat::session::PersistedSession;

/// A member of an object; `undefined` where there is none, also where `object` is no object.
pub(crate) fn get(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(key)).unwrap_or(JsValue::UNDEFINED)
}

/// A member that is a string with something in it.
pub(crate) fn get_string(object: &JsValue, key: &str) -> Option<String> {
    get(object, key).as_string().filter(|text| !text.is_empty())
}

/// `JSON.stringify`; `None` for what has no JSON (`undefined`, a function).
///
/// # Errors
/// What `JSON.stringify` throws, for a circular value say.
pub(crate) fn stringify(value: &JsValue) -> Result<Option<String>, JsValue> {
    JSON::stringify(value).map(|text| JsValue::from(text).as_string())
}

/// The error of a wrong argument.
pub(crate) fn wrong(text: &str) -> JsValue {
    TypeError::new(text).into()
}

/// A count or a seq as JavaScript has numbers: exact up to 2^53, which none of them reaches.
#[allow(clippy::cast_precision_loss)]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// The persisted form as the app gave it. What has another type than it should counts as absent.
///
/// # Errors
/// A `TypeError` when there is no token, as nothing can be restored without one.
pub(crate) fn persisted_from_js(value: &JsValue) -> Result<PersistedSession, JsValue> {
    let Some(public_access_token) = get_string(value, "publicAccessToken") else {
        return Err(wrong("A restored chat session needs its `publicAccessToken`, a string."));
    };
    // What is no whole number from zero on is none that the service could have given.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let active_input_seq = get(value, "activeInputSeq")
        .as_f64()
        .map(|seq| (seq, seq as u64))
        .and_then(|(seq, whole)| (number(whole) == seq).then_some(whole));
    Ok(PersistedSession {
        public_access_token,
        last_event_id: get_string(value, "lastEventId"),
        active_input_seq,
        is_streaming: get(value, "isStreaming").as_bool(),
        closed: get(value, "closed").is_truthy(),
        closed_reason: get_string(value, "closedReason"),
    })
}

/// The persisted form as the app stores it.
pub(crate) fn persisted_to_js(session: &PersistedSession) -> JsValue {
    persisted_state(
        &session.public_access_token,
        session.last_event_id.as_deref(),
        session.active_input_seq.map(number),
        session.is_streaming,
        session.closed.then_some(true),
        session.closed_reason.as_deref(),
    )
}

/// Wraps what JavaScript threw.
pub(super) fn foreign(thrown: JsValue) -> ChatError {
    ChatError::Foreign(Foreign::new(thrown))
}

/// The `Error` that the app gets. What its own code threw comes back as it was.
pub(crate) fn error_to_js(error: &ChatError) -> JsValue {
    let plain = |name, text| make_error(name, text, None, None, None, None);
    match error {
        ChatError::Api(error) => make_error(
            "TriggerApiError",
            &error.message,
            Some(error.status),
            error.code.as_deref(),
            error.closed_reason.as_deref(),
            None,
        ),
        ChatError::Unproven { part_id } => make_error(
            "TriggerApiError",
            "It is not known whether the message has arrived: the service takes it for a repeat, and \
             it is not among the chat's records.",
            None,
            Some("send_unproven"),
            None,
            Some(&part_id.0),
        ),
        ChatError::Aborted => plain("AbortError", "The chat request was aborted."),
        ChatError::Other(text) => plain("Error", text),
        ChatError::Foreign(thrown) => thrown.get::<JsValue>().cloned().unwrap_or_default(),
    }
}
