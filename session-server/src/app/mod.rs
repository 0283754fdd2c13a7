//! The demo app's own server side: the part that an app developer writes, and no part of the service.
//!
//! It lists the agents and the app's chats, keeps their transcripts, and does what needs the secret key on the
//! page's behalf: starting a session, with or without its first turn, and minting a token. A real app would ask who is there first;
//! this one is for a demo on loopback and asks nobody, but lets in no page of another site.

mod head_start;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::agents::Profile;
use crate::api::sessions::{self, CreateRequest, Created, stored_json};
use crate::api::{ApiError, read_body};
use crate::input::Message;
use crate::json;
use crate::origin;
use crate::server::Server;
use crate::store::ChatSummary;
use crate::time;

/// The longest transcript the demo keeps.
const LIMIT: usize = 16 * 1024 * 1024;

/// The longest title made from a message, in characters.
const TITLE_LIMIT: usize = 60;

/// The agent of a chat that names none.
const DEFAULT_AGENT: &str = "echo";

type Answer<T> = Result<T, ApiError>;
type Shared = State<Arc<Server>>;

/// The routes below `/app`.
pub(crate) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/app/agents", get(agents))
        .route("/app/chats", get(list))
        .route("/app/chats/{id}", get(show).put(change).delete(remove))
        .route("/app/chats/{id}/messages", put(save_messages))
        .route("/app/chats/{id}/session", put(save_session))
        .route("/app/chats/{id}/start", post(start))
        .route("/app/chats/{id}/token", post(token))
        .route("/app/head-start", post(head_start::head_start))
        .route_layer(from_fn(origin::own_pages))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryView {
    id: String,
    title: Option<String>,
    agent: String,
    updated_at: String,
}

impl From<ChatSummary> for SummaryView {
    fn from(chat: ChatSummary) -> Self {
        Self {
            id: chat.id,
            title: chat.title,
            agent: chat.agent,
            updated_at: time::to_iso(chat.updated_at),
        }
    }
}

#[derive(Serialize)]
struct ChatView {
    id: String,
    title: Option<String>,
    agent: String,
    messages: Box<RawValue>,
    session: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Change {
    title: Option<String>,
    agent: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    task_id: Option<String>,
    client_data: Option<Box<RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    public_access_token: String,
}

async fn agents(State(server): Shared) -> Json<Vec<Profile>> {
    Json(server.agents.profiles())
}

async fn list(State(server): Shared) -> Answer<Json<Vec<SummaryView>>> {
    let chats = server.store.chats().await?;
    Ok(Json(chats.into_iter().map(SummaryView::from).collect()))
}

async fn show(State(server): Shared, Path(id): Path<String>) -> Answer<Json<ChatView>> {
    let chat = server.store.chat(&id).await?.ok_or_else(|| no_chat(&id))?;
    Ok(Json(ChatView {
        id,
        title: chat.title,
        agent: chat.agent,
        messages: stored_json(chat.messages)?,
        session: chat.session.map(stored_json).transpose()?,
    }))
}

async fn change(
    State(server): Shared,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<ChatView>> {
    let change: Change = read_object(body).await?;
    put_chat(&server, &id, change.title.as_deref(), change.agent.as_deref()).await?;
    show(State(server), Path(id)).await
}

async fn remove(State(server): Shared, Path(id): Path<String>) -> Answer<StatusCode> {
    found(server.store.delete_chat(&id).await?, &id)
}

async fn save_messages(
    State(server): Shared,
    Path(id): Path<String>,
    body: Body,
) -> Answer<StatusCode> {
    let text = read_body(body, LIMIT).await?;
    let messages: Vec<&RawValue> =
        serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    let title = title(&messages);
    found(server.store.save_messages(&id, &text, title.as_deref()).await?, &id)
}

async fn save_session(
    State(server): Shared,
    Path(id): Path<String>,
    body: Body,
) -> Answer<StatusCode> {
    let text = read_body(body, LIMIT).await?;
    let session: Option<&RawValue> = match text.trim_ascii() {
        "null" => None,
        text => Some(json::object(text).map_err(bad)?),
    };
    found(server.store.save_chat_session(&id, session.map(RawValue::get)).await?, &id)
}

/// What a server action with the secret key does: makes the session, keeps the chat's row.
async fn start(State(server): Shared, Path(id): Path<String>, body: Body) -> Answer<Json<Started>> {
    let start: Start = read_object(body).await?;
    let agent = agent_of(&server, &id, start.task_id).await?;
    let payload = BasePayload {
        chat_id: &id,
        trigger: "preload",
        message: None,
        head_start_messages: None,
        metadata: start.client_data.as_deref(),
    };
    let created = make_session(&server, &agent, &payload).await?;
    Ok(Json(Started { public_access_token: created.public_access_token }))
}

async fn token(State(server): Shared, Path(id): Path<String>) -> Answer<String> {
    Ok(server.keys.mint(&id)?)
}

/// What the agent starts from.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct BasePayload<'a> {
    chat_id: &'a str,
    trigger: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_start_messages: Option<&'a [&'a RawValue]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
}

