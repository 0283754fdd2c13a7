//! Facts, as the host writes them: JSON objects.

use std::borrow::Cow;

use crate::chat::action::{CallId, Head, Input, PartId, RequestId, Send, StreamId};
use crate::chat::error::{ChatError, Foreign};
use crate::chat::event::SendSource;
use crate::chat::session::PersistedSession;
use crate::wire::members::Members;

/// A fact, and what its members mean to a machine.
pub(super) struct Fact<'a>(Members<'a>);

impl<'a> Fact<'a> {
    pub(super) fn read(json: &'a str) -> Self {
        // It is `JSON.stringify` that wrote it.
        Self(Members::read(json).unwrap_or_default())
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.0.number(name)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.flag(name)
    }

    /// A string; empty where there is none.
    fn text(&self, name: &str) -> String {
        self.0.text(name).map(Cow::into_owned).unwrap_or_default()
    }

    /// A string with something in it.
    fn some_text(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A number of what the host holds.
    fn id(&self, name: &str) -> u32 {
        self.number(name).and_then(|id| u32::try_from(id).ok()).unwrap_or_default()
    }

    fn status(&self) -> u16 {
        self.number("status").and_then(|status| u16::try_from(status).ok()).unwrap_or_default()
    }

    fn part_id(&self) -> Option<PartId> {
        self.some_text("partId").map(PartId)
    }

    /// What JavaScript threw: the host keeps it, by this number.
    fn thrown(&self) -> Foreign {
        Foreign(self.id("thrown"))
    }

    fn send(&self, body: &str) -> Send {
        Send {
            source: SendSource::from_name(&self.text("source")),
            message_id: self.some_text("messageId"),
            body: body.to_owned(),
            part_id: self.part_id().unwrap_or_default(),
            head_start: self.some_text("headStart"),
        }
    }
}

/// The persisted form as the app gave it, or another tab, which does not tell the token.
pub(super) fn persisted_from(fact: &Fact<'_>) -> PersistedSession {
    let is_streaming = fact.0.get("isStreaming");
    PersistedSession {
        public_access_token: fact.text("publicAccessToken"),
        last_event_id: fact.some_text("lastEventId"),
        active_input_seq: fact.number("activeInputSeq"),
        is_streaming: is_streaming
            .filter(|flag| matches!(*flag, "true" | "false"))
            .map(|flag| flag == "true"),
        closed: fact.flag("closed"),
        closed_reason: fact.some_text("closedReason"),
    }
}

/// The fact of this kind: the numbers are those of `FACTS` in `host.js`. `id` is that of the call, the stream or
/// the request.
pub(super) fn input_of<'a>(kind: u32, fact: &Fact<'_>, body: &'a str) -> Input<'a> {
    let id = fact.id("id");
    let call = CallId(id);
    let request = RequestId(id);
    match kind {
        0 => Input::Send { call, send: fact.send(body) },
        1 => Input::Steer { call, send: fact.send(body) },
        2 => Input::Reconnect { call },
        3 => Input::Start { call },
        4 => Input::Stop { call, part_id: fact.part_id().unwrap_or_default() },
        5 => Input::SetSession(persisted_from(fact)),
        // Whatever another tab says, a token is the app's to give.
        6 => Input::Adopt(PersistedSession {
            public_access_token: String::new(),
            ..persisted_from(fact)
        }),
        7 => Input::SeedCursor(fact.text("lastEventId")),
        8 => Input::ClearGate,
        9 => Input::Retry,
        10 => Input::Disposed,
        11 => Input::Aborted { call, stop: fact.part_id() },
        12 => Input::Wanted { stream: StreamId(id) },
        13 => Input::Cancelled { stream: StreamId(id) },
        14 => Input::SessionStarted {
            token: fact.text("token"),
            pending_version: fact.flag("pendingVersion"),
        },
        15 => Input::StartFailed(ChatError::Foreign(fact.thrown())),
        16 => Input::TokenReady(fact.text("token")),
        17 => Input::TokenFailed(ChatError::Foreign(fact.thrown())),
        18 => Input::Answered {
            request,
            status: fact.status(),
            retry_after_ms: fact.number("retryAfterMs"),
            body,
        },
        19 => Input::Ended { request },
        20 => Input::Connected {
            request,
            head: Head {
                status: fact.status(),
                is_event_stream: fact.flag("isEventStream"),
                is_v2: fact.flag("isV2"),
                is_settled: fact.flag("isSettled"),
                retry_after_ms: fact.number("retryAfterMs"),
            },
        },
        21 => Input::HeadStarted {
            request,
            status: fact.status(),
            token: fact.some_text("token"),
            pending_version: fact.flag("pendingVersion"),
        },
        22 => Input::NetworkFailed { request, error: fact.thrown() },
        23 => Input::Online,
        24 => Input::Offline,
        25 => Input::Shown,
        26 => Input::PutAway,
        27 => Input::Hidden,
        // Time may have passed.
        _ => Input::Woken,
    }
}
