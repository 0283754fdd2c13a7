//! The two alphabets of a chat machine: what it may be told, and what it orders.

use super::error::{ChatError, Foreign};
use super::event::{ChatEvent, SendSource};
use super::session::PersistedSession;

/// One call from the application that waits for an answer. The driver chooses it, once per chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// One stream of chunks that the application holds. The machine chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// One HTTP request. The machine chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// The idempotency key of an append: a random UUID (version 4), as the service's clients send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartId(pub String);

/// A message that the application sends.
#[derive(Debug, Clone)]
pub struct Send {
    /// Which path it takes.
    pub source: SendSource,
    /// The message's id, for events.
    pub message_id: Option<String>,
    /// The append's body: one record of `.in`.
    pub body: String,
    /// The append's idempotency key.
    pub part_id: PartId,
    /// The body for the app's own route, if it is to have the first message of a chat that has no
    /// session yet.
    pub head_start: Option<String>,
}

/// The head of an answer to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// The body is an event stream, as far as its `Content-Type` tells. A proxy's page is none.
    pub is_event_stream: bool,
    /// `X-Stream-Version: v2` was sent.
    pub is_v2: bool,
    /// `X-Session-Settled: true` was sent: what comes is the rest, and the body's end is the end.
    pub is_settled: bool,
    /// How long the service asks to wait before the next request, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// A fact.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// The app wants the session to exist.
    Start {
        /// Answered with [`Answer::Session`].
        call: CallId,
    },
    /// The app sends a message.
    Send {
        /// Answered by [`Action::OpenStream`].
        call: CallId,
        /// What it sends.
        send: Send,
    },
    /// The app wants the stream of a turn that may be running.
    Reconnect {
        /// Answered by [`Action::OpenStream`], or with [`Answer::Nothing`].
        call: CallId,
    },
    /// The app wants the running turn to end.
    Stop {
        /// Answered with [`Answer::Delivered`].
        call: CallId,
        /// The stop's idempotency key.
        part_id: PartId,
    },
    /// The app adds a message to what the running turn was asked, or another record to the input that
    /// begins no turn of its own.
    Steer {
        /// Answered with [`Answer::Delivered`], or with what has refused it.
        call: CallId,
        /// What it sends.
        send: Send,
    },
    /// The app has set the persisted state.
    SetSession(PersistedSession),
    /// The app holds everything up to this cursor: where the session has none, it reads on from there.
    SeedCursor(String),
    /// The tab that owns the chat has told how its session stands, all but the token. Whoever reads or
    /// sends here knows better.
    Adopt(PersistedSession),
    /// The app knows that a stopped turn died without a boundary: nothing is held back for it any more.
    ClearGate,
    /// The signal that came with a call was aborted.
    Aborted {
        /// The call; its stream may be open by now.
        call: CallId,
        /// The idempotency key of the stop that follows where a turn is outstanding; none where the
        /// turn is to go on, as after the abort of a plain reconnect.
        stop: Option<PartId>,
    },
    /// The consumer of a stream has room for more.
    Wanted {
        /// Which.
        stream: StreamId,
    },
    /// The consumer of a stream has cancelled it.
    Cancelled {
        /// Which.
        stream: StreamId,
    },
    /// The app wants a lost connection to be made again without waiting any longer.
    Retry,
    /// The network is there again, or the page: it was in the back/forward cache, say. What was
    /// connected before is stale. Told while something is under way, as are the three below.
    Online,
    /// The browser says that there is no network.
    Offline,
    /// The page is put away, or frozen: it reads nothing until it is told [`Input::Online`].
    PutAway,
    /// The page is not seen any more.
    Hidden,
    /// The page is seen again.
    Shown,
    /// The transport was disposed. A later call brings the chat back to life.
    Disposed,
    /// `startSession` has given a token.
    SessionStarted {
        /// The token.
        token: String,
        /// The run waits for its deployment.
        pending_version: bool,
    },
    /// `startSession` has failed.
    StartFailed(ChatError),
    /// `accessToken` has given a token.
    TokenReady(String),
    /// `accessToken` has failed.
    TokenFailed(ChatError),
    /// An append, or a question for the records of `.in`, was answered.
    Answered {
        /// Which.
        request: RequestId,
        /// The HTTP status.
        status: u16,
        /// How long the service asks to wait before the next request, in milliseconds.
        retry_after_ms: Option<u64>,
        /// The answer's body.
        body: &'a str,
    },
    /// A subscription was answered.
    Connected {
        /// Which.
        request: RequestId,
        /// The answer's head.
        head: Head,
    },
    /// The app's own route was answered; its body is read as a subscription's is.
    HeadStarted {
        /// Which.
        request: RequestId,
        /// The HTTP status.
        status: u16,
        /// The session token, where it gave one.
        token: Option<String>,
        /// The run waits for its deployment.
        pending_version: bool,
    },
    /// The next bytes of a subscription's body.
    Bytes {
        /// Which.
        request: RequestId,
        /// What was read.
        bytes: &'a [u8],
    },
    /// A subscription's body has ended.
    Ended {
        /// Which.
        request: RequestId,
    },
    /// A request found no network, or its body broke off.
    NetworkFailed {
        /// Which.
        request: RequestId,
        /// What the driver's world says of it.
        error: Foreign,
    },
    /// A deadline may have passed. Harmless when early or repeated.
    Woken,
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The session's state.
    Session(PersistedSession),
    /// Whether the stop, or the message, was delivered.
    Delivered(bool),
    /// There is nothing to reconnect to.
    Nothing,
}

