//! Creating and closing sessions: what the app's own server does with its secret key.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{ApiError, only_server, read_body, session_for};
use crate::agents::Agents;
use crate::auth::Access;
use crate::input::{Payload, Role};
use crate::json;
use crate::server::Server;
use crate::store::{NewSession, Session};
use crate::time;

/// The longest body of a create or close call.
const LIMIT: usize = 32 * 1024;

/// The longest reason for a close, in UTF-16 units as JavaScript counts.
pub(crate) const REASON_LIMIT: usize = 256;

/// The start of a session's own id, which no external id may have.
const ID_PREFIX: &str = "session_";

/// The body of a create call.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateRequest {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) external_id: String,
    pub(crate) task_identifier: String,
    pub(crate) trigger_config: Box<RawValue>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    pub(crate) metadata: Option<Box<RawValue>>,
    pub(crate) expires_at: Option<String>,
}

/// A session row as callers see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionView {
    id: String,
    external_id: String,
    #[serde(rename = "type")]
    kind: String,
    task_identifier: String,
    trigger_config: Box<RawValue>,
    current_run_id: String,
    run_id: String,
    tags: Box<RawValue>,
    metadata: Option<Box<RawValue>>,
    closed_at: Option<String>,
    closed_reason: Option<String>,
    expires_at: Option<String>,
    created_at: String,
    updated_at: String,
}

/// The answer to a create call.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Created {
    #[serde(flatten)]
    session: SessionView,
    pub(crate) public_access_token: String,
    pub(crate) is_cached: bool,
}

/// The body of a close call, which may also be empty.
#[derive(Default, Deserialize)]
struct CloseRequest {
    reason: Option<String>,
}

/// `POST /api/v1/sessions`
pub(crate) async fn create_route(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let body = read_body(body, LIMIT).await;
    only_server(&server, &headers)?;
    let request = json::object(&body?).map_err(ApiError::BadRequest)?;
    let created = create(&server, request).await?;
    let status = if created.is_cached { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(created)))
}

/// `POST /api/v1/sessions/{session}/close`
pub(crate) async fn close_route(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<SessionView>, ApiError> {
    let body = read_body(body, LIMIT).await;
    let caller = only_server(&server, &headers)?;
    let session = session_for(&server, &caller, Access::Write, &name).await?;
    let request: CloseRequest = match body?.as_str() {
        "" => CloseRequest::default(),
        text => json::object(text).map_err(ApiError::BadRequest)?,
    };
    let reason = request.reason.as_deref();
    if reason.is_some_and(|reason| reason.encode_utf16().count() > REASON_LIMIT) {
        return Err(ApiError::BadRequest(format!("`reason` is over {REASON_LIMIT} characters")));
    }
    server.store.close_session(&session.id, reason).await?;
    server.wake_agent(&session.id);
    let session = server.store.session(&session.id).await?;
    Ok(Json(view(session.ok_or(ApiError::NoSession)?)?))
}

/// Makes the session, or returns the one there is, and mints a token for it.
///
/// Its `.out` exists from here on, as the run that creation starts opens it: a reader that comes
/// before the first record waits with a ping. So the bare `[DONE]` that S2 gives for a stream not
/// yet made is never seen here, and a first subscribe needs no luck.
pub(crate) async fn create(
    server: &Arc<Server>,
    request: CreateRequest,
) -> Result<Created, ApiError> {
    let external_id = request.external_id.clone();
    let new = check(request, &server.agents)?;
    let made = server.store.create_session(&new).await?;
    let session = server.store.session(&external_id).await?.ok_or(ApiError::NoSession)?;
    if session.closed_at.is_some() {
        return Err(ApiError::SessionClosed(session.closed_reason));
    }
    if session.has_expired() {
        return Err(ApiError::SessionExpired);
    }
    server.wake_agent(&session.id);
    Ok(Created {
        public_access_token: server.keys.mint(&external_id)?,
        is_cached: !made,
        session: view(session)?,
    })
}

/// JSON that the store holds, as it was written.
pub(crate) fn stored_json(text: String) -> Result<Box<RawValue>, ApiError> {
    RawValue::from_string(text).map_err(ApiError::Stored)
}

fn check(request: CreateRequest, agents: &Agents) -> Result<NewSession, ApiError> {
    let refuse = |text: &str| Err(ApiError::BadRequest(text.to_owned()));
    if request.external_id.is_empty() {
        return refuse("`externalId` is empty");
    }
    if request.external_id.starts_with(ID_PREFIX) {
        return refuse("`externalId` may not start with `session_`");
    }
    if request.kind.is_empty() {
        return refuse("`type` is empty");
    }
    if agents.named(&request.task_identifier).is_none() {
        return Err(ApiError::NotFound(format!(
            "there is no task `{}` here; there are: {}",
            request.task_identifier,
            agents.ids()
        )));
    }
    let expires_at = match request.expires_at.as_deref() {
        None => None,
        Some(text) => match time::from_iso(text) {
            Some(at) => Some(at),
            None => return refuse("`expiresAt` is not an ISO 8601 time"),
        },
    };
    let boot_waits = brings_question(request.trigger_config.get())?;
    Ok(NewSession {
        external_id: request.external_id,
        kind: request.kind,
        task_identifier: request.task_identifier,
        trigger_config: request.trigger_config.get().to_owned(),
        tags: serde_json::json!(request.tags).to_string(),
        metadata: request.metadata.map(|json| json.get().to_owned()),
        expires_at,
        boot_waits,
    })
}

/// Whether the first run has a message to answer.
fn brings_question(trigger_config: &str) -> Result<bool, ApiError> {
    let payload = base_payload(trigger_config).map_err(ApiError::BadRequest)?;
    let payload = Payload::parse(payload.get()).map_err(ApiError::BadRequest)?;
    Ok(payload.role() == Role::Question)
}

/// The payload that a session's runs start from.
pub(crate) fn base_payload(trigger_config: &str) -> Result<&RawValue, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Config<'a> {
        #[serde(borrow)]
        base_payload: &'a RawValue,
    }
    json::object::<Config<'_>>(trigger_config)
        .map(|config| config.base_payload)
        .map_err(|error| format!("triggerConfig: {error}"))
}

fn view(session: Session) -> Result<SessionView, ApiError> {
    Ok(SessionView {
        id: session.id,
        external_id: session.external_id,
        kind: session.kind,
        task_identifier: session.task_identifier,
        trigger_config: stored_json(session.trigger_config)?,
        current_run_id: session.run_id.clone(),
        run_id: session.run_id,
        tags: stored_json(session.tags)?,
        metadata: session.metadata.map(stored_json).transpose()?,
        closed_at: session.closed_at.map(time::to_iso),
        closed_reason: session.closed_reason,
        expires_at: session.expires_at.map(time::to_iso),
        created_at: time::to_iso(session.created_at),
        updated_at: time::to_iso(session.updated_at),
    })
}
