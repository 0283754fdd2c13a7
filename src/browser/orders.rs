//! Orders, as the host reads them: JSON objects in an array.

use crate::chat::action::{Action, Answer};
use crate::chat::connection::ConnectionState;
use crate::chat::error::{ChatError, Foreign};
use crate::chat::event::{Attribution, ChatEvent, ClosedSource, PendingVersionSource, SendReport};
use crate::chat::session::PersistedSession;
use crate::text::{decimal, digit};
use crate::time::Time;

/// Orders that are being written. A member without a value is left out.
pub(super) struct Orders {
    /// An array, or an object, without its end.
    json: String,
}

impl Orders {
    /// No order so far.
    pub(super) fn new() -> Self {
        Self { json: "[".to_owned() }
    }

    /// The array.
    pub(super) fn into_json(self) -> String {
        self.json + "]"
    }

    /// Begins an order.
    pub(super) fn begin(&mut self, kind: &str) {
        self.separate();
        self.json += "{";
        self.text("type", Some(kind));
    }

    /// What comes is an item of its own, or the first one.
    fn separate(&mut self) {
        if !matches!(self.json.as_bytes().last(), Some(b'[' | b'{')) {
            self.json += ",";
        }
    }

    /// Ends it, or an object in it.
    pub(super) fn end(&mut self) {
        self.json += "}";
    }

    pub(super) fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    pub(super) fn moment(&mut self, name: &str, value: Option<Time>) {
        self.number(name, value.map(Time::as_millis));
    }

