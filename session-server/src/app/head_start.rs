//! `POST /app/head-start`: the first message of a chat by way of the app, which makes the session and
//! streams the answer back at once, all in one round trip.
//!
//! In a real app its own process says the first step and hands over to the agent. Here the agent says
//! it all, and the answer is read from `.out` while it is written there: so what comes here and what
//! stands there are the same, and a page that goes away in the middle finds the turn where it stands.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use sse_stream::{Sse, SseStream};

use super::{Answer, BasePayload, Shared, agent_of, bad, make_session, read_object};
use crate::agents::message_id;
use crate::api::ApiError;
use crate::input::{Message, Role};
use crate::json;
use crate::server::Server;
use crate::store::{self, Append, Events, Session};

/// How long the turn is told, and so how long it may take.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a test or a demo may order.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    agent: Option<String>,
    /// Has the answer say that the run waits for a deployment.
    #[serde(default)]
    pending_version: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadStart {
    chat_id: String,
    head_start_messages: Vec<Box<RawValue>>,
    metadata: Option<Box<RawValue>>,
}

/// Answers with the turn's chunks, and then with where it stands in `.out`.
pub(super) async fn head_start(
    State(server): Shared,
    order: Result<Query<Order>, QueryRejection>,
    body: Body,
) -> Answer<Response> {
    let Query(order) = order.map_err(|error| bad(error.body_text()))?;
    let request: HeadStart = read_object(body).await?;
    let messages: Vec<&RawValue> = request.head_start_messages.iter().map(|json| &**json).collect();
    let message = *messages.last().ok_or_else(|| bad("`headStartMessages` is empty"))?;
    let last: Message = json::object(message.get()).map_err(bad)?;
    if !last.is_from_user() {
        return Err(bad("the last of `headStartMessages` must be the user's"));
    }
    let agent = agent_of(&server, &request.chat_id, order.agent).await?;
    let payload = BasePayload {
        chat_id: &request.chat_id,
        trigger: "submit-message",
        message: Some(message),
        head_start_messages: Some(&messages),
        metadata: request.metadata.as_deref(),
    };
    let created = make_session(&server, &agent, &payload).await?;
    let session = server.store.session(&request.chat_id).await?.ok_or(ApiError::NoSession)?;
    let asked = match created.is_cached {
        true => Some(submit(&server, &session, &payload).await?),
        false => None,
    };
    let events = server.store.subscribe(&session.id, 0, Some(PATIENCE)).await?;
    let teller = Teller::new(message_id(&session, asked));
    let mut response =
        Body::from_stream(teller.tell(events).take_until(server.stopped())).into_response();
    let mut say = |name, value| response.headers_mut().insert(name, value);
    say(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    say(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    say(HeaderName::from_static("x-vercel-ai-ui-message-stream"), HeaderValue::from_static("v1"));
    let token = HeaderValue::from_str(&created.public_access_token).expect("a token is ASCII");
    say(HeaderName::from_static("x-trigger-chat-access-token"), token);
    if order.pending_version {
        say(
            HeaderName::from_static("x-trigger-chat-pending-version"),
            HeaderValue::from_static("1"),
        );
    }
    Ok(response)
}

/// Asks in a session that was there before, as a page does that has lost what it knew of it.
async fn submit(server: &Arc<Server>, session: &Session, payload: &BasePayload<'_>) -> Answer<u64> {
    #[derive(Serialize)]
    struct Record<'a> {
        kind: &'static str,
        payload: BasePayload<'a>,
    }
    let payload = BasePayload { head_start_messages: None, ..*payload };
    let body = serde_json::to_string(&Record { kind: "message", payload });
    let body = body.map_err(|error| bad(error.to_string()))?;
    let part_id = store::fresh_id("part");
    match server.store.append_in(&session.id, &part_id, Role::Question, &body).await? {
        Append::Landed(seq) => {
            server.wake_agent(&session.id);
            Ok(seq)
        }
        Append::Closed(reason) => Err(ApiError::SessionClosed(reason)),
        Append::Repeated => Err(bad("the message is there already")),
    }
}

/// A batch of records, as the event stream of a session has it.
#[derive(Deserialize)]
struct Batch {
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    seq_num: u64,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
}

impl Record {
    /// What it says; none in a control record.
    fn part(&self) -> Option<Part> {
        self.headers.is_empty().then(|| serde_json::from_str(&self.body).ok()).flatten()
    }

    /// Whether it is a control record of this kind.
    fn is_control(&self, kind: &str) -> bool {
        self.headers.iter().any(|(name, value)| name == "trigger-control" && value == kind)
    }
}

#[derive(Deserialize)]
struct Part {
    data: Box<RawValue>,
    id: String,
}

/// Tells what stands in `.out` of one turn.
struct Teller {
    /// The message that the turn begins.
    message_id: String,
    has_begun: bool,
    /// The last part that was told: its writer may have written it twice.
    told: String,
    is_over: bool,
}

impl Teller {
    fn new(message_id: String) -> Self {
        Self { message_id, has_begun: false, told: String::new(), is_over: false }
    }

    /// The lines that tell it, as it comes.
    fn tell(self, events: Events) -> impl Stream<Item = Result<Bytes, Infallible>> {
        let events = SseStream::from_bytes_stream(events);
        stream::unfold(Some((self, events)), |telling| async {
            let (mut teller, mut events) = telling?;
            match events.next().await? {
                Ok(event) => {
                    let text = teller.lines(&event);
                    let rest = (!teller.is_over).then_some((teller, events));
                    Some((Ok(Bytes::from(text)), rest))
                }
                Err(error) => {
                    eprintln!("session-server: {error}");
                    None
                }
            }
        })
    }

    /// What an event tells of the turn.
    fn lines(&mut self, event: &Sse) -> String {
        let mut text = String::new();
        let data = event.data.as_deref().unwrap_or_default();
        let batch = serde_json::from_str::<Batch>(data);
        for record in batch.map(|batch| batch.records).unwrap_or_default() {
            if self.is_over {
                break;
            }
            self.note(&record, &mut text);
        }
        text
    }

    /// Tells what a record says of the turn.
    fn note(&mut self, record: &Record, text: &mut String) {
        let mut say = |chunk: &str| text.extend(["data: ", chunk, "\n\n"]);
        if let Some(Part { data, id }) = record.part() {
            self.has_begun = self.has_begun || self.is_start(&data);
            if self.has_begun && id != self.told {
                say(data.get());
                self.told = id;
            }
        } else if self.has_begun && record.is_control("turn-complete") {
            say(r#"{"type":"trigger:turn-complete"}"#);
            let cursor = record.seq_num.to_string();
            say(&json!({ "type": "trigger:session-state", "lastEventId": cursor }).to_string());
            self.is_over = true;
        } else {
            self.is_over = record.is_control("session-closed");
        }
    }

    fn is_start(&self, chunk: &RawValue) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Start {
            message_id: Option<String>,
        }
        // Only the chunk that begins a message has its id at the top.
        let start = serde_json::from_str::<Start>(chunk.get());
        start.is_ok_and(|start| start.message_id.as_ref() == Some(&self.message_id))
    }
}
