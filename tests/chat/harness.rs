//! One chat, a virtual clock, and the facts that a driver would tell.
//!
//! Tokens are `t0`, `t1`, …; the message of call `n` is `m<n>`, its body `B<n>` and its part id `p<n>`.
//! The machine numbers requests and streams from 1.

use trigger_chat_transport::chat::Chat;
use trigger_chat_transport::chat::action::{CallId, Head, Input, RequestId, Send, StreamId};
use trigger_chat_transport::chat::error::{ChatError, Foreign};
use trigger_chat_transport::chat::event::SendSource;
use trigger_chat_transport::chat::session::PersistedSession;
use trigger_chat_transport::time::Time;

use crate::describe::{describe, describe_session, part};

/// Any time will do.
const START: Time = Time::from_millis(1_000);

pub(crate) struct Harness {
    pub(crate) chat: Chat,
    now: Time,
}

impl Harness {
    /// A new chat of an app with `startSession`.
    pub(crate) fn new() -> Self {
        Self::of(true)
    }

    /// A new chat of an app whose sessions are created elsewhere.
    pub(crate) fn without_start_session() -> Self {
        Self::of(false)
    }

    fn of(can_start_session: bool) -> Self {
        let chat = Chat::new("chat-1".to_owned(), can_start_session, 7);
        Self { chat, now: START }
    }

    /// A chat that the app has restored.
    pub(crate) fn restored(persisted: PersistedSession) -> Self {
        let mut harness = Self::new();
        harness.chat.restore(persisted);
        harness
    }

    /// A chat with a session whose last turn is over.
    pub(crate) fn idle() -> Self {
        Self::restored(idle())
    }

    /// Call 1 has sent its message as `.in` 0: its stream 1 is read through request 2, and wants.
    pub(crate) fn streaming() -> Self {
        Self::streaming_where(|_| {})
    }

    /// The same, of a chat that was set up so.
    pub(crate) fn streaming_where(set_up: impl FnOnce(&mut Chat)) -> Self {
        let mut harness = Self::idle();
        set_up(&mut harness.chat);
        harness.tell(send(1));
        harness.tell(acknowledged(1, 0));
        harness.tell(connected(2));
        harness.expect(wanted(1), &["read 2"]);
        harness
    }

    /// Tells a fact; gives the orders that follow.
    pub(crate) fn tell(&mut self, input: Input<'_>) -> Vec<String> {
        let mut out = Vec::new();
        self.chat.handle(self.now, input, &mut out);
        out.iter().map(describe).collect()
    }

    /// Tells a fact, which has to bring these orders and no others.
    #[track_caller]
    pub(crate) fn expect(&mut self, input: Input<'_>, orders: &[&str]) {
        let fact = match &input {
            Input::Bytes { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
            input => format!("{input:?}"),
        };
        assert_eq!(self.tell(input), orders, "after {fact}");
    }

    /// Tells a fact after which the stream has to read on: it has handed nothing on, and not ended.
    #[track_caller]
    pub(crate) fn expect_read_on(&mut self, request: u32, text: &str) {
        let orders = self.tell(bytes(request, text));
        assert_eq!(orders.last(), Some(&format!("read {request}")), "after {text}");
        let handed_on = orders.iter().any(|order| order.starts_with("emit"));
        assert!(!handed_on, "{orders:?} after {text}");
    }

    pub(crate) fn later(&mut self, ms: u64) {
        self.now = self.now.after(ms);
    }

    /// How long until the machine wants to be woken.
    pub(crate) fn wait(&self) -> Option<u64> {
        self.chat.deadline().map(|deadline| deadline.since(self.now))
    }

    /// Lets the time pass until the machine wants to be woken, and wakes it.
    #[track_caller]
    pub(crate) fn expect_woken(&mut self, orders: &[&str]) {
        assert_eq!(self.tell_woken(), orders, "when woken");
    }

    /// The same, where the orders do not matter.
    pub(crate) fn tell_woken(&mut self) -> Vec<String> {
        self.later(self.wait().expect("a deadline is pending"));
        self.tell(Input::Woken)
    }

    /// Lets the time pass, and wakes the chat whenever it wants to be; gives the orders that follow.
    pub(crate) fn pass(&mut self, ms: u64) -> Vec<String> {
        let mut orders = Vec::new();
        let mut left = ms;
        while let Some(wait) = self.wait().filter(|wait| *wait <= left) {
            left -= wait;
            orders.extend(self.tell_woken());
        }
        self.later(left);
        orders
    }

    /// How long ago the chat was made.
    pub(crate) fn since_start(&self) -> u64 {
        self.now.since(START)
    }

    /// The persisted form, in words.
    pub(crate) fn session(&self) -> String {
        describe_session(&self.chat.session().expect("there is a session"))
    }
}

/// What an app has stored of a chat whose last turn is over.
pub(crate) fn idle() -> PersistedSession {
    PersistedSession {
        public_access_token: "t0".to_owned(),
        is_streaming: Some(false),
        ..PersistedSession::default()
    }
}

/// What an app has stored of a chat whose turn runs; it began behind record 4, and answers `.in` 3.
pub(crate) fn running() -> PersistedSession {
    PersistedSession {
        last_event_id: Some("4".to_owned()),
        active_input_seq: Some(3),
        is_streaming: Some(true),
        ..idle()
    }
}

pub(crate) fn send(call: u32) -> Input<'static> {
    send_of(call, &format!("B{call}"))
}

