//! The driver's books: what the machine was asked and what it has ordered, and whether that may be.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use trigger_chat_transport::chat::action::{Action, CallId, PartId, RequestId, StreamId};
use trigger_chat_transport::time::Time;

use crate::program::Program;

/// A callback that takes so long counts as failed.
const CALLBACK_PATIENCE_MS: u64 = 60_000;

/// Where to a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Append,
    /// For the records of `.in`.
    Question,
    Subscribe,
    /// The app's own route.
    HeadStart,
}

/// A request that the machine has ordered.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    pub(crate) has_head: bool,
    /// A read was ordered and is not answered.
    pub(crate) is_reading: bool,
    /// No more facts come about it.
    is_answered: bool,
    /// The machine has given it up.
    is_cancelled: bool,
}

impl Request {
    fn new(kind: Kind) -> Self {
        let is_no = false;
        Self { kind, has_head: is_no, is_reading: is_no, is_answered: is_no, is_cancelled: is_no }
    }

    fn is_open(&self) -> bool {
        !self.is_answered && !self.is_cancelled
    }
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Waits,
    Holds(StreamId),
    Over,
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    /// `startSession` was called and has not answered.
    pub(crate) is_starting: bool,
    /// The same of `accessToken`.
    pub(crate) is_refreshing: bool,
    /// When they count as failed, and may be called again.
    start_overdue_ms: u64,
    refresh_overdue_ms: u64,
    calls: BTreeMap<CallId, Call>,
    /// The calls that came with a signal.
    abortable: Vec<CallId>,
    /// The calls of a stop.
    stops: Vec<CallId>,
    /// Each stream that was opened, and whether it is still open.
    streams: BTreeMap<StreamId, bool>,
    requests: BTreeMap<RequestId, Request>,
    /// The body of each part id.
    parts: BTreeMap<String, String>,
}

impl Books {
    /// A new call.
    pub(crate) fn call(&mut self) -> CallId {
        let call = CallId(u32::try_from(self.calls.len()).expect("few calls"));
        self.calls.insert(call, Call::Waits);
        call
    }

    /// A new call that comes with a signal.
    pub(crate) fn abortable_call(&mut self) -> CallId {
        let call = self.call();
        self.abortable.push(call);
        call
    }

    /// A new call of a stop.
    pub(crate) fn stop_call(&mut self) -> CallId {
        let call = self.call();
        self.stops.push(call);
        call
    }

    /// The part ids that there are.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// A new part id, which may go out with this body only.
    pub(crate) fn part(&mut self, body: &str) -> PartId {
        let part = format!("part {}", self.parts.len());
        self.parts.insert(part.clone(), body.to_owned());
        PartId(part)
    }

