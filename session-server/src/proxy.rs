//! A proxy of the app's own, as one stands before the service where users are known by a cookie: what
//! an `EventSource` needs, which sends no header, and sees none.
//!
//! It passes on what clients ask of the service, with the secret key. A real one would ask who may see
//! which chat; this one signs everybody in, and lets whoever is signed in see them all.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::{StreamExt, stream};
use serde::Deserialize;

use crate::api::{self, ApiError};
use crate::auth::AuthError;
use crate::origin;
use crate::server::Server;

/// Where the proxy is.
pub(crate) const PREFIX: &str = "/proxy";

const COOKIE_NAME: &str = "session-server";

/// What the service says in a header, for those who see none. An event without data would not count.
const SETTLED: &str = "event: settled\ndata: true\n\n";

/// The routes below `/proxy`.
pub(crate) fn routes(server: &Arc<Server>) -> Router<Arc<Server>> {
    let passed = api::client_routes().route_layer(from_fn_with_state(Arc::clone(server), pass));
    let all = passed.route("/sign-in", post(sign_in)).route_layer(from_fn(origin::own_pages));
    Router::new().nest(PREFIX, all)
}

/// What the service reads from headers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    last_event_id: Option<String>,
    peek_settled: Option<String>,
    timeout_seconds: Option<String>,
}

async fn sign_in(State(server): State<Arc<Server>>) -> Result<Response, ApiError> {
    let cookie = format!(
        "{COOKIE_NAME}={}; Path={PREFIX}; HttpOnly; SameSite=Lax",
        server.keys.mint_visitor()?
    );
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

async fn pass(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    server.keys.check_visitor(cookie(request.headers()).ok_or(AuthError::NoCookie)?)?;
    let Query(asked) = Query::<Asked>::try_from_uri(request.uri())
        .map_err(|error| ApiError::BadRequest(error.body_text()))?;
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, server.keys.authorization()?);
    for (name, value) in [
        ("last-event-id", asked.last_event_id),
        ("x-peek-settled", asked.peek_settled),
        ("timeout-seconds", asked.timeout_seconds),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    let mut response = next.run(request).await;
    response.headers_mut().remove("x-stream-version");
    let is_settled = response.headers_mut().remove("x-session-settled").is_some();
    Ok(if is_settled { response.map(say_settled) } else { response })
}

fn say_settled(body: Body) -> Body {
    let settled = stream::iter([Ok(Bytes::from_static(SETTLED.as_bytes()))]);
    Body::from_stream(settled.chain(body.into_data_stream()))
}

/// The value of the cookie that signing in has set.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}
