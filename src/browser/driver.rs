//! Drives one chat: hands its machine's orders to the host, and the host's facts to the machine.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::convert::{error_to_js, foreign, get, number, persisted_to_js};
use super::host::{self, ChatHost, Options};
use crate::chat::Chat;
use crate::chat::action::{Action, Answer, CallId, Head, Input, RequestId, StreamId};
use crate::chat::connection::ConnectionState;
use crate::chat::error::{ChatError, Foreign};
use crate::chat::event::{ChatEvent, ClosedSource, PendingVersionSource, SendReport};
use crate::chat::session::PersistedSession;
use crate::chat::time::Time;

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
        machine.set_coalesces(get(options, "coalesce") != JsValue::FALSE);
        if let Some(seconds) = get(options, "sendTimeoutSeconds").as_f64() {
            machine.set_send_timeout(host::milliseconds(seconds * 1_000.0));
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

    /// Makes a promise for a call, and tells the machine about it. `stops_turn`: whether its signal
    /// stops the turn; by default as the option `stopOnAbort` says.
    pub(crate) fn call<'a>(
        self: &Rc<Self>,
        signal: &JsValue,
        stops_turn: Option<bool>,
        input: impl FnOnce(CallId) -> Input<'a>,
    ) -> Promise {
        let id = self.last_call.get().wrapping_add(1);
        self.last_call.set(id);
        let promise = self.host.open_call(id, signal, stops_turn);
        self.tell(input(CallId(id)));
        promise
    }

    /// Tells the machine a fact, and carries out what it orders. Orders that are carried out may
    /// bring new facts, by way of the app's callbacks; what those order comes after.
    pub(crate) fn tell(self: &Rc<Self>, input: Input<'_>) {
        self.machine.borrow_mut().handle(host::now(), input, &mut self.orders.borrow_mut());
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
            self.host.set_timer(deadline.map(|at| number(at.since(host::now()))));
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
        let delay_ms = next_try.map(|at| number(at.since(host::now())));
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
            Action::ListInput { request, token, after } => {
                host.list_input(request.0, &token, after.map(number));
            }
            Action::Subscribe { request, token, last_event_id, peek_settled } => {
                host.subscribe(request.0, &token, last_event_id.as_deref(), peek_settled);
            }
            Action::Read { request } => host.read(request.0),
            Action::CancelRequest { request } => host.cancel_request(request.0),
            Action::OpenStream { call, stream } => host.open_stream(call.0, stream.0),
            Action::Emit { stream, chunks } => host.emit(stream.0, &chunks),
            Action::CloseStream { stream } => host.close_stream(stream.0),
            Action::FailStream { stream, error } => {
                host.fail_stream(stream.0, &error_to_js(&error));
            }
            Action::Resolve { call, answer } => host.resolve(call.0, &answer_to_js(&answer)),
            Action::Reject { call, error } => host.reject(call.0, &error_to_js(&error)),
            Action::Persist(session) => host.persist(&persisted_to_js(&session)),
            Action::Tell(event) => Told::of(&event).tell(host),
        }
    }
}

