//! One chat's machine, as JavaScript drives it: facts come in as objects, orders go out as calls of the host.
//! No borrow is held while JavaScript runs, for it may call straight back.

use std::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use super::convert::{error_to_js, foreign, number, persisted_from_js, persisted_to_js};
use super::host::{
    self, ChatHost, Options, get, get_flag, get_number, get_string, set_flag, set_number,
    set_string, set_value,
};
use crate::chat::Chat;
use crate::chat::action::{Action, Answer, CallId, Head, Input, PartId, RequestId, Send, StreamId};
use crate::chat::connection::ConnectionState;
use crate::chat::error::{ChatError, Foreign};
use crate::chat::event::{
    Attribution, ChatEvent, ClosedSource, PendingVersionSource, SendReport, SendSource,
};
use crate::chat::session::PersistedSession;
use crate::time::{Time, milliseconds};

/// Opens a chat of a transport with these `CoreOptions` (`js/src/options.ts`). `seed`, of any value, decides
/// the jitter of its waits. Nothing happens before its first call: no request, no timer, no listener.
#[wasm_bindgen(js_name = openChat)]
pub fn open_chat(options: &Options, chat_id: &str, seed: f64) -> ChatHost {
    let machine = ChatMachine {
        machine: RefCell::new(Chat::new(chat_id.to_owned(), false, seed.to_bits())),
        orders: RefCell::default(),
        is_carrying_out: Cell::default(),
        timer: Cell::default(),
        connection: Cell::new(ConnectionState::Idle),
        is_watching: Cell::default(),
    };
    ChatHost::new(options, chat_id, machine)
}

/// The machine of one chat. Its host has it, and not the other way round: what is under way keeps both, and
/// where nothing is, nobody has to let go of them.
#[wasm_bindgen]
pub struct ChatMachine {
    machine: RefCell<Chat>,
    orders: RefCell<Vec<Action>>,
    is_carrying_out: Cell<bool>,
    timer: Cell<Option<Time>>,
    connection: Cell<ConnectionState>,
    /// The host tells of the network and the page.
    is_watching: Cell<bool>,
}

/// Each fact is told with the host's time, in milliseconds. What a read does crosses as arguments. All else is
/// rare, and crosses as an object with a `type`: each method of its own would be a sizeable part of the module.
#[wasm_bindgen]
#[allow(missing_docs)]
impl ChatMachine {
    pub fn wanted(&self, now: f64, stream: u32) {
        self.handle(now, Input::Wanted { stream: StreamId(stream) });
    }

    /// The next bytes of a body; none at its end.
    #[wasm_bindgen(js_name = wasRead)]
    pub fn was_read(&self, now: f64, request: u32, bytes: Option<Box<[u8]>>) {
        let request = RequestId(request);
        let input = match &bytes {
            Some(bytes) => Input::Bytes { request, bytes },
            None => Input::Ended { request },
        };
        self.handle(now, input);
    }

    /// See [`Input`] for what the facts mean. `id` is that of the call, the stream or the request.
    pub fn tell(&self, now: f64, fact: &JsValue) {
        let flag = |name| get_flag(fact, name) == Some(true);
        let maybe_text = |name| get_string(fact, name);
        let text = |name| maybe_text(name).unwrap_or_default();
        let part_id = || maybe_text("partId").map(PartId);
        let thrown = || get(fact, "thrown");
        let retry_after_ms = || get_number(fact, "retryAfterMs").map(milliseconds);
        let session = || persisted_from_js(&get(fact, "session"));
        let whole = |name| whole(get_number(fact, name));
        let id = whole("id");
        let status = || u16::try_from(whole("status")).unwrap_or_default();
        let call = CallId(id);
        let request = RequestId(id);
        let send = || Send {
            source: SendSource::from_name(&text("source")),
            message_id: maybe_text("messageId"),
            body: text("body"),
            part_id: part_id().unwrap_or_default(),
            head_start: maybe_text("headStart"),
        };
        let body;
        let input = match &*text("type") {
            "options" => return self.set_options(fact),
            "restored" => {
                let session = session();
                return self.machine.borrow_mut().restore(session);
            }
            "send" => Input::Send { call, send: send() },
            "steer" => Input::Steer { call, send: send() },
            "reconnect" => Input::Reconnect { call },
            "start" => Input::Start { call },
            "stop" => Input::Stop { call, part_id: part_id().unwrap_or_default() },
            "session" => Input::SetSession(session()),
            // Whatever another tab says, a token is the app's to give.
            "adopt" => {
                Input::Adopt(PersistedSession { public_access_token: String::new(), ..session() })
            }
            "cursor" => Input::SeedCursor(text("lastEventId")),
            "died" => Input::ClearGate,
            "retry" => Input::Retry,
            "disposed" => Input::Disposed,
            "aborted" => Input::Aborted { call, stop: part_id() },
            "cancelled" => Input::Cancelled { stream: StreamId(id) },
            "sessionStarted" => Input::SessionStarted {
                token: text("token"),
                pending_version: flag("pendingVersion"),
            },
            "startFailed" => Input::StartFailed(foreign(thrown())),
            "tokenReady" => Input::TokenReady(text("token")),
            "tokenFailed" => Input::TokenFailed(foreign(thrown())),
            "answered" => {
                body = text("body");
                let retry_after_ms = retry_after_ms();
                Input::Answered { request, status: status(), retry_after_ms, body: &body }
            }
            "connected" => {
                let head = Head {
                    status: status(),
                    is_event_stream: flag("isEventStream"),
                    is_v2: flag("isV2"),
                    is_settled: flag("isSettled"),
                    retry_after_ms: retry_after_ms(),
                };
                Input::Connected { request, head }
            }
            "headStarted" => Input::HeadStarted {
                request,
                status: status(),
                token: maybe_text("token"),
                pending_version: flag("pendingVersion"),
            },
            "networkFailed" => Input::NetworkFailed { request, error: Foreign::new(thrown()) },
            "online" => Input::Online,
            "offline" => Input::Offline,
            "shown" => Input::Shown,
            "putAway" => Input::PutAway,
            "hidden" => Input::Hidden,
            // "woken"
            _ => {
                self.timer.take();
                Input::Woken
            }
        };
        self.handle(now, input);
    }

