//! The service's own surface, as clients and the app's server call it.

mod append;
mod body;
mod error;
mod records;
pub(crate) mod sessions;
mod subscribe;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use body::read_body;
pub(crate) use error::ApiError;

use crate::auth::{Access, Caller};
use crate::server::Server;
use crate::store::Session;

/// The routes below `/api` and `/realtime`.
pub(crate) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/api/v1/sessions", post(sessions::create_route))
        .route("/api/v1/sessions/{session}/close", post(sessions::close_route))
        .route("/realtime/v1/sessions/{session}/in/append", post(append::append))
        .route("/realtime/v1/sessions/{session}/in/records", get(records::records))
        .route("/realtime/v1/sessions/{session}/out", get(subscribe::subscribe))
}

/// The session that a path names, if the caller may have it.
fn session_for(
    server: &Server,
    caller: &Caller,
    access: Access,
    name: &str,
) -> Result<Session, ApiError> {
    let session = server.store.session(name)?;
    let allowed = match &session {
        Some(session) => caller.may(access, &[&session.external_id, &session.id]),
        None => caller.may(access, &[name]),
    };
    if !allowed {
        return Err(ApiError::Forbidden);
    }
    session.ok_or(ApiError::NoSession)
}