fn answer_to_js(answer: &Answer) -> JsValue {
    match answer {
        Answer::Session(session) => persisted_to_js(session),
        Answer::Stopped(was_delivered) => (*was_delivered).into(),
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

/// An event as a flat list of what any event may tell.
#[derive(Default)]
struct Told<'a> {
    kind: &'static str,
    source: Option<&'static str>,
    message_id: Option<&'a str>,
    last_event_id: Option<&'a str>,
    report: Option<&'a SendReport>,
    resumed: Option<bool>,
    chunk_type: Option<&'a str>,
    session_in_event_id: Option<&'a str>,
    since_send_ms: Option<u64>,
    reason: Option<&'a str>,
    error: Option<&'a ChatError>,
}

impl<'a> Told<'a> {
    fn of(event: &'a ChatEvent) -> Self {
        match event {
            ChatEvent::MessageSent(report) => Self::of_send("message-sent", report, None),
            ChatEvent::MessageSendFailed(report, error) => {
                Self::of_send("message-send-failed", report, Some(error))
            }
            ChatEvent::StreamConnected { resumed, last_event_id, message_id } => Self {
                kind: "stream-connected",
                resumed: Some(*resumed),
                last_event_id: last_event_id.as_deref(),
                message_id: message_id.as_deref(),
                ..Self::default()
            },
            ChatEvent::FirstChunk { chunk_type, last_event_id, attribution } => Self {
                kind: "first-chunk",
                chunk_type: chunk_type.as_deref(),
                last_event_id: last_event_id.as_deref(),
                message_id: attribution.message_id.as_deref(),
                since_send_ms: attribution.since_send_ms,
                ..Self::default()
            },
            ChatEvent::TurnCompleted { last_event_id, session_in_event_id, attribution } => Self {
                kind: "turn-completed",
                last_event_id: last_event_id.as_deref(),
                session_in_event_id: session_in_event_id.as_deref(),
                message_id: attribution.message_id.as_deref(),
                since_send_ms: attribution.since_send_ms,
                ..Self::default()
            },
            ChatEvent::StreamError(error) => {
                Self { kind: "stream-error", error: Some(error), ..Self::default() }
            }
            ChatEvent::SessionClosed { reason, source } => Self {
                kind: "session-closed",
                reason: reason.as_deref(),
                source: Some(match source {
                    ClosedSource::Stream => "stream",
                    ClosedSource::Append => "append",
                }),
                ..Self::default()
            },
            ChatEvent::RunPendingVersion(source) => Self {
                kind: "run-pending-version",
                source: Some(match source {
                    PendingVersionSource::Start => "start",
                    PendingVersionSource::Send => "send",
                    PendingVersionSource::Upgrade => "upgrade",
                }),
                ..Self::default()
            },
        }
    }

    fn of_send(kind: &'static str, report: &'a SendReport, error: Option<&'a ChatError>) -> Self {
        Self {
            kind,
            source: Some(report.source.name()),
            message_id: report.message_id.as_deref(),
            report: Some(report),
            error,
            ..Self::default()
        }
    }

    fn tell(self, host: &ChatHost) {
        host.tell(
            self.kind,
            self.source,
            self.message_id,
            self.last_event_id,
            self.report.map(|report| number(report.duration_ms)),
            self.report.map(|report| report.part_id.as_str()),
            self.report.and_then(|report| u32::try_from(report.body_bytes).ok()),
            self.resumed,
            self.chunk_type,
            self.session_in_event_id,
            self.since_send_ms.map(number),
            self.reason,
            &self.error.map_or(JsValue::UNDEFINED, error_to_js),
            self.error.and_then(ChatError::status),
        );
    }
}

/// Where the host tells its facts. It does not keep the chat alive.
#[wasm_bindgen]
pub struct Inbox(Weak<ChatDriver>);

impl Inbox {
    fn tell(&self, input: Input<'_>) {
        if let Some(driver) = self.0.upgrade() {
            driver.tell(input);
        }
    }
}

/// One method for each fact; see [`Input`] for what they mean.
#[wasm_bindgen]
#[allow(missing_docs)]
impl Inbox {
    pub fn aborted(&self, call: u32, stops_turn: bool) {
        let stop = stops_turn.then(host::random_part_id);
        self.tell(Input::Aborted { call: CallId(call), stop });
    }

    pub fn wanted(&self, stream: u32) {
        self.tell(Input::Wanted { stream: StreamId(stream) });
    }

    pub fn cancelled(&self, stream: u32) {
        self.tell(Input::Cancelled { stream: StreamId(stream) });
    }

    #[wasm_bindgen(js_name = sessionStarted)]
    pub fn session_started(&self, token: String, pending_version: bool) {
        self.tell(Input::SessionStarted { token, pending_version });
    }

    #[wasm_bindgen(js_name = startFailed)]
    pub fn start_failed(&self, thrown: JsValue) {
        self.tell(Input::StartFailed(foreign(thrown)));
    }

    #[wasm_bindgen(js_name = tokenReady)]
    pub fn token_ready(&self, token: String) {
        self.tell(Input::TokenReady(token));
    }

    #[wasm_bindgen(js_name = tokenFailed)]
    pub fn token_failed(&self, thrown: JsValue) {
        self.tell(Input::TokenFailed(foreign(thrown)));
    }

    pub fn answered(&self, request: u32, status: u16, retry_after_ms: Option<f64>, body: &str) {
        let retry_after_ms = retry_after_ms.map(host::milliseconds);
        self.tell(Input::Answered { request: RequestId(request), status, retry_after_ms, body });
    }

    pub fn online(&self) {
        self.tell(Input::Online);
    }

    pub fn offline(&self) {
        self.tell(Input::Offline);
    }

    pub fn hidden(&self) {
        self.tell(Input::Hidden);
    }

    pub fn shown(&self) {
        self.tell(Input::Shown);
    }

    pub fn connected(
        &self,
        request: u32,
        status: u16,
        is_event_stream: bool,
        is_v2: bool,
        is_settled: bool,
        retry_after_ms: Option<f64>,
    ) {
        let retry_after_ms = retry_after_ms.map(host::milliseconds);
        let head = Head { status, is_event_stream, is_v2, is_settled, retry_after_ms };
        self.tell(Input::Connected { request: RequestId(request), head });
    }

    pub fn bytes(&self, request: u32, bytes: &[u8]) {
        self.tell(Input::Bytes { request: RequestId(request), bytes });
    }

    pub fn ended(&self, request: u32) {
        self.tell(Input::Ended { request: RequestId(request) });
    }

    #[wasm_bindgen(js_name = networkFailed)]
    pub fn network_failed(&self, request: u32, thrown: JsValue) {
        let error = Foreign::new(thrown);
        self.tell(Input::NetworkFailed { request: RequestId(request), error });
    }

    pub fn woken(&self) {
        if let Some(driver) = self.0.upgrade() {
            driver.timer.take();
            driver.tell(Input::Woken);
        }
    }
}
