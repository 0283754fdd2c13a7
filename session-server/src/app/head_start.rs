//! `POST /app/head-start`: the first message of a chat by way of the app, which makes the session and
//! streams the answer back at once, all in one round trip.
//!
//! In a real app its own process says the first step and hands over to the agent. Here the agent says
//! it all, and the answer is read from `.out` while it is written there: so what comes here and what
//! stands there are the same, and a page that goes away in the middle finds the turn where it stands.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::{Answer, BasePayload, Shared, agent_of, bad, make_session, read_object};
use crate::agents::message_id;
use crate::api::ApiError;
use crate::input::{Message, Role};
use crate::json;
use crate::server::Server;
use crate::store::{self, Append, OutRecord, Session};

/// The most records that are read at once.
const BATCH_LIMIT: u32 = 1000;

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
    let agent = agent_of(&server, &request.chat_id, order.agent)?;
    let payload = BasePayload {
        chat_id: &request.chat_id,
        trigger: "submit-message",
        message: Some(message),
        head_start_messages: Some(&messages),
        metadata: request.metadata.as_deref(),
    };
    let created = make_session(&server, &agent, &payload)?;
    let session = server.store.session(&request.chat_id)?.ok_or(ApiError::NoSession)?;
    let asked = if created.is_cached { Some(submit(&server, &session, &payload)?) } else { None };
    let teller = Teller {
        records: server.bells.listen(&session.id),
        shutdown: server.shutdown.clone(),
        next: 0,
        message_id: message_id(&session, asked),
        has_begun: false,
        server,
        session: session.id,
    };
    let mut response =
        Body::from_stream(stream::unfold(Some(teller), Teller::tell)).into_response();
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
fn submit(server: &Arc<Server>, session: &Session, payload: &BasePayload<'_>) -> Answer<u64> {
    #[derive(Serialize)]
    struct Record<'a> {
        kind: &'static str,
        payload: BasePayload<'a>,
    }
    let payload = BasePayload { head_start_messages: None, ..*payload };
    let body = serde_json::to_string(&Record { kind: "message", payload });
    let body = body.map_err(|error| bad(error.to_string()))?;
    let part_id = store::fresh_id("part");
    match server.store.append_in(&session.id, &part_id, Role::Question, &body)? {
        Append::Landed(seq) => {
            server.wake_agent(&session.id);
            Ok(seq)
        }
        Append::Closed(reason) => Err(ApiError::SessionClosed(reason)),
        Append::Repeated => Err(bad("the message is there already")),
    }
}

/// Tells what stands in `.out` of one turn.
struct Teller {
    server: Arc<Server>,
    session: String,
    records: watch::Receiver<()>,
    shutdown: watch::Receiver<bool>,
    /// The sequence number to read from.
    next: u64,
    /// The message that the turn begins.
    message_id: String,
    has_begun: bool,
}

impl Teller {
    /// The next lines, and who tells the ones after them.
    async fn tell(teller: Option<Self>) -> Option<(Result<Bytes, Infallible>, Option<Self>)> {
        let mut teller = teller?;
        loop {
            match teller.look() {
                Ok((text, true)) => return Some((Ok(Bytes::from(text)), None)),
                Ok((text, false)) if !text.is_empty() => {
                    return Some((Ok(Bytes::from(text)), Some(teller)));
                }
                Ok(_) => {}
                Err(error) => {
                    eprintln!("session-server: {error}");
                    return None;
                }
            }
            tokio::select! {
                _ = teller.records.changed() => {}
                _ = teller.shutdown.wait_for(|stopped| *stopped) => return None,
            }
        }
    }

    /// What can be told right now, and whether that is the end.
    fn look(&mut self) -> store::Result<(String, bool)> {
        let mut text = String::new();
        // What is not this turn's has no words.
        while text.is_empty() {
            let records = self.server.store.out_records(&self.session, self.next, BATCH_LIMIT)?;
            let Some(last) = records.last() else { break };
            self.next = last.seq + 1;
            for record in &records {
                if self.note(record, &mut text)? {
                    return Ok((text, true));
                }
            }
        }
        Ok((text, false))
    }

    /// Tells what a record says of the turn; true where it ends it.
    fn note(&mut self, record: &OutRecord, text: &mut String) -> store::Result<bool> {
        let mut say = |chunk: &str| text.extend(["data: ", chunk, "\n\n"]);
        if let Some(chunk) = record.chunk()? {
            self.has_begun = self.has_begun || self.is_start(&chunk);
            if self.has_begun {
                say(chunk.get());
            }
            return Ok(false);
        }
        if self.has_begun && record.is_control("turn-complete") {
            say(r#"{"type":"trigger:turn-complete"}"#);
            let cursor = record.seq.to_string();
            say(&json!({ "type": "trigger:session-state", "lastEventId": cursor }).to_string());
            return Ok(true);
        }
        Ok(record.is_control("session-closed"))
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