    fn number(&mut self, name: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.raw(name, &decimal(value));
        }
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.raw(name, "");
            self.string(value);
        }
    }

    fn raw(&mut self, name: &str, value: &str) {
        self.separate();
        self.string(name);
        self.json += ":";
        self.json += value;
    }

    fn string(&mut self, text: &str) {
        push_string(&mut self.json, text);
    }

    fn id(&mut self, id: u32) {
        self.number("id", Some(id.into()));
    }

    pub(super) fn action(&mut self, action: &Action) {
        match action {
            Action::StartSession => self.begin("startSession"),
            Action::RefreshToken => self.begin("refreshToken"),
            Action::Append { request, token, part_id, body } => {
                self.begin("append");
                self.id(request.0);
                self.text("token", Some(token));
                self.text("partId", Some(&part_id.0));
                self.text("body", Some(body));
            }
            Action::HeadStart { request, body } => {
                self.begin("headStart");
                self.id(request.0);
                self.text("body", Some(body));
            }
            Action::ListInput { request, token, after } => {
                self.begin("listInput");
                self.id(request.0);
                self.text("token", Some(token));
                self.number("after", *after);
            }
            Action::Subscribe { request, token, last_event_id, peek_settled } => {
                self.begin("subscribe");
                self.id(request.0);
                self.text("token", Some(token));
                self.text("lastEventId", last_event_id.as_deref());
                self.flag("peekSettled", *peek_settled);
            }
            Action::Read { request, rest_ms } => {
                self.begin("read");
                self.id(request.0);
                self.number("restMs", Some(*rest_ms));
            }
            Action::CancelRequest { request } => {
                self.begin("cancelRequest");
                self.id(request.0);
            }
            Action::OpenStream { call, stream } => {
                self.begin("openStream");
                self.id(stream.0);
                self.number("call", Some(call.0.into()));
            }
            Action::Emit { stream, chunks } => {
                self.begin("emit");
                self.id(stream.0);
                self.raw("chunks", chunks);
            }
            Action::Settle { stream, input_seq, session_in_event_id, last_event_id } => {
                self.begin("settle");
                self.id(stream.0);
                self.number("inputSeq", Some(*input_seq));
                self.text("sessionInEventId", Some(session_in_event_id));
                self.text("lastEventId", last_event_id.as_deref());
            }
            Action::CloseStream { stream } => {
                self.begin("closeStream");
                self.id(stream.0);
            }
            Action::FailStream { stream, error } => {
                self.begin("failStream");
                self.id(stream.0);
                self.error(error);
            }
            Action::Resolve { call, answer } => {
                self.begin("resolve");
                self.id(call.0);
                self.answer(answer);
            }
            Action::Reject { call, error } => {
                self.begin("reject");
                self.id(call.0);
                self.error(error);
            }
            Action::Persist(session) => {
                self.begin("persist");
                self.raw("state", &state_to_json(session));
            }
            Action::Forget => {
                self.begin("persist");
                self.raw("state", "null");
            }
            Action::Tell(event) => {
                self.begin("tellEvent");
                self.raw("event", "{");
                self.event(event);
                self.end();
            }
        }
        self.end();
    }

    fn answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Session(session) => self.raw("answer", &state_to_json(session)),
            Answer::Delivered(was_delivered) => self.flag("answer", *was_delivered),
            Answer::Nothing => self.raw("answer", "null"),
        }
    }

    /// What the app's own code threw is named, and comes back as it was.
    fn error(&mut self, error: &ChatError) {
        self.raw("error", "{");
        match error {
            ChatError::Api(api) => {
                self.text("name", Some("TriggerApiError"));
                self.text("message", Some(&api.message));
                self.number("status", Some(api.status.into()));
                self.text("code", api.code.as_deref());
                self.text("closedReason", api.closed_reason.as_deref());
            }
            ChatError::Unproven { part_id } => {
                self.text("name", Some("TriggerApiError"));
                self.text(
                    "message",
                    Some("The message may have arrived: whether it has could not be settled in time."),
                );
                self.text("code", Some("send_unproven"));
                self.text("partId", Some(&part_id.0));
            }
            // The host has an error for what has no message.
            ChatError::Aborted => {}
            ChatError::Other(message) => self.text("message", Some(message)),
            ChatError::Foreign(Foreign(thrown)) => self.number("thrown", Some((*thrown).into())),
        }
        self.end();
    }

    pub(super) fn connection(&mut self, state: ConnectionState) {
        self.begin("tellConnection");
        let status = match state {
            ConnectionState::Idle => "idle",
            ConnectionState::Connecting => "connecting",
            ConnectionState::Live => "live",
            ConnectionState::Waiting => "waiting",
            ConnectionState::Reconnecting { .. } => "reconnecting",
            ConnectionState::Offline => "offline",
            ConnectionState::Closed => "closed",
        };
        self.text("status", Some(status));
        if let ConnectionState::Reconnecting { attempt, next_try } = state {
            self.number("attempt", Some(attempt.into()));
            self.moment("nextTry", next_try);
        }
        self.end();
    }

    fn event(&mut self, event: &ChatEvent) {
        let kind = match event {
            ChatEvent::MessageSent(report) => {
                self.report(report);
                "message-sent"
            }
            ChatEvent::MessageSendFailed(report, cause) => {
                self.report(report);
                self.cause(cause);
                "message-send-failed"
            }
            ChatEvent::StreamConnected { resumed, last_event_id, message_id } => {
                self.flag("resumed", *resumed);
                self.text("lastEventId", last_event_id.as_deref());
                self.text("messageId", message_id.as_deref());
                "stream-connected"
            }
            ChatEvent::FirstChunk { chunk_type, last_event_id, attribution } => {
                self.text("chunkType", chunk_type.as_deref());
                self.text("lastEventId", last_event_id.as_deref());
                self.attribution(attribution);
                "first-chunk"
            }
            ChatEvent::TurnCompleted { last_event_id, session_in_event_id, attribution } => {
                self.text("lastEventId", last_event_id.as_deref());
                self.text("sessionInEventId", session_in_event_id.as_deref());
                self.attribution(attribution);
                "turn-completed"
            }
            ChatEvent::StreamError(cause) => {
                self.cause(cause);
                "stream-error"
            }
            ChatEvent::SessionClosed { reason, source } => {
                self.text("reason", reason.as_deref());
                self.text(
                    "source",
                    Some(match source {
                        ClosedSource::Stream => "stream",
                        ClosedSource::Append => "append",
                    }),
                );
                "session-closed"
            }
            ChatEvent::RunPendingVersion(source) => {
                self.text(
                    "source",
                    Some(match source {
                        PendingVersionSource::Start => "start",
                        PendingVersionSource::Send => "send",
                        PendingVersionSource::HeadStart => "head-start",
                        PendingVersionSource::Upgrade => "upgrade",
                    }),
                );
                "run-pending-version"
            }
        };
        self.text("type", Some(kind));
    }

    fn report(&mut self, report: &SendReport) {
        self.text("source", Some(report.source.name()));
        self.text("messageId", report.message_id.as_deref());
        self.text("partId", report.part_id.as_deref());
        self.number("durationMs", Some(report.duration_ms));
        self.number("bodyBytes", u64::try_from(report.body_bytes).ok());
    }

    fn attribution(&mut self, attribution: &Attribution) {
        self.text("messageId", attribution.message_id.as_deref());
        self.number("sinceSendMs", attribution.since_send_ms);
    }

    fn cause(&mut self, cause: &ChatError) {
        self.number("status", cause.status().map(u64::from));
        self.error(cause);
    }
}

/// The persisted form as the app stores it.
pub(super) fn state_to_json(session: &PersistedSession) -> String {
    let mut state = Orders { json: "{".to_owned() };
    state.text("publicAccessToken", Some(&session.public_access_token));
    state.text("lastEventId", session.last_event_id.as_deref());
    state.number("activeInputSeq", session.active_input_seq);
    if let Some(is_streaming) = session.is_streaming {
        state.flag("isStreaming", is_streaming);
    }
    if session.closed {
        state.flag("closed", true);
    }
    state.text("closedReason", session.closed_reason.as_deref());
    state.end();
    state.json
}

/// Appends a JSON string.
fn push_string(json: &mut String, text: &str) {
    *json += "\"";
    let mut rest = text;
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    while let Some(at) = rest.as_bytes().iter().position(is_special) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or_default();
        let (special, behind) = special.split_at_checked(1).unwrap_or_default();
        *json += plain;
        match special {
            "\"" | "\\" => {
                *json += "\\";
                *json += special;
            }
            control => {
                *json += "\\u00";
                for byte in control.bytes() {
                    *json += digit(byte >> 4);
                    *json += digit(byte & 15);
                }
            }
        }
        rest = behind;
    }
    *json += rest;
    *json += "\"";
}
