//! One stream of chunks that the app holds: its connections to `.out`, one after the other, until
//! the turn that it was opened for is complete.
//!
//! ```text
//! Connecting ──200──▶ Reading ──body ended, broke off, silent──▶ BackingOff ──deadline──▶ Connecting
//!     │                                                           ▲  │
//!     ├──401, 403──▶ AwaitingToken ──▶ Connecting                 │  └──offline──▶ Offline
//!     ├──any other status, no event stream, no network, no head───┘
//!     └──400, 404, 409, 410, 422──▶ over
//! Reading ──my turn-complete, session-closed, settled end──▶ over
//! any with a request, BackingOff, Offline ──online, back after a while, slept──▶ Connecting
//! ```
//!
//! The first connection of a send leaves together with its append, so that the first chunk takes one
//! round trip. Until the append is acknowledged the subscription is *held*: its stream is not there
//! yet, a body waits unread (in the host's own buffer, which is bounded) as `Answered`, and a refusal
//! waits as `Refused`, unless a new token comes first.
//!
//! Rules. The consumer never notices a reconnect: each one resumes from the session's cursor, which
//! moves with every record. A record at or behind the cursor is not handed on again, nor is a part
//! that its writer wrote twice. A stream ends well only at its own boundary, at a settled end, or by
//! its owner's wish; all else is an error, so that a truncated answer never looks complete.

use std::mem;

use super::action::{Action, CallId, Head, Input, RequestId, StreamId};
use super::backoff::Backoff;
use super::chunks::Chunks;
use super::connection::ConnectionState;
use super::context::Context;
use super::error::{ApiError, ChatError};
use super::event::{ChatEvent, ClosedSource, PendingVersionSource};
use super::liveness::{Health, Watch};
use super::pace::Pace;
use super::session::{Cursor, Session, Turn};
use crate::rules::{Rule, holds};
use crate::time::Time;
use crate::wire::control::{Control, TurnComplete};
use crate::wire::event_stream::{Event, EventStreamDecoder};
use crate::wire::record::{Data, Record, decode_batch, decode_v1};

/// A body that ends sooner than this, with no record and no ping, is barren.
const BARREN_BODY_MS: u64 = 5_000;

/// How many resubscribes follow a barren body; the published client's number.
const MAX_BARREN_RESUBSCRIBES: u32 = 5;

/// For so long a barren body that says `[DONE]` is no sign of trouble: the agent has not written its
/// first record yet.
const FIRST_RECORD_GRACE_MS: u64 = 60_000;

/// How long a body may bring not a byte. An idle one pings about every 5 s.
const SILENCE_MS: u64 = 60_000;

/// How long the head of an answer may take.
const HEAD_PATIENCE_MS: u64 = 30_000;

/// The service's wish to be left alone is followed for no longer: nobody sits through more.
const MAX_RETRY_AFTER_MS: u64 = 300_000;

/// What a stream is opened for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose {
    /// The call that opened it; its signal aborts the stream.
    pub(super) call: CallId,
    /// The `.in` seq of the send whose turn it shows. A boundary below it belongs to an earlier one.
    pub(super) input_seq: Option<u64>,
    /// It was opened by a reconnect, not by a send.
    pub(super) is_resumed: bool,
}

#[derive(Debug)]
enum Connection {
    Connecting {
        request: RequestId,
        token_generation: u32,
        watch: Watch,
    },
    Answered {
        request: RequestId,
        head: Head,
    },
    Refused(ChatError),
    Reading(Body),
    AwaitingToken,
    BackingOff {
        until: Time,
        /// The service has said how long.
        is_ordered: bool,
    },
    /// Where there is no network, no attempt is worth it.
    Offline,
    Over,
}

/// Whether a boundary that was passed over may have been my turn's all the same: what it tells as
/// consumed is a lower bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    None,
    /// One was passed over, and no chunk has followed.
    PassedOver {
        /// The highest `.in` seq that the agent had taken by then, where it told.
        taken: Option<u64>,
    },
    /// A whole window has passed since, with nothing in it: the next request asks.
    Idle,
}

impl Doubt {
    /// The doubt that a boundary leaves a send in. There is none where the agent had not even taken the
    /// message by then.
    fn of(taken: Option<u64>, input_seq: Option<u64>) -> Self {
        match (taken, input_seq) {
            (Some(taken), Some(mine)) if taken < mine => Self::None,
            _ => Self::PassedOver { taken },
        }
    }
}

