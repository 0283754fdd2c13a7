//! Orders as short sentences, so that a test can name the exact list of them.

use trigger_chat_transport::chat::action::{Action, Answer, CallId, PartId, RequestId, StreamId};
use trigger_chat_transport::chat::error::ChatError;
use trigger_chat_transport::chat::event::{Attribution, ChatEvent, SendReport};
use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::text_of;

pub(crate) fn describe(action: &Action) -> String {
    match action {
        Action::StartSession => "start session".to_owned(),
        Action::RefreshToken => "refresh token".to_owned(),
        Action::Append { request: RequestId(request), token, part_id, body } => {
            format!("append {request} with {token} as {}: {body}", part_id.0)
        }
        Action::HeadStart { request: RequestId(request), body } => {
            format!("head start {request}: {body}")
        }
        Action::ListInput { request: RequestId(request), token, after } => {
            let after = after.map_or_else(|| "all".to_owned(), |seq| format!("after {seq}"));
            format!("list input {request} with {token} {after}")
        }
        Action::Subscribe { request: RequestId(request), token, last_event_id, peek_settled } => {
            let peeking = if *peek_settled { ", peeking" } else { "" };
            format!("subscribe {request} with {token} {}{peeking}", place(last_event_id.as_deref()))
        }
        Action::Read { request: RequestId(request), rest_ms: 0 } => format!("read {request}"),
        Action::Read { request: RequestId(request), rest_ms } => {
            format!("read {request} in {rest_ms} ms")
        }
        Action::CancelRequest { request: RequestId(request) } => format!("cancel {request}"),
        Action::OpenStream { call: CallId(call), stream: StreamId(stream) } => {
            format!("open stream {stream} for call {call}")
        }
        Action::Emit { stream: StreamId(stream), chunks } => format!("emit to {stream}: {chunks}"),
        Action::Settle {
            stream: StreamId(stream),
            input_seq,
            session_in_event_id,
            last_event_id,
        } => {
            let at = optional(last_event_id.as_deref());
            format!("settle {stream}: {input_seq} by {session_in_event_id} at {at}")
        }
        Action::CloseStream { stream: StreamId(stream) } => format!("close {stream}"),
        Action::FailStream { stream: StreamId(stream), error } => {
            format!("fail {stream}: {}", describe_error(error))
        }
        Action::Resolve { call: CallId(call), answer } => {
            format!("resolve {call}: {}", describe_answer(answer))
        }
        Action::Reject { call: CallId(call), error } => {
            format!("reject {call}: {}", describe_error(error))
        }
        Action::Persist(session) => format!("persist {}", describe_session(session)),
        Action::Forget => "forget".to_owned(),
        Action::Tell(event) => format!("tell {}", describe_event(event)),
    }
}

/// The tests' part ids are short: `p7`.
pub(crate) fn part(number: u32) -> PartId {
    PartId(format!("p{number}"))
}

fn place(last_event_id: Option<&str>) -> String {
    last_event_id.map_or_else(|| "from the start".to_owned(), |id| format!("from {id}"))
}

fn describe_error(error: &ChatError) -> String {
    match error {
        ChatError::Api(error) => {
            let mut text = format!("api {}", error.status);
            for part in [&error.code, &error.closed_reason].into_iter().flatten() {
                text.push(' ');
                text.push_str(part);
            }
            text
        }
        ChatError::Aborted => "aborted".to_owned(),
        ChatError::Unproven { part_id } => format!("unproven {}", part_id.0),
        ChatError::Other(text) => text.clone(),
        ChatError::Foreign(thrown) => format!("thrown {}", text_of(*thrown)),
    }
}

fn describe_answer(answer: &Answer) -> String {
    match answer {
        Answer::Session(session) => describe_session(session),
        Answer::Delivered(true) => "delivered".to_owned(),
        Answer::Delivered(false) => "not delivered".to_owned(),
        Answer::Nothing => "nothing".to_owned(),
    }
}

pub(crate) fn describe_session(session: &PersistedSession) -> String {
    let mut text = session.public_access_token.clone();
    text.push_str(match session.is_streaming {
        None => " unknown",
        Some(false) => " idle",
        Some(true) => " streaming",
    });
    if let Some(id) = &session.last_event_id {
        text.push_str(&format!(" from {id}"));
    }
    if let Some(seq) = session.active_input_seq {
        text.push_str(&format!(" seq {seq}"));
    }
    if session.closed {
        text.push_str(&format!(" closed {}", session.closed_reason.as_deref().unwrap_or("-")));
    }
    text
}

fn describe_event(event: &ChatEvent) -> String {
    match event {
        ChatEvent::MessageSent(report) => format!("message-sent {}", describe_report(report)),
        ChatEvent::MessageSendFailed(report, error) => {
            format!("message-send-failed {}: {}", describe_report(report), describe_error(error))
        }
        ChatEvent::StreamConnected { resumed, last_event_id, message_id } => format!(
            "stream-connected{} {} for {}",
            if *resumed { " resumed" } else { "" },
            place(last_event_id.as_deref()),
            optional(message_id.as_deref()),
        ),
        ChatEvent::FirstChunk { chunk_type, last_event_id, attribution } => format!(
            "first-chunk {} at {} {}",
            optional(chunk_type.as_deref()),
            optional(last_event_id.as_deref()),
            describe_attribution(attribution),
        ),
        ChatEvent::TurnCompleted { last_event_id, session_in_event_id, attribution } => format!(
            "turn-completed at {} consumed {} {}",
            optional(last_event_id.as_deref()),
            optional(session_in_event_id.as_deref()),
            describe_attribution(attribution),
        ),
        ChatEvent::StreamError(error) => format!("stream-error {}", describe_error(error)),
        ChatEvent::SessionClosed { reason, source } => {
            format!("session-closed by {source:?}: {}", optional(reason.as_deref()))
        }
        ChatEvent::RunPendingVersion(source) => format!("run-pending-version {source:?}"),
    }
}

fn describe_report(report: &SendReport) -> String {
    format!(
        "{} {} as {}, {} bytes, {} ms",
        report.source.name(),
        optional(report.message_id.as_deref()),
        optional(report.part_id.as_deref()),
        report.body_bytes,
        report.duration_ms,
    )
}

fn describe_attribution(attribution: &Attribution) -> String {
    let since = attribution.since_send_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
    format!("for {} after {since}", optional(attribution.message_id.as_deref()))
}

fn optional(text: Option<&str>) -> &str {
    text.unwrap_or("-")
}