    pub(crate) fn stop_part(&mut self) -> PartId {
        self.part(r#"{"kind":"stop"}"#)
    }

    // What a program can choose from: the newest first

    pub(crate) fn pick_abortable(&self, program: &mut Program<'_>) -> Option<CallId> {
        pick(self.abortable.clone(), program)
    }

    pub(crate) fn pick_stream(&self, program: &mut Program<'_>) -> Option<StreamId> {
        pick(self.streams.keys().copied().collect(), program)
    }

    /// A request that facts may still come about, also where it was given up.
    pub(crate) fn pick(
        &self,
        program: &mut Program<'_>,
        is_wanted: impl Fn(&Request) -> bool,
    ) -> Option<RequestId> {
        let wanted =
            self.requests.iter().filter(|(_, request)| !request.is_answered && is_wanted(request));
        pick(wanted.map(|(id, _)| *id).collect(), program)
    }

    pub(crate) fn kind(&self, request: RequestId) -> Kind {
        self.requests[&request].kind
    }

    pub(crate) fn first_open_request(&self) -> Option<RequestId> {
        self.requests.iter().find(|(_, request)| request.is_open()).map(|(id, _)| *id)
    }

    // What the driver has told

    pub(crate) fn has_head(&mut self, request: RequestId) {
        self.request(request).has_head = true;
    }

    pub(crate) fn has_read(&mut self, request: RequestId) {
        self.request(request).is_reading = false;
    }

    pub(crate) fn is_answered(&mut self, request: RequestId) {
        self.request(request).is_answered = true;
    }

    pub(crate) fn cancelled(&mut self, stream: StreamId) {
        self.streams.insert(stream, false);
    }

    // How things stand

    pub(crate) fn is_over(&self, call: CallId) -> bool {
        match self.calls[&call] {
            Call::Waits => false,
            Call::Holds(stream) => self.is_stream_over(stream),
            Call::Over => true,
        }
    }

    pub(crate) fn is_stream_over(&self, stream: StreamId) -> bool {
        !self.streams[&stream]
    }

    pub(crate) fn is_cancelled(&self, request: RequestId) -> bool {
        self.requests[&request].is_cancelled
    }

    pub(crate) fn has_open_request(&self) -> bool {
        self.requests.values().any(Request::is_open)
    }

    /// No call waits but for a stop, every stream has ended, and nothing is read any more.
    #[track_caller]
    pub(crate) fn expect_nobody_reads(&self) {
        let mut waiting = self.calls.keys().filter(|call| !self.is_over(**call));
        assert!(waiting.all(|call| self.stops.contains(call)), "{:?}", self.calls);
        assert!(self.streams.values().all(|is_open| !is_open), "open: {:?}", self.streams);
        assert_eq!(self.open(Kind::Subscribe), 0, "a subscription is open");
        assert_eq!(self.open(Kind::HeadStart), 0, "a head start is open");
    }

    /// Every call is answered, every stream and every request has come to its end.
    #[track_caller]
    pub(crate) fn expect_nothing_is_open(&self) {
        self.expect_nobody_reads();
        assert!(self.calls.keys().all(|call| self.is_over(*call)), "{:?}", self.calls);
        assert_eq!(self.open(Kind::Append) + self.open(Kind::Question), 0, "a send is open");
    }

    fn open(&self, kind: Kind) -> usize {
        self.requests.values().filter(|request| request.kind == kind && request.is_open()).count()
    }

    // Orders

    /// Carries an order out, as far as books go.
    pub(crate) fn take(&mut self, now: Time, order: &Action) {
        match order {
            Action::StartSession => {
                let may_call = !self.is_starting || self.start_overdue_ms <= now.as_millis();
                assert!(may_call, "`startSession` is called while it is called");
                self.is_starting = true;
                self.start_overdue_ms = now.after(CALLBACK_PATIENCE_MS).as_millis();
            }
            Action::RefreshToken => {
                let may_call = !self.is_refreshing || self.refresh_overdue_ms <= now.as_millis();
                assert!(may_call, "`accessToken` is called while it is called");
                self.is_refreshing = true;
                self.refresh_overdue_ms = now.after(CALLBACK_PATIENCE_MS).as_millis();
            }
            Action::Append { request, part_id, body, .. } => {
                assert_eq!(self.parts.get(&part_id.0), Some(body), "the body of {part_id:?}");
                self.begin_sending(*request, Kind::Append);
            }
            Action::ListInput { request, .. } => self.begin_sending(*request, Kind::Question),
            Action::Subscribe { request, .. } => {
                assert_eq!(self.open(Kind::Subscribe), 0, "a second subscription: {order:?}");
                self.begin(*request, Kind::Subscribe);
            }
            Action::Read { request, .. } => {
                let request = self.request(*request);
                assert!(request.is_open() && request.has_head, "{order:?} of {request:?}");
                assert!(!request.is_reading, "{order:?} while it is read");
                request.is_reading = true;
            }
            Action::CancelRequest { request } => self.request(*request).is_cancelled = true,
            Action::OpenStream { call, stream } => {
                self.answer(*call, Call::Holds(*stream));
                let before = self.streams.insert(*stream, true);
                assert_eq!(before, None, "{order:?} of an old name");
            }
            Action::Emit { stream, chunks } => {
                assert!(!self.is_stream_over(*stream), "{order:?} after its end");
                let chunks = serde_json::from_str::<Vec<&RawValue>>(chunks);
                assert!(chunks.is_ok_and(|chunks| !chunks.is_empty()), "{order:?}");
            }
            Action::CloseStream { stream } | Action::FailStream { stream, .. } => {
                assert_eq!(self.streams.insert(*stream, false), Some(true), "{order:?}");
            }
            Action::Resolve { call, .. } | Action::Reject { call, .. } => {
                self.answer(*call, Call::Over);
            }
            Action::Settle { stream, .. } => {
                assert!(!self.is_stream_over(*stream), "{order:?} after its end");
            }
            Action::HeadStart { request, .. } => {
                assert_eq!(self.open(Kind::HeadStart), 0, "a second head start: {order:?}");
                self.begin(*request, Kind::HeadStart);
            }
            Action::Persist(_) | Action::Forget | Action::Tell(_) => {}
        }
    }

    /// What is sent first lands first: one send is under way at a time.
    fn begin_sending(&mut self, id: RequestId, kind: Kind) {
        assert_eq!(self.open(Kind::Append) + self.open(Kind::Question), 0, "a second send");
        self.begin(id, kind);
    }

    fn begin(&mut self, id: RequestId, kind: Kind) {
        let before = self.requests.insert(id, Request::new(kind));
        assert!(before.is_none(), "{id:?} is an old name");
    }

    fn request(&mut self, id: RequestId) -> &mut Request {
        self.requests.get_mut(&id).expect("a request that was ordered")
    }

    fn answer(&mut self, call: CallId, state: Call) {
        let before = self.calls.insert(call, state);
        assert_eq!(before, Some(Call::Waits), "an answer to {call:?}");
    }
}

fn pick<T: Copy>(oldest_first: Vec<T>, program: &mut Program<'_>) -> Option<T> {
    let choice = program.choice(oldest_first.len().max(1));
    oldest_first.into_iter().rev().nth(choice)
}
