//! Drives one chat: hands its machine's orders to the host, and the host's facts to the machine.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use wasm_bindgen::prelude::*;

use super::convert::{error_to_js, foreign, number, persisted_to_js};
use super::host::{
    self, ChatHost, Options, Promise, get, get_flag, get_number, get_string, set_flag, set_number,
    set_string,
};
use crate::chat::Chat;
use crate::chat::action::{Action, Answer, CallId, Head, Input, RequestId, StreamId};
use crate::chat::connection::ConnectionState;
use crate::chat::error::{ChatError, Foreign};
use crate::chat::event::{Attribution, ChatEvent, ClosedSource, PendingVersionSource, SendReport};
use crate::chat::session::PersistedSession;
use crate::time::{Time, milliseconds};

/// One chat: its machine and its host.
pub(crate) struct ChatDriver {
    host: ChatHost,
    machine: RefCell<Chat>,
    orders: RefCell<Vec<Action>>,
    is_carrying_out: Cell<bool>,
    last_call: Cell<u32>,
    timer: Cell<Option<Time>>,
    connection: Cell<ConnectionState>,
    /// The host tells of the network and the page.
    is_watching: Cell<bool>,
    /// Itself, while something is under way: a stream must not end because nobody holds the
    /// transport any more.
    keep_alive: RefCell<Option<Rc<Self>>>,
}

impl ChatDriver {
    /// Makes the driver of a chat. `can_start_session`: the app gave a `startSession`.
    pub(crate) fn new(chat_id: &str, options: &Options, can_start_session: bool) -> Rc<Self> {
        let seed = host::random_seed().to_bits();
        let mut machine = Chat::new(chat_id.to_owned(), can_start_session, seed);
        machine.set_coalesces(get_flag(options, "coalesce") != Some(false));
        machine.set_watches(get_flag(options, "watch") == Some(true));
        if let Some(seconds) = get_number(options, "sendTimeoutSeconds") {
            machine.set_send_timeout(milliseconds(seconds * 1_000.0));
        }
        Rc::new_cyclic(|driver| Self {
            host: ChatHost::new(options, chat_id, Inbox(driver.clone())),
            machine: RefCell::new(machine),
            orders: RefCell::default(),
            is_carrying_out: Cell::default(),
            last_call: Cell::default(),
            timer: Cell::default(),
            connection: Cell::new(ConnectionState::Idle),
            is_watching: Cell::default(),
            keep_alive: RefCell::default(),
        })
    }

    pub(crate) fn restore(&self, session: PersistedSession) {
        self.machine.borrow_mut().restore(session);
        self.tell_connection();
    }

    pub(crate) fn session(&self) -> Option<PersistedSession> {
        self.machine.borrow().session()
    }

    pub(crate) fn set_can_start_session(&self, can: bool) {
        self.machine.borrow_mut().set_can_start_session(can);
    }

    /// Makes a promise for a call, and tells the machine about it. The call's options hold its
    /// signal, and whether that stops the turn.
    pub(crate) fn call<'a>(
        self: &Rc<Self>,
        options: &JsValue,
        input: impl FnOnce(CallId) -> Input<'a>,
    ) -> Promise {
        let id = self.last_call.get().wrapping_add(1);
        self.last_call.set(id);
        let promise = self.host.open_call(id, options);
        self.tell(input(CallId(id)));
        promise
    }

    /// Tells the machine a fact, and carries out what it orders. Orders that are carried out may
    /// bring new facts, by way of the app's callbacks; what those order comes after.
    pub(crate) fn tell(self: &Rc<Self>, input: Input<'_>) {
        self.machine.borrow_mut().handle(self.host.now(), input, &mut self.orders.borrow_mut());
        if self.is_carrying_out.replace(true) {
            return;
        }
        loop {
            let orders = self.orders.take();
            if orders.is_empty() {
                break;
            }
            for order in orders {
                self.carry_out(order);
            }
        }
        self.is_carrying_out.set(false);
        self.set_timer();
        self.tell_connection();
        let is_active = self.machine.borrow().is_active();
        self.keep_alive.replace(is_active.then(|| Rc::clone(self)));
        if self.is_watching.replace(is_active) != is_active {
            self.host.watch(is_active);
        }
    }

    fn set_timer(&self) {
        let deadline = self.machine.borrow().deadline();
        if self.timer.replace(deadline) != deadline {
            self.host.set_timer(deadline.map(|at| number(at.since(self.host.now()))));
        }
    }

    /// Tells the app how the connection is, where that has changed.
    fn tell_connection(&self) {
        let state = self.machine.borrow().connection();
        if self.connection.replace(state) == state {
            return;
        }
        let (attempt, next_try) = match state {
            ConnectionState::Reconnecting { attempt, next_try } => (Some(attempt), next_try),
            _ => (None, None),
        };
        let delay_ms = next_try.map(|at| number(at.since(self.host.now())));
        self.host.tell_connection(connection_name(state), attempt, delay_ms);
    }

    fn carry_out(&self, order: Action) {
        let host = &self.host;
        match order {
            Action::StartSession => host.start_session(),
            Action::RefreshToken => host.refresh_token(),
            Action::Append { request, token, part_id, body } => {
                host.append(request.0, &token, &part_id.0, &body);
            }
            Action::HeadStart { request, body } => host.head_start(request.0, &body),
            Action::ListInput { request, token, after } => {
                host.list_input(request.0, &token, after.map(number));
            }
            Action::Subscribe { request, token, last_event_id, peek_settled } => {
                host.subscribe(request.0, &token, last_event_id.as_deref(), peek_settled);
            }
            Action::Read { request, rest_ms } => host.read(request.0, number(rest_ms)),
            Action::CancelRequest { request } => host.cancel_request(request.0),
            Action::OpenStream { call, stream } => host.open_stream(call.0, stream.0),
            Action::Emit { stream, chunks } => host.emit(stream.0, &chunks),
            Action::Settle { stream, input_seq, session_in_event_id, last_event_id } => host
                .settle(
                    stream.0,
                    number(input_seq),
                    &session_in_event_id,
                    last_event_id.as_deref(),
                ),
            Action::CloseStream { stream } => host.close_stream(stream.0),
            Action::FailStream { stream, error } => {
                host.fail_stream(stream.0, &error_to_js(&error));
            }
            Action::Resolve { call, answer } => host.resolve(call.0, &answer_to_js(&answer)),
            Action::Reject { call, error } => host.reject(call.0, &error_to_js(&error)),
            Action::Persist(session) => host.persist(&persisted_to_js(&session)),
            Action::Forget => host.persist(&JsValue::NULL),
            Action::Tell(event) => tell_event(host, &event),
        }
    }
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