/// Whether what the gate held back may have been my own answer: a boundary that was passed over then
/// may have been my turn's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Swallowed {
    No,
    /// Unless a chunk follows: the agent has not told whether it had taken my message by then.
    UnlessMoreComes,
    /// It had, so that what follows may be a later turn's.
    Perhaps,
}

/// The body of one answer.
#[derive(Debug)]
struct Body {
    request: RequestId,
    decoder: EventStreamDecoder,
    is_v2: bool,
    is_settled: bool,
    connected_at: Time,
    watch: Watch,
    pace: Pace,
    /// A read has been ordered and not answered.
    is_reading: bool,
    /// It has brought a record or a ping.
    is_live: bool,
    /// A record was the last thing that it brought.
    is_flowing: bool,
    /// It has brought a record that the reader did not have.
    has_news: bool,
    /// A chunk came after the last boundary.
    is_mid_turn: bool,
    /// It has said `[DONE]`.
    is_done: bool,
    /// The service reported an error in it; its end follows.
    is_broken: bool,
}

impl Body {
    /// Whether it has lived for so long that its end is no sign of trouble.
    fn has_run(&self, now: Time) -> bool {
        now.since(self.connected_at) >= BARREN_BODY_MS
    }
}

/// A stream and its connection.
#[derive(Debug)]
pub(super) struct Subscription {
    stream: StreamId,
    purpose: Purpose,
    /// Its turn is not acknowledged yet.
    is_held: bool,
    connection: Connection,
    backoff: Backoff,
    opened_at: Time,
    /// The consumer has room. Nothing is read before it has.
    is_wanted: bool,
    doubt: Doubt,
    /// The boundary in doubt, where a replay must not begin behind it yet.
    doubted: Option<Cursor>,
    swallowed: Swallowed,
    has_renewed_token: bool,
    barren_bodies: u32,
    /// How often the connection was lost since it last showed life.
    losses: u32,
    has_told_connected: bool,
    has_told_first_chunk: bool,
    /// The chunks of the read that is being decoded.
    chunks: Chunks,
    /// Where a record's body is unescaped.
    scratch: String,
}

impl Subscription {
    /// Opens the stream and its first connection.
    pub(super) fn open(
        purpose: Purpose,
        backoff: Backoff,
        session: &Session,
        cx: &mut Context<'_>,
    ) -> Self {
        let mut subscription = Self::new(purpose, backoff, cx);
        cx.order(Action::OpenStream { call: purpose.call, stream: subscription.stream });
        subscription.connect(session, cx);
        subscription
    }

    /// Opens the first connection for a call whose message is on its way.
    pub(super) fn hold(
        call: CallId,
        backoff: Backoff,
        session: &Session,
        cx: &mut Context<'_>,
    ) -> Self {
        let purpose = Purpose { call, input_seq: None, is_resumed: false };
        let is_held = holds(Rule::StreamsWaitForTheirMessage);
        let mut subscription = Self { is_held, ..Self::new(purpose, backoff, cx) };
        if !is_held {
            cx.order(Action::OpenStream { call, stream: subscription.stream });
        }
        subscription.connect(session, cx);
        subscription
    }

    fn new(purpose: Purpose, backoff: Backoff, cx: &mut Context<'_>) -> Self {
        Self {
            stream: cx.next_stream(),
            purpose,
            is_held: false,
            connection: Connection::Over,
            backoff,
            opened_at: cx.now,
            is_wanted: false,
            doubt: Doubt::None,
            doubted: None,
            swallowed: Swallowed::No,
            has_renewed_token: false,
            barren_bodies: 0,
            losses: 0,
            has_told_connected: false,
            has_told_first_chunk: false,
            chunks: Chunks::new(cx.coalesces()),
            scratch: String::new(),
        }
    }

    /// The message is acknowledged: the stream opens, and what was held counts.
    pub(super) fn release(
        &mut self,
        input_seq: Option<u64>,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) {
        self.is_held = false;
        self.purpose.input_seq = input_seq;
        self.opened_at = cx.now;
        cx.order(Action::OpenStream { call: self.purpose.call, stream: self.stream });
        match mem::replace(&mut self.connection, Connection::Over) {
            Connection::Answered { request, head } => {
                self.begin_reading(request, head, session, cx);
            }
            // That was before: the session is there, as it has taken the message.
            Connection::Refused(error) if error.status() == Some(404) => self.connect(session, cx),
            Connection::Refused(error) => self.fail(error, session, cx),
            connection => self.connection = connection,
        }
    }

