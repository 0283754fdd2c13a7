//! `/admin`: what a test orders. Only the secret key opens it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONNECTION;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use serde::Serialize;
use serde_json::Value;

use super::desk::Report;
use super::layer::Fate;
use super::order::Fault;
use crate::api::{ApiError, only_server, read_body};
use crate::server::Server;

/// The longest body of an order.
const LIMIT: usize = 1024 * 1024;

/// The routes below `/admin`.
pub(crate) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/admin/faults", post(order).get(list).delete(forget))
        .route("/admin/restart", post(restart))
        .route("/admin/expire-tokens", post(expire_tokens))
}

/// An order that was carried out.
#[derive(Serialize)]
struct Done {
    ok: bool,
}

const DONE: Json<Done> = Json(Done { ok: true });

type Shared = State<Arc<Server>>;

async fn order(
    State(server): Shared,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let body = read_body(body, LIMIT).await;
    only_server(&server, &headers)?;
    server.faults.place(read(&body?).map_err(ApiError::BadRequest)?).await;
    Ok(DONE)
}

async fn list(State(server): Shared, headers: HeaderMap) -> Result<Json<Report>, ApiError> {
    only_server(&server, &headers)?;
    Ok(Json(server.faults.report()))
}

async fn forget(State(server): Shared, headers: HeaderMap) -> Result<Json<Done>, ApiError> {
    only_server(&server, &headers)?;
    server.faults.clear();
    Ok(DONE)
}

async fn restart(State(server): Shared, headers: HeaderMap) -> Result<Response, ApiError> {
    only_server(&server, &headers)?;
    Ok(([(CONNECTION, "close")], Extension(Fate::Restart), DONE).into_response())
}

async fn expire_tokens(State(server): Shared, headers: HeaderMap) -> Result<Json<Done>, ApiError> {
    only_server(&server, &headers)?;
    server.keys.sign_with(&server.store.renew_signing_secret().await?);
    Ok(DONE)
}

/// Reads one order, or several, of which each must be sound.
fn read(text: &str) -> Result<Vec<Fault>, String> {
    match serde_json::from_str(text).map_err(|error| error.to_string())? {
        Value::Array(orders) => orders
            .into_iter()
            .enumerate()
            .map(|(n, order)| {
                Fault::parse(order).map_err(|error| format!("fault {}: {error}", n + 1))
            })
            .collect(),
        order => Fault::parse(order).map(|fault| vec![fault]),
    }
}