    /// Has the host carry out what the facts have brought about. What it does may bring new facts, by way of
    /// the app's callbacks; what those order comes after.
    #[wasm_bindgen(js_name = carryOut)]
    pub fn carry_out(&self, host: &ChatHost) {
        if self.is_carrying_out.replace(true) {
            return;
        }
        loop {
            let orders = self.orders.take();
            if orders.is_empty() {
                break;
            }
            for order in &orders {
                carry_out(order, host);
            }
        }
        self.is_carrying_out.set(false);
        self.set_timer(host);
        self.tell_connection(host);
        let is_active = self.machine.borrow().is_active();
        if self.is_watching.replace(is_active) != is_active {
            host.watch(is_active);
        }
    }

    /// The persisted state of the chat's session, or `undefined`.
    pub fn session(&self) -> JsValue {
        let session = self.machine.borrow().session();
        session.as_ref().map_or(JsValue::UNDEFINED, persisted_to_js)
    }
}

impl ChatMachine {
    fn handle(&self, now: f64, input: Input<'_>) {
        let now = Time::from_millis(milliseconds(now));
        self.machine.borrow_mut().handle(now, input, &mut self.orders.borrow_mut());
    }

    fn set_options(&self, options: &JsValue) {
        let flag = |name| get_flag(options, name);
        let (can_start, coalesce, watch) = (flag("canStart"), flag("coalesce"), flag("watch"));
        let timeout = get_number(options, "sendTimeoutSeconds");
        let mut machine = self.machine.borrow_mut();
        machine.set_can_start_session(can_start == Some(true));
        machine.set_coalesces(coalesce != Some(false));
        machine.set_watches(watch == Some(true));
        if let Some(seconds) = timeout {
            machine.set_send_timeout(milliseconds(seconds * 1_000.0));
        }
    }

    fn set_timer(&self, host: &ChatHost) {
        let deadline = self.machine.borrow().deadline();
        if self.timer.replace(deadline) != deadline {
            host.set_timer(deadline.map_or(f64::INFINITY, moment));
        }
    }

    /// Tells the app how the connection is, where that has changed.
    fn tell_connection(&self, host: &ChatHost) {
        let state = self.machine.borrow().connection();
        if self.connection.replace(state) == state {
            return;
        }
        let (attempt, next_try) = match state {
            ConnectionState::Reconnecting { attempt, next_try } => (Some(attempt), next_try),
            _ => (None, None),
        };
        let object = host::new_object();
        set_string(&object, "status", Some(connection_name(state)));
        set_number(&object, "attempt", attempt.map(f64::from));
        set_number(&object, "nextTry", next_try.map(moment));
        host.order("tellConnection", &object);
    }
}