fn tell_event(host: &ChatHost, event: &ChatEvent) {
    let object = host::new_object();
    let text = |name: &str, value: Option<&str>| set_string(&object, name, value);
    let attribute = |attribution: &Attribution| {
        text("messageId", attribution.message_id.as_deref());
        set_number(&object, "sinceSendMs", attribution.since_send_ms.map(number));
    };
    let mut error = None;
    let kind = match event {
        ChatEvent::MessageSent(report) => {
            tell_report(&object, report);
            "message-sent"
        }
        ChatEvent::MessageSendFailed(report, cause) => {
            tell_report(&object, report);
            error = Some(cause);
            "message-send-failed"
        }
        ChatEvent::StreamConnected { resumed, last_event_id, message_id } => {
            set_flag(&object, "resumed", Some(*resumed));
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
    set_number(&object, "status", error.and_then(ChatError::status).map(f64::from));
    host.tell(&object, &error.map_or(JsValue::UNDEFINED, error_to_js));
}

fn tell_report(event: &JsValue, report: &SendReport) {
    set_string(event, "source", Some(report.source.name()));
    set_string(event, "messageId", report.message_id.as_deref());
    set_string(event, "partId", report.part_id.as_deref());
    set_number(event, "durationMs", Some(number(report.duration_ms)));
    set_number(event, "bodyBytes", u32::try_from(report.body_bytes).ok().map(f64::from));
}

/// Where the host tells its facts. It does not keep the chat alive.
#[wasm_bindgen]
pub struct Inbox(Weak<ChatDriver>);

impl Inbox {
    fn tell_input(&self, input: Input<'_>) {
        if let Some(driver) = self.0.upgrade() {
            if matches!(input, Input::Woken) {
                driver.timer.take();
            }
            driver.tell(input);
        }
    }
}

/// What a read does crosses as arguments. All else is rare, and crosses as an object with a `type`:
/// each method of its own would be a sizeable part of the module.
#[wasm_bindgen]
#[allow(missing_docs)]
impl Inbox {
    pub fn wanted(&self, stream: u32) {
        self.tell_input(Input::Wanted { stream: StreamId(stream) });
    }

    /// The next bytes of a body; none at its end.
    #[wasm_bindgen(js_name = wasRead)]
    pub fn was_read(&self, request: u32, bytes: Option<Box<[u8]>>) {
        let request = RequestId(request);
        self.tell_input(match &bytes {
            Some(bytes) => Input::Bytes { request, bytes },
            None => Input::Ended { request },
        });
    }

    /// See [`Input`] for what the facts mean. `id` is that of the call, the stream or the request.
    pub fn tell(&self, fact: &JsValue) {
        let flag = |name| get_flag(fact, name) == Some(true);
        let text = |name| get_string(fact, name).unwrap_or_default();
        let thrown = || get(fact, "thrown");
        let retry_after_ms = || get_number(fact, "retryAfterMs").map(milliseconds);
        let whole = |name| whole(get_number(fact, name));
        let id = whole("id");
        let status = || u16::try_from(whole("status")).unwrap_or_default();
        let request = RequestId(id);
        let body;
        self.tell_input(match &*text("type") {
            "aborted" => {
                let stop = flag("stopsTurn").then(host::random_part_id);
                Input::Aborted { call: CallId(id), stop }
            }
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
                token: get_string(fact, "token"),
                pending_version: flag("pendingVersion"),
            },
            "networkFailed" => Input::NetworkFailed { request, error: Foreign::new(thrown()) },
            "online" => Input::Online,
            "offline" => Input::Offline,
            "shown" => Input::Shown,
            "putAway" => Input::PutAway,
            "hidden" => Input::Hidden,
            // "woken"
            _ => Input::Woken,
        });
    }
}

/// An id, or an HTTP status.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: Option<f64>) -> u32 {
    number.unwrap_or_default() as u32
}