/// An order.
#[derive(Debug, Clone)]
pub enum Action {
    /// Call the app's `startSession`.
    StartSession,
    /// Call the app's `accessToken`.
    RefreshToken,
    /// Append to `.in`.
    Append {
        /// To name it by.
        request: RequestId,
        /// The session token.
        token: String,
        /// The idempotency key.
        part_id: PartId,
        /// The body.
        body: String,
    },
    /// Give the chat's first message to the app's own route.
    HeadStart {
        /// To name it by.
        request: RequestId,
        /// The body.
        body: String,
    },
    /// List the records of `.in`.
    ListInput {
        /// To name it by.
        request: RequestId,
        /// The session token.
        token: String,
        /// Those after this seq; all where there is none.
        after: Option<u64>,
    },
    /// Subscribe to `.out`.
    Subscribe {
        /// To name it by.
        request: RequestId,
        /// The session token.
        token: String,
        /// The value of `Last-Event-ID`; none from the start.
        last_event_id: Option<String>,
        /// Whether to send `X-Peek-Settled`.
        peek_settled: bool,
    },
    /// Read on in a subscription's body: one [`Input::Bytes`], [`Input::Ended`] or
    /// [`Input::NetworkFailed`] answers.
    Read {
        /// Which.
        request: RequestId,
        /// How long to wait before, in milliseconds, so that more may come meanwhile.
        rest_ms: u64,
    },
    /// Give a request up. Facts about it that still come are ignored.
    CancelRequest {
        /// Which.
        request: RequestId,
    },
    /// Answer a call with a new stream.
    OpenStream {
        /// Which call.
        call: CallId,
        /// The stream to make.
        stream: StreamId,
    },
    /// Hand chunks on: the text of a JSON array of them, never empty.
    Emit {
        /// To which stream.
        stream: StreamId,
        /// The array.
        chunks: String,
    },
    /// The send that a stream was opened for is dealt with, for sure.
    Settle {
        /// Which stream.
        stream: StreamId,
        /// The send's `.in` seq.
        input_seq: u64,
        /// How far the agent has come in `.in`, as the service wrote it: `input_seq` at least.
        session_in_event_id: String,
        /// The boundary's cursor.
        last_event_id: Option<String>,
    },
    /// The stream has ended well.
    CloseStream {
        /// Which.
        stream: StreamId,
    },
    /// The stream has failed.
    FailStream {
        /// Which.
        stream: StreamId,
        /// With what.
        error: ChatError,
    },
    /// Answer a call.
    Resolve {
        /// Which.
        call: CallId,
        /// With what.
        answer: Answer,
    },
    /// A call has failed.
    Reject {
        /// Which.
        call: CallId,
        /// With what.
        error: ChatError,
    },
    /// Tell the app the new persisted state.
    Persist(PersistedSession),
    /// Tell the app that the session is gone, with all that it had stored of it.
    Forget,
    /// Tell the app an event.
    Tell(ChatEvent),
}