/// As with facts, what a read does crosses as arguments, and all else as an object: `host.js` has a method for
/// each type.
fn carry_out(order: &Action, host: &ChatHost) {
    match order {
        Action::Read { request, rest_ms } => return host.read(request.0, number(*rest_ms)),
        Action::Emit { stream, chunks } => return host.emit(stream.0, chunks),
        _ => {}
    }
    let object = host::new_object();
    let id = |id: u32| set_number(&object, "id", Some(id.into()));
    let text = |name: &str, value: &str| set_string(&object, name, Some(value));
    let maybe_text =
        |name: &str, value: &Option<String>| set_string(&object, name, value.as_deref());
    let value = |name: &str, value: JsValue| set_value(&object, name, &value);
    let kind = match order {
        // Done.
        Action::Read { .. } | Action::Emit { .. } => return,
        Action::StartSession => "startSession",
        Action::RefreshToken => "refreshToken",
        Action::Append { request, token, part_id, body } => {
            id(request.0);
            text("token", token);
            text("partId", &part_id.0);
            text("body", body);
            "append"
        }
        Action::HeadStart { request, body } => {
            id(request.0);
            text("body", body);
            "headStart"
        }
        Action::ListInput { request, token, after } => {
            id(request.0);
            text("token", token);
            set_number(&object, "after", after.map(number));
            "listInput"
        }
        Action::Subscribe { request, token, last_event_id, peek_settled } => {
            id(request.0);
            text("token", token);
            maybe_text("lastEventId", last_event_id);
            set_flag(&object, "peekSettled", Some(*peek_settled));
            "subscribe"
        }
        Action::CancelRequest { request } => {
            id(request.0);
            "cancelRequest"
        }
        Action::OpenStream { call, stream } => {
            id(stream.0);
            set_number(&object, "call", Some(call.0.into()));
            "openStream"
        }
        Action::Settle { stream, input_seq, session_in_event_id, last_event_id } => {
            id(stream.0);
            set_number(&object, "inputSeq", Some(number(*input_seq)));
            text("sessionInEventId", session_in_event_id);
            maybe_text("lastEventId", last_event_id);
            "settle"
        }
        Action::CloseStream { stream } => {
            id(stream.0);
            "closeStream"
        }
        Action::FailStream { stream, error } => {
            id(stream.0);
            value("error", error_to_js(error));
            "failStream"
        }
        Action::Resolve { call, answer } => {
            id(call.0);
            value("answer", answer_to_js(answer));
            "resolve"
        }
        Action::Reject { call, error } => {
            id(call.0);
            value("error", error_to_js(error));
            "reject"
        }
        Action::Persist(session) => {
            value("state", persisted_to_js(session));
            "persist"
        }
        Action::Forget => {
            value("state", JsValue::NULL);
            "persist"
        }
        Action::Tell(event) => {
            tell_event(&object, event);
            "tellEvent"
        }
    };
    host.order(kind, &object);
}

fn answer_to_js(answer: &Answer) -> JsValue {
    match answer {
        Answer::Session(session) => persisted_to_js(session),
        Answer::Delivered(was_delivered) => (*was_delivered).into(),
        Answer::Nothing => JsValue::NULL,
    }
}

fn connection_name(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Idle => "idle",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Live => "live",
        ConnectionState::Waiting => "waiting",
        ConnectionState::Reconnecting { .. } => "reconnecting",
        ConnectionState::Offline => "offline",
        ConnectionState::Closed => "closed",
    }
}

fn tell_event(object: &JsValue, event: &ChatEvent) {
    let text = |name: &str, value: Option<&str>| set_string(object, name, value);
    let attribute = |attribution: &Attribution| {
        text("messageId", attribution.message_id.as_deref());
        set_number(object, "sinceSendMs", attribution.since_send_ms.map(number));
    };
    let mut error = None;
    let kind = match event {
        ChatEvent::MessageSent(report) => {
            tell_report(object, report);
            "message-sent"
        }
        ChatEvent::MessageSendFailed(report, cause) => {
            tell_report(object, report);
            error = Some(cause);
            "message-send-failed"
        }
        ChatEvent::StreamConnected { resumed, last_event_id, message_id } => {
            set_flag(object, "resumed", Some(*resumed));
            text("lastEventId", last_event_id.as_deref());
            text("messageId", message_id.as_deref());
            "stream-connected"
        }
        ChatEvent::FirstChunk { chunk_type, last_event_id, attribution } => {
            text("chunkType", chunk_type.as_deref());
            text("lastEventId", last_event_id.as_deref());
            attribute(attribution);
            "first-chunk"
        }
        ChatEvent::TurnCompleted { last_event_id, session_in_event_id, attribution } => {
            text("lastEventId", last_event_id.as_deref());
            text("sessionInEventId", session_in_event_id.as_deref());
            attribute(attribution);
            "turn-completed"
        }
        ChatEvent::StreamError(cause) => {
            error = Some(cause);
            "stream-error"
        }
        ChatEvent::SessionClosed { reason, source } => {
            text("reason", reason.as_deref());
            text(
                "source",
                Some(match source {
                    ClosedSource::Stream => "stream",
                    ClosedSource::Append => "append",
                }),
            );
            "session-closed"
        }
        ChatEvent::RunPendingVersion(source) => {
            text(
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
    text("type", Some(kind));
    set_number(object, "status", error.and_then(ChatError::status).map(f64::from));
    if let Some(error) = error {
        set_value(object, "error", &error_to_js(error));
    }
}

fn tell_report(event: &JsValue, report: &SendReport) {
    set_string(event, "source", Some(report.source.name()));
    set_string(event, "messageId", report.message_id.as_deref());
    set_string(event, "partId", report.part_id.as_deref());
    set_number(event, "durationMs", Some(number(report.duration_ms)));
    set_number(event, "bodyBytes", u32::try_from(report.body_bytes).ok().map(f64::from));
}

/// A moment on the host's clock.
fn moment(at: Time) -> f64 {
    number(at.as_millis())
}

/// An id, or an HTTP status.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: Option<f64>) -> u32 {
    number.unwrap_or_default() as u32
}
