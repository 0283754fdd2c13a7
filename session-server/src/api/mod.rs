//! The service's own surface, as clients and the app's server call it.

mod append;
mod body;
mod error;
mod records;
pub(crate) mod sessions;
mod subscribe;

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};

pub(crate) use body::read_body;
pub(crate) use error::ApiError;

use crate::auth::{Access, Caller};
use crate::server::Server;
use crate::store::Session;

/// The routes that clients use, as they are matched.
pub(crate) const APPEND: &str = "/realtime/v1/sessions/{session}/in/append";
pub(crate) const RECORDS: &str = "/realtime/v1/sessions/{session}/in/records";
pub(crate) const SUBSCRIBE: &str = "/realtime/v1/sessions/{session}/out";

/// The routes below `/api` and `/realtime`.
pub(crate) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/api/v1/sessions", post(sessions::create_route))
        .route("/api/v1/sessions/{session}/close", post(sessions::close_route))
        .merge(client_routes())
}

/// Those of them that clients use.
pub(crate) fn client_routes() -> Router<Arc<Server>> {
    Router::new()
        .route(APPEND, post(append::append))
        .route(RECORDS, get(records::records))
        .route(SUBSCRIBE, get(subscribe::subscribe))
}

/// Refuses everyone but the app's own server.
pub(crate) fn only_server(server: &Server, headers: &HeaderMap) -> Result<Caller, ApiError> {
    match server.keys.caller(headers)? {
        caller @ Caller::Server => Ok(caller),
        Caller::Browser { .. } => Err(ApiError::NeedsSecretKey),
    }
}

/// The session that a path names, if the caller may have it.
async fn session_for(
    server: &Server,
    caller: &Caller,
    access: Access,
    name: &str,
) -> Result<Session, ApiError> {
    let session = server.store.session(name).await?;
    let allowed = match &session {
        Some(session) => caller.may(access, &[&session.external_id, &session.id]),
        None => caller.may(access, &[name]),
    };
    if !allowed {
        return Err(ApiError::Forbidden);
    }
    session.ok_or(ApiError::NoSession)
}