pub(crate) fn send_of(call: u32, body: &str) -> Input<'static> {
    let send = message(call, SendSource::SubmitMessage, body);
    Input::Send { call: CallId(call), send }
}

/// Adds a message to the running turn.
pub(crate) fn steer(call: u32) -> Input<'static> {
    let send = message(call, SendSource::Steer, &format!("B{call}"));
    Input::Steer { call: CallId(call), send }
}

fn message(call: u32, source: SendSource, body: &str) -> Send {
    Send {
        source,
        message_id: Some(format!("m{call}")),
        body: body.to_owned(),
        part_id: part(call),
        head_start: None,
    }
}

pub(crate) fn start(call: u32) -> Input<'static> {
    Input::Start { call: CallId(call) }
}

pub(crate) fn reconnect(call: u32) -> Input<'static> {
    Input::Reconnect { call: CallId(call) }
}

pub(crate) fn stop(call: u32) -> Input<'static> {
    Input::Stop { call: CallId(call), part_id: part(call) }
}

/// The stop that may follow goes out as `p<stop>`.
pub(crate) fn aborted(call: u32, stop: u32) -> Input<'static> {
    Input::Aborted { call: CallId(call), stop: Some(part(stop)) }
}

/// The app wants the turn to go on.
pub(crate) fn let_go(call: u32) -> Input<'static> {
    Input::Aborted { call: CallId(call), stop: None }
}

pub(crate) fn session_started(token: &str) -> Input<'static> {
    Input::SessionStarted { token: token.to_owned(), pending_version: false }
}

pub(crate) fn token_ready(token: &str) -> Input<'static> {
    Input::TokenReady(token.to_owned())
}

pub(crate) fn thrown(text: &'static str) -> ChatError {
    ChatError::Foreign(foreign(text))
}

/// What a driver keeps, by its place here.
const THROWN: [&str; 4] = ["no network", "offline", "signed out", "no"];

fn foreign(text: &str) -> Foreign {
    let place = THROWN.iter().position(|known| *known == text).expect("a text of THROWN");
    Foreign(u32::try_from(place).unwrap())
}

pub(crate) fn text_of(Foreign(place): Foreign) -> &'static str {
    THROWN[place as usize]
}

pub(crate) fn answered(request: u32, status: u16, body: &str) -> Input<'_> {
    Input::Answered { request: RequestId(request), status, retry_after_ms: None, body }
}

/// A refusal of an append with a `Retry-After`.
pub(crate) fn answered_for(request: u32, status: u16, retry_after_ms: u64) -> Input<'static> {
    let retry_after_ms = Some(retry_after_ms);
    Input::Answered { request: RequestId(request), status, retry_after_ms, body: "" }
}

/// The append has landed. The few seqs that the tests use are spelt out, for an input borrows.
pub(crate) fn acknowledged(request: u32, seq: usize) -> Input<'static> {
    const BODIES: [&str; 10] = [
        r#"{"ok":true,"seq":0}"#,
        r#"{"ok":true,"seq":1}"#,
        r#"{"ok":true,"seq":2}"#,
        r#"{"ok":true,"seq":3}"#,
        r#"{"ok":true,"seq":4}"#,
        r#"{"ok":true,"seq":5}"#,
        r#"{"ok":true,"seq":6}"#,
        r#"{"ok":true,"seq":7}"#,
        r#"{"ok":true,"seq":8}"#,
        r#"{"ok":true,"seq":9}"#,
    ];
    answered(request, 200, BODIES[seq])
}

pub(crate) fn connected(request: u32) -> Input<'static> {
    head(request, 200, true, false)
}

pub(crate) fn refused(request: u32, status: u16) -> Input<'static> {
    head(request, status, false, false)
}

pub(crate) fn settled(request: u32) -> Input<'static> {
    head(request, 200, true, true)
}

/// 200, and a page in the place of an event stream.
pub(crate) fn page_of_a_proxy(request: u32) -> Input<'static> {
    answer(request, Head { is_event_stream: false, ..good_head() })
}

/// A refusal with a `Retry-After`.
pub(crate) fn refused_for(request: u32, status: u16, retry_after_ms: u64) -> Input<'static> {
    answer(request, Head { status, retry_after_ms: Some(retry_after_ms), ..good_head() })
}

pub(crate) fn head(request: u32, status: u16, is_v2: bool, is_settled: bool) -> Input<'static> {
    answer(request, Head { status, is_v2, is_settled, ..good_head() })
}

fn good_head() -> Head {
    Head {
        status: 200,
        is_event_stream: true,
        is_v2: true,
        is_settled: false,
        retry_after_ms: None,
    }
}

fn answer(request: u32, head: Head) -> Input<'static> {
    Input::Connected { request: RequestId(request), head }
}

pub(crate) fn bytes(request: u32, text: &str) -> Input<'_> {
    Input::Bytes { request: RequestId(request), bytes: text.as_bytes() }
}

pub(crate) fn ended(request: u32) -> Input<'static> {
    Input::Ended { request: RequestId(request) }
}

pub(crate) fn network_failed(request: u32) -> Input<'static> {
    Input::NetworkFailed { request: RequestId(request), error: foreign("no network") }
}

pub(crate) fn wanted(stream: u32) -> Input<'static> {
    Input::Wanted { stream: StreamId(stream) }
}

pub(crate) fn cancelled(stream: u32) -> Input<'static> {
    Input::Cancelled { stream: StreamId(stream) }
}
