//! Values that cross the border, both ways.

use wasm_bindgen::prelude::*;

use super::host::{
    get_flag, get_number, get_string, make_error, new_object, set_flag, set_number, set_string,
};
use crate::chat::error::{ChatError, Foreign};
use crate::chat::session::PersistedSession;

/// A count or a seq as JavaScript has numbers: exact up to 2^53, which none of them reaches.
#[allow(clippy::cast_precision_loss)]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// The persisted form as the app gave it, or another tab, which does not tell the token. What has another
/// type than it should counts as absent.
pub(super) fn persisted_from_js(value: &JsValue) -> PersistedSession {
    // What is no whole number from zero on is none that the service could have given.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let active_input_seq = get_number(value, "activeInputSeq")
        .map(|seq| (seq, seq as u64))
        .and_then(|(seq, whole)| (number(whole) == seq).then_some(whole));
    PersistedSession {
        public_access_token: get_string(value, "publicAccessToken").unwrap_or_default(),
        last_event_id: get_string(value, "lastEventId"),
        active_input_seq,
        is_streaming: get_flag(value, "isStreaming"),
        closed: get_flag(value, "closed") == Some(true),
        closed_reason: get_string(value, "closedReason"),
    }
}

/// The persisted form as the app stores it.
pub(super) fn persisted_to_js(session: &PersistedSession) -> JsValue {
    let state = new_object();
    set_string(&state, "publicAccessToken", Some(&session.public_access_token));
    set_string(&state, "lastEventId", session.last_event_id.as_deref());
    set_number(&state, "activeInputSeq", session.active_input_seq.map(number));
    set_flag(&state, "isStreaming", session.is_streaming);
    set_flag(&state, "closed", session.closed.then_some(true));
    set_string(&state, "closedReason", session.closed_reason.as_deref());
    state
}

/// Wraps what JavaScript threw.
pub(super) fn foreign(thrown: JsValue) -> ChatError {
    ChatError::Foreign(Foreign::new(thrown))
}

/// The `Error` that the app gets. What its own code threw comes back as it was.
pub(super) fn error_to_js(error: &ChatError) -> JsValue {
    match error {
        ChatError::Api(api) => {
            let error = make_error("TriggerApiError", &api.message);
            set_number(&error, "status", Some(api.status.into()));
            set_string(&error, "code", api.code.as_deref());
            set_string(&error, "closedReason", api.closed_reason.as_deref());
            error
        }
        ChatError::Unproven { part_id } => {
            let error = make_error(
                "TriggerApiError",
                "It is not known whether the message has arrived: an attempt may have landed, and \
                 that could not be proven in time.",
            );
            set_string(&error, "code", Some("send_unproven"));
            set_string(&error, "partId", Some(&part_id.0));
            error
        }
        ChatError::Aborted => make_error("AbortError", "The chat request was aborted."),
        ChatError::Other(text) => make_error("Error", text),
        ChatError::Foreign(thrown) => thrown.get::<JsValue>().cloned().unwrap_or_default(),
    }
}