    /// The session was created anew. What a held connection has learnt is of the lost one: it waits
    /// for the new token, as the message does.
    pub(super) fn session_recreated(&mut self, cx: &mut Context<'_>) {
        if self.is_held {
            self.cancel_request(cx);
            self.has_renewed_token = false;
            self.connection = Connection::AwaitingToken;
        }
    }

    /// Whether it is held for this call.
    pub(super) fn is_held_for(&self, call: CallId) -> bool {
        self.is_held && self.purpose.call == call
    }

    pub(super) fn call(&self) -> CallId {
        self.purpose.call
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.connection, Connection::Over)
    }

    pub(super) fn awaits_token(&self) -> bool {
        matches!(self.connection, Connection::AwaitingToken | Connection::Refused(_))
    }

    /// What the app can show of it. A body that ends as its window is over is not a loss.
    pub(super) fn state(&self) -> ConnectionState {
        match &self.connection {
            Connection::Reading(body) if body.is_flowing => ConnectionState::Live,
            Connection::Reading(_) => ConnectionState::Waiting,
            Connection::Offline => ConnectionState::Offline,
            _ if self.losses > 0 => {
                ConnectionState::Reconnecting { attempt: self.losses, next_try: self.next_try() }
            }
            _ if self.has_told_connected => ConnectionState::Waiting,
            _ => ConnectionState::Connecting,
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.connection {
            Connection::Connecting { watch, .. } => Some(watch.due()),
            Connection::Reading(body) => Some(body.watch.due()),
            _ => self.next_try(),
        }
    }

    fn next_try(&self) -> Option<Time> {
        match self.connection {
            Connection::BackingOff { until, .. } => Some(until),
            _ => None,
        }
    }

    /// Takes a fact about its stream, about its current connection's request, or about the page.
    pub(super) fn take(&mut self, input: &Input<'_>, session: &mut Session, cx: &mut Context<'_>) {
        let is_mine = |request: &RequestId| self.request() == Some(*request);
        match input {
            Input::Wanted { stream } if *stream == self.stream => self.wanted(cx),
            Input::Cancelled { stream } if *stream == self.stream => self.detach(cx),
            Input::Connected { request, head } if is_mine(request) => {
                self.connected(*head, session, cx);
            }
            Input::Bytes { request, bytes } if is_mine(request) => self.bytes(bytes, session, cx),
            Input::Ended { request } if is_mine(request) => self.body_ended(session, cx),
            Input::NetworkFailed { request, .. } if is_mine(request) => self.lost(None, cx),
            Input::Woken => self.woken(session, cx),
            Input::Retry => self.retry_now(session, cx),
            Input::Online if holds(Rule::OnlineConnects) => self.reconnect_now(session, cx),
            Input::Offline => self.went_offline(),
            Input::PutAway => self.put_away(cx),
            Input::Shown if cx.page().was_away => self.returned(session, cx),
            Input::Shown => self.hurry(session, cx),
            _ => {}
        }
    }

    fn request(&self) -> Option<RequestId> {
        match &self.connection {
            Connection::Connecting { request, .. } | Connection::Answered { request, .. } => {
                Some(*request)
            }
            Connection::Reading(body) => Some(body.request),
            _ => None,
        }
    }

    /// Sends the next request, from the session's cursor.
    pub(super) fn connect(&mut self, session: &Session, cx: &mut Context<'_>) {
        cx.refresh_token_in_time(session);
        let request = cx.next_request();
        let token_generation = session.token_generation;
        let watch = Watch::begin(cx.now);
        let peek_settled = self.peeks(cx);
        self.connection = Connection::Connecting { request, token_generation, watch };
        cx.order(Action::Subscribe {
            request,
            token: session.token.clone(),
            last_event_id: session
                .cursor
                .as_ref()
                .filter(|_| holds(Rule::ReconnectsResume))
                .map(Cursor::to_text),
            peek_settled,
        });
    }

    /// Whether to ask if all turns are over. While one that was sent is outstanding the answer would
    /// be about the turn before, so that it is asked only where its end may have been passed over.
    fn peeks(&self, cx: &Context<'_>) -> bool {
        match self.purpose.input_seq {
            _ if cx.watches() => false,
            None => self.purpose.is_resumed,
            Some(_) => self.doubt == Doubt::Idle || !holds(Rule::NoPeekWhileOutstanding),
        }
    }

    /// A deadline may have passed.
    fn woken(&mut self, session: &mut Session, cx: &mut Context<'_>) {
        let is_hidden = cx.page().is_hidden();
        let head_patience = Some(HEAD_PATIENCE_MS).filter(|_| holds(Rule::HeadsComeInTime));
        let health = match &mut self.connection {
            Connection::Connecting { watch, .. } => watch.look(cx.now, head_patience, is_hidden),
            Connection::Reading(body) => {
                let awaits = body.is_reading && holds(Rule::SilenceIsALoss);
                body.watch.look(cx.now, awaits.then_some(SILENCE_MS), is_hidden)
            }
            Connection::BackingOff { until, .. } if *until <= cx.now => {
                return self.connect(session, cx);
            }
            _ => Health::Sound,
        };
        match health {
            Health::Silent => self.lost(None, cx),
            Health::Slept => self.reconnect_now(session, cx),
            Health::Sound => {}
        }
    }

    // Wishes and wake-ups

    /// What was connected is stale, and what waits has waited enough.
    fn reconnect_now(&mut self, session: &mut Session, cx: &mut Context<'_>) {
        if self.is_concerned() {
            if self.has_told_connected {
                self.losses = self.losses.max(1);
            }
            self.cancel_request(cx);
            self.backoff.reset();
            self.has_renewed_token = false;
            self.connect(session, cx);
        }
    }

    /// Whether it matters how the network is: it does not, while a callback is waited for.
    fn is_concerned(&self) -> bool {
        !matches!(
            self.connection,
            Connection::AwaitingToken | Connection::Refused(_) | Connection::Over
        )
    }

    /// Somebody looks, after a while: what was connected is stale, too.
    fn returned(&mut self, session: &mut Session, cx: &mut Context<'_>) {
        if !matches!(self.connection, Connection::BackingOff { is_ordered: true, .. }) {
            self.reconnect_now(session, cx);
        }
    }

    /// Somebody looks: a pause that is only ours is over.
    fn hurry(&mut self, session: &mut Session, cx: &mut Context<'_>) {
        if matches!(self.connection, Connection::BackingOff { is_ordered: false, .. }) {
            self.connect(session, cx);
        }
    }

    /// Somebody asks for the next attempt.
    fn retry_now(&mut self, session: &mut Session, cx: &mut Context<'_>) {
        if matches!(self.state(), ConnectionState::Reconnecting { .. } | ConnectionState::Offline) {
            self.reconnect_now(session, cx);
        }
    }

    /// There is no network.
    fn went_offline(&mut self) {
        if matches!(self.connection, Connection::BackingOff { .. }) {
            self.connection = Connection::Offline;
        }
    }

    /// Nothing may be open, nor be tried, until the page is back.
    fn put_away(&mut self, cx: &mut Context<'_>) {
        if self.is_concerned() {
            self.cancel_request(cx);
            self.connection = Connection::Offline;
        }
    }

    /// The consumer has room for more.
    fn wanted(&mut self, cx: &mut Context<'_>) {
        self.is_wanted = true;
        self.read_on(cx);
    }

    /// Orders the next read, where one is wanted and none is under way.
    fn read_on(&mut self, cx: &mut Context<'_>) {
        if let Connection::Reading(body) = &mut self.connection
            && self.is_wanted
            && !body.is_reading
        {
            body.is_reading = true;
            body.watch.is_alive(cx.now);
            let rest_ms = body.pace.rest_ms(cx.now);
            cx.order(Action::Read { request: body.request, rest_ms });
        }
    }

    /// The head of the answer is here.
    fn connected(&mut self, head: Head, session: &mut Session, cx: &mut Context<'_>) {
        let Connection::Connecting { request, token_generation, .. } = self.connection else {
            return;
        };
        match head.status {
            200..=299 if !head.is_event_stream => self.lost(None, cx),
            200..=299 if self.is_held => self.connection = Connection::Answered { request, head },
            200..=299 => self.begin_reading(request, head, session, cx),
            401 | 403 if holds(Rule::RefusedTokensAreRenewed) => {
                self.renew_token(request, token_generation, head.status, session, cx)
            }
            400 | 401 | 403 | 404 | 409 | 410 | 422 => self.refused(head.status, session, cx),
            _ => self.lost(head.retry_after_ms.filter(|_| holds(Rule::RetryAfterIsHonoured)), cx),
        }
    }

    fn begin_reading(
        &mut self,
        request: RequestId,
        head: Head,
        session: &Session,
        cx: &mut Context<'_>,
    ) {
        self.connection = Connection::Reading(Body {
            request,
            decoder: EventStreamDecoder::default(),
            is_v2: head.is_v2,
            is_settled: head.is_settled && !cx.watches(),
            connected_at: cx.now,
            watch: Watch::begin(cx.now),
            pace: Pace::begin(cx.now, cx.coalesces()),
            is_reading: false,
            is_live: false,
            is_flowing: false,
            has_news: false,
            is_mid_turn: false,
            is_done: false,
            is_broken: false,
        });
        self.has_renewed_token = false;
        if !mem::replace(&mut self.has_told_connected, true) {
            cx.tell(ChatEvent::StreamConnected {
                resumed: self.purpose.is_resumed,
                last_event_id: session.cursor.as_ref().map(Cursor::to_text),
                message_id: session.last_send.as_ref().and_then(|send| send.message_id.clone()),
            });
        }
        self.read_on(cx);
    }

    fn renew_token(
        &mut self,
        request: RequestId,
        token_generation: u32,
        status: u16,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) {
        cx.order(Action::CancelRequest { request });
        if token_generation < session.token_generation {
            self.connect(session, cx);
        } else if mem::replace(&mut self.has_renewed_token, true) {
            self.refused(status, session, cx);
        } else {
            self.connection = Connection::AwaitingToken;
            cx.refresh_token();
        }
    }

    fn refused(&mut self, status: u16, session: &mut Session, cx: &mut Context<'_>) {
        session.is_gone = status == 404 && !self.is_held && !cx.can_start_session();
        self.fail(ChatError::Api(ApiError::of_subscribe(status)), session, cx);
    }

    /// The connection is of no use. The next one comes after a pause, of `retry_after_ms` at least.
    fn lost(&mut self, retry_after_ms: Option<u64>, cx: &mut Context<'_>) {
        self.losses = self.losses.saturating_add(1);
        // A token that was good for this attempt may have expired by the next.
        self.has_renewed_token = false;
        self.reconnect_later(retry_after_ms, cx);
        if cx.page().is_offline {
            self.went_offline();
        }
    }

    fn reconnect_later(&mut self, retry_after_ms: Option<u64>, cx: &mut Context<'_>) {
        self.cancel_request(cx);
        if matches!(&self.connection, Connection::Reading(body) if body.has_run(cx.now)) {
            self.backoff.reset();
        }
        let ordered_ms = retry_after_ms.unwrap_or_default().min(MAX_RETRY_AFTER_MS);
        let until = cx.now.after(self.backoff.next_delay_ms().max(ordered_ms));
        self.connection = Connection::BackingOff { until, is_ordered: retry_after_ms.is_some() };
    }

    /// The body has ended, in the middle of the turn or settled.
    fn body_ended(&mut self, session: &mut Session, cx: &mut Context<'_>) {
        let Connection::Reading(body) = &self.connection else {
            return;
        };
        // The newest record of a settled stream is a boundary: a body that breaks off behind a chunk
        // was cut.
        let is_cut = body.is_mid_turn && holds(Rule::CutBodiesAreNoEnd);
        if (body.is_settled && !is_cut) || !holds(Rule::BodiesAreNotTurns) {
            return self.settled(session, cx);
        }
        if self.doubt == Doubt::Idle && !body.is_settled {
            self.doubt = Doubt::None;
        }
        if body.is_live || body.has_run(cx.now) {
            self.barren_bodies = 0;
            let is_in_doubt = matches!(self.doubt, Doubt::PassedOver { .. });
            if body.is_done && !body.has_news && is_in_doubt && holds(Rule::DoubtsAreAsked) {
                self.doubt = Doubt::Idle;
            }
        } else if !body.is_done || cx.now.since(self.opened_at) >= FIRST_RECORD_GRACE_MS {
            self.barren_bodies = self.barren_bodies.saturating_add(1);
        }
        if self.barren_bodies > MAX_BARREN_RESUBSCRIBES && !cx.watches() {
            if !holds(Rule::ExhaustionIsAnError) {
                return self.settled(session, cx);
            }
            let error = "Chat stream ended before the turn completed (reconnect budget exhausted).";
            return self.fail(ChatError::Other(error.to_owned()), session, cx);
        }
        match body.is_done {
            true => self.reconnect_later(None, cx),
            false => self.lost(None, cx),
        }
    }

    /// All turns are over, mine too.
    fn settled(&mut self, session: &mut Session, cx: &mut Context<'_>) {
        if session.gate.take().is_some() || self.swallowed != Swallowed::No {
            return self.swallowed(session, cx);
        }
        session.complete_turn();
        cx.persist(session);
        self.close(cx);
    }

    /// The next bytes of the body.
    fn bytes(&mut self, bytes: &[u8], session: &mut Session, cx: &mut Context<'_>) {
        let Connection::Reading(body) = &mut self.connection else {
            return;
        };
        body.is_reading = false;
        body.watch.is_alive(cx.now);
        let mut decoder = mem::take(&mut body.decoder);
        let mut is_sound = true;
        let mut events = 0_usize;
        let decoded = decoder.push(bytes, |event| {
            events = events.saturating_add(1);
            // Not `&=`: what follows an unsound event must not be taken at all.
            let is_usable = is_sound || !holds(Rule::DamageEndsABody);
            is_sound = is_usable && self.event(&event, session, cx);
        });
        if let Connection::Reading(body) = &mut self.connection {
            is_sound &= !body.is_broken;
            body.pace.was_read(cx.now, bytes.len(), events, cx.page().is_hidden());
            if holds(Rule::HalfEventsAreKept) {
                body.decoder = decoder;
            }
        }
        self.emit(cx);
        match decoded {
            Err(error) => self.fail(error.into(), session, cx),
            Ok(()) if self.is_over() => {}
            Ok(()) if !is_sound => self.lost(None, cx),
            Ok(()) => self.read_on(cx),
        }
    }

    /// Takes one event; `false` when what follows it in the body cannot be relied on.
    fn event(&mut self, event: &Event<'_>, session: &mut Session, cx: &mut Context<'_>) -> bool {
        let Connection::Reading(body) = &mut self.connection else {
            return true;
        };
        if body.is_broken {
            return false;
        }
        match event.name {
            "ping" => self.has_shown_life(false),
            "error" => body.is_broken = true,
            // A proxy's, for readers that see no headers.
            "settled" => body.is_settled = !cx.watches(),
            _ if event.data == "[DONE]" => body.is_done = true,
            "batch" => {
                // The header may not be readable across origins; the first batch tells as well.
                body.is_v2 = true;
                let mut scratch = mem::take(&mut self.scratch);
                let decoded = decode_batch(event.data, &mut scratch, |seq, record| {
                    self.record(Some(Cursor::Seq(seq)), &record, session, cx);
                });
                self.scratch = scratch;
                return decoded.is_ok();
            }
            _ if !body.is_v2 => {
                let cursor = event.id.map(Cursor::parse);
                self.record(cursor, &decode_v1(event.data), session, cx);
            }
            _ => {}
        }
        true
    }

    /// A record or a ping: the connection works, however its body may end.
    fn has_shown_life(&mut self, is_flowing: bool) {
        if let Connection::Reading(body) = &mut self.connection {
            body.is_live = true;
            body.is_flowing = is_flowing;
        }
        self.losses = 0;
        self.barren_bodies = 0;
        // Not by a ping: it is the first thing that a connection brings, however it goes on.
        if is_flowing {
            self.backoff.reset();
        }
    }

    fn record(
        &mut self,
        cursor: Option<Cursor>,
        record: &Record<'_>,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) {
        // What follows my boundary in the same read belongs to the next turn.
        if !matches!(self.connection, Connection::Reading(_)) {
            return;
        }
        self.has_shown_life(true);
        if let Connection::Reading(body) = &mut self.connection {
            match record {
                Record::Data(_) => body.is_mid_turn = true,
                Record::Control { control: Control::TurnComplete(_), .. } => {
                    body.is_mid_turn = false;
                }
                Record::Control { .. } | Record::Command | Record::Malformed => {}
            }
        }
        if let Some(cursor) = cursor {
            let is_known = cursor.is_behind(session.cursor.as_ref());
            if is_known && holds(Rule::KnownRecordsAreDropped) {
                return;
            }
            // (A command or a notice is written while no turn runs, too.)
            let begins = match session.turn {
                Turn::Unknown => true,
                Turn::Idle => cx.watches(),
                Turn::Running { .. } => false,
            };
            if begins && matches!(record, Record::Data(_)) {
                session.turn = Turn::Running { start: session.cursor.clone() };
                if cx.watches() {
                    cx.persist(session);
                }
            }
            if holds(Rule::CursorMoves) {
                session.cursor = Some(cursor);
            }
        }
        let is_repeat = record.part_id().is_some_and(|id| session.part_ids.has_seen(id));
        if is_repeat && holds(Rule::RepeatedPartsAreDropped) {
            return;
        }
        if let Connection::Reading(body) = &mut self.connection {
            body.has_news |= !matches!(record, Record::Command);
        }
        match record {
            Record::Data(data) => self.data(data, session, cx),
            Record::Control { control, .. } => self.control(control, session, cx),
            Record::Command | Record::Malformed => {}
        }
    }

    fn data(&mut self, data: &Data<'_>, session: &mut Session, cx: &mut Context<'_>) {
        self.doubt = Doubt::None;
        if let (Some(boundary), Turn::Running { start }) = (self.doubted.take(), &mut session.turn)
        {
            // It was an earlier turn's after all.
            *start = Some(boundary);
            cx.persist(session);
        }
        if session.gate.is_some() && holds(Rule::StoppedTurnsAreHeldBack) {
            return;
        }
        if self.swallowed == Swallowed::UnlessMoreComes {
            self.swallowed = Swallowed::No;
        }
        if !mem::replace(&mut self.has_told_first_chunk, true) {
            let last_event_id = session.cursor.as_ref().map(Cursor::to_text);
            cx.tell_first_chunk(data, last_event_id, session);
        }
        self.chunks.push(data);
    }

    fn control(&mut self, control: &Control<'_>, session: &mut Session, cx: &mut Context<'_>) {
        match control {
            Control::TurnComplete(boundary) => self.boundary(boundary, session, cx),
            Control::SessionClosed { reason } => {
                self.session_closed(reason.as_deref(), session, cx)
            }
            Control::PendingVersion => {
                cx.tell(ChatEvent::RunPendingVersion(PendingVersionSource::Upgrade));
            }
            Control::UpgradeRequired | Control::SessionState { .. } | Control::Unknown => {}
        }
    }

    fn session_closed(
        &mut self,
        reason: Option<&str>,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) {
        self.emit(cx);
        session.is_at_end = true;
        if session.closed.is_some() {
            // A message that was acknowledged since that was known has begun a turn.
            session.complete_turn();
            cx.persist(session);
        }
        cx.close_session(session, reason, ClosedSource::Stream);
        if self.swallowed == Swallowed::No {
            self.close(cx);
        } else {
            self.swallowed(session, cx);
        }
    }

    /// A boundary is taken for an earlier turn's. What it tells is a lower bound: the turn may have
    /// been mine, unless the agent had not even taken my message by then.
    fn passed_over(&mut self, boundary: &TurnComplete<'_>) {
        self.doubt = Doubt::of(boundary.highest_input_seq(), self.purpose.input_seq);
    }

    /// The doubt in which a stream begins whose message was acknowledged late: an end that was read
    /// before may have been that of its turn. `superseded`: the stream that it ends.
    pub(super) fn doubts(&mut self, superseded: Option<&Self>, session: &Session) {
        self.doubt = match session.taken_input_seq {
            Some(taken) => Doubt::of(Some(taken), self.purpose.input_seq),
            None => match superseded.map(|stream| stream.doubt) {
                None | Some(Doubt::None) => Doubt::None,
                // For this one a whole window has to pass again.
                Some(Doubt::PassedOver { .. } | Doubt::Idle) => Doubt::PassedOver { taken: None },
            },
        };
    }

    /// The same, where what came before it was held back.
    fn passed_over_gated(&mut self, boundary: &TurnComplete<'_>) {
        self.passed_over(boundary);
        self.swallowed = match self.doubt {
            Doubt::PassedOver { taken: None } => Swallowed::UnlessMoreComes,
            Doubt::PassedOver { taken: Some(_) } => Swallowed::Perhaps,
            Doubt::None | Doubt::Idle => Swallowed::No,
        };
    }

    /// A turn before mine is over: whoever replays mine starts here. Not yet where the agent had taken
    /// my message by then: the turn may have been mine.
    fn earlier_turn_over(&mut self, session: &mut Session, cx: &mut Context<'_>) {
        if matches!(self.doubt, Doubt::PassedOver { taken: Some(_) }) {
            self.doubted = session.cursor.clone();
        } else if let Turn::Running { start } = &mut session.turn {
            *start = session.cursor.clone();
            cx.persist(session);
        }
    }

    /// A turn is over; perhaps mine.
    fn boundary(
        &mut self,
        boundary: &TurnComplete<'_>,
        session: &mut Session,
        cx: &mut Context<'_>,
    ) {
        let consumed = boundary.consumed_input_seq();
        session.consumed_input_seq = session.consumed_input_seq.max(consumed);
        session.taken_input_seq = session.taken_input_seq.max(boundary.highest_input_seq());
        let is_below = |seq: Option<u64>| matches!((consumed, seq), (Some(c), Some(s)) if c < s && holds(Rule::NumbersCount));
        let is_mine = matches!((consumed, self.purpose.input_seq), (Some(c), Some(s)) if c >= s);
        if boundary.session_closed && (session.gate.is_some() || is_below(self.purpose.input_seq)) {
            // No turn follows any more, mine neither.
            if session.gate.is_some() {
                self.passed_over_gated(boundary);
                if is_mine {
                    self.swallowed = Swallowed::Perhaps;
                }
            }
            return self.session_closed(boundary.session_closed_reason.as_deref(), session, cx);
        }
        if let Some(gate) = &session.gate {
            if is_below(gate.input_seq) {
                return self.passed_over_gated(boundary);
            }
            let gate = session.gate.take();
            if is_mine {
                return self.swallowed(session, cx);
            }
            if is_below(self.purpose.input_seq) {
                self.passed_over_gated(boundary);
            }
            if self.swallowed == Swallowed::Perhaps {
                session.opened_gate = gate;
                return;
            }
            // Also without the numbers: the gate is there because this boundary was outstanding.
            return self.earlier_turn_over(session, cx);
        }
        if is_below(self.purpose.input_seq) {
            self.passed_over(boundary);
            return self.earlier_turn_over(session, cx);
        }
        if self.swallowed == Swallowed::Perhaps {
            return self.swallowed(session, cx);
        }
        self.emit(cx);
        if let Some(token) = &boundary.public_access_token {
            session.take_token(token.clone().into_owned(), cx.now);
        }
        if boundary.session_closed {
            let reason = boundary.session_closed_reason.as_deref();
            session.is_at_end = true;
            cx.close_session(session, reason, ClosedSource::Stream);
        }
        let last_event_id = session.cursor.as_ref().map(Cursor::to_text);
        let session_in_event_id = boundary.session_in_event_id.as_deref().map(ToOwned::to_owned);
        cx.tell_turn_completed(session_in_event_id.clone(), session);
        session.complete_turn();
        cx.persist(session);
        if let (true, Some(input_seq), Some(session_in_event_id)) =
            (is_mine, self.purpose.input_seq, session_in_event_id)
        {
            let stream = self.stream;
            cx.order(Action::Settle { stream, input_seq, session_in_event_id, last_event_id });
        }
        if cx.watches() && session.closed.is_none() {
            return self.next_turn();
        }
        self.close(cx);
    }

    /// Whatever turn follows is watched as well.
    fn next_turn(&mut self) {
        self.purpose.input_seq = None;
        self.has_told_first_chunk = false;
    }

    /// This boundary is my own turn's, and a stopped turn before it never showed one: what the gate
    /// held back was my answer.
    fn swallowed(&mut self, session: &mut Session, cx: &mut Context<'_>) {
        self.emit(cx);
        let error = "The previous turn's output was lost. Try again.";
        self.fail(ChatError::Other(error.to_owned()), session, cx);
    }

    /// Hands on what has been decoded.
    fn emit(&mut self, cx: &mut Context<'_>) {
        if let Some(chunks) = self.chunks.take() {
            self.is_wanted = false;
            cx.order(Action::Emit { stream: self.stream, chunks });
        }
    }

    /// Ends the stream well.
    pub(super) fn close(&mut self, cx: &mut Context<'_>) {
        self.detach(cx);
        if !self.is_held {
            cx.order(Action::CloseStream { stream: self.stream });
        }
    }

    /// Ends the stream with an error.
    pub(super) fn fail(&mut self, error: ChatError, session: &mut Session, cx: &mut Context<'_>) {
        if matches!(self.connection, Connection::Refused(_)) {
            return;
        }
        self.detach(cx);
        if self.is_held {
            self.connection = Connection::Refused(error);
            return;
        }
        if holds(Rule::FailedTurnsAreOver) {
            session.complete_turn();
        }
        cx.persist(session);
        cx.tell(ChatEvent::StreamError(error.clone()));
        cx.order(Action::FailStream { stream: self.stream, error });
    }

    /// Lets everything go, for a consumer that is gone already.
    fn detach(&mut self, cx: &mut Context<'_>) {
        self.cancel_request(cx);
        self.connection = Connection::Over;
    }

    fn cancel_request(&self, cx: &mut Context<'_>) {
        if let Some(request) = self.request()
            && holds(Rule::NothingIsLeftOpen)
        {
            cx.order(Action::CancelRequest { request });
        }
    }
}