/// Makes the session, unless it is there, and the chat's row with it.
async fn make_session(
    server: &Arc<Server>,
    agent: &str,
    payload: &BasePayload<'_>,
) -> Answer<Created> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Config<'a> {
        base_payload: &'a BasePayload<'a>,
    }
    let config = serde_json::value::to_raw_value(&Config { base_payload: payload });
    let request = CreateRequest {
        kind: "chat.agent".to_owned(),
        external_id: payload.chat_id.to_owned(),
        task_identifier: agent.to_owned(),
        trigger_config: config.map_err(|error| bad(error.to_string()))?,
        tags: Vec::new(),
        metadata: None,
        expires_at: None,
    };
    let created = sessions::create(server, request).await?;
    put_chat(server, payload.chat_id, None, Some(agent)).await?;
    Ok(created)
}

/// The agent that is asked for, or else the chat's, or else the usual one.
async fn agent_of(server: &Server, chat_id: &str, asked_for: Option<String>) -> Answer<String> {
    Ok(match asked_for {
        Some(agent) => agent,
        None => {
            let chat = server.store.chat(chat_id).await?;
            chat.map_or(DEFAULT_AGENT.to_owned(), |chat| chat.agent)
        }
    })
}

async fn put_chat(
    server: &Server,
    id: &str,
    title: Option<&str>,
    agent: Option<&str>,
) -> Answer<()> {
    if let Some(agent) = agent.filter(|agent| server.agents.named(agent).is_none()) {
        return Err(bad(format!(
            "there is no agent `{agent}`; there are: {}",
            server.agents.ids()
        )));
    }
    server.store.put_chat(id, title, agent, DEFAULT_AGENT).await?;
    Ok(())
}

/// A title from the text of the first user message, if there is any.
fn title(messages: &[&RawValue]) -> Option<String> {
    let text = messages.iter().find_map(|message| {
        let message: Message = json::object(message.get()).ok()?;
        message.is_from_user().then(|| message.text())
    })?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = text.chars().take(TITLE_LIMIT).collect();
    match short.len() {
        0 => None,
        length if length < text.len() => Some(format!("{}…", short.trim_end())),
        _ => Some(short),
    }
}

async fn read_object<T: DeserializeOwned>(body: Body) -> Answer<T> {
    json::object(&read_body(body, LIMIT).await?).map_err(bad)
}

fn found(found: bool, id: &str) -> Answer<StatusCode> {
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(no_chat(id)) }
}

fn no_chat(id: &str) -> ApiError {
    ApiError::NotFound(format!("there is no chat `{id}`"))
}

fn bad(text: impl Into<String>) -> ApiError {
    ApiError::BadRequest(text.into())
}
