//! `GET …/out`: the agent's channel as an event stream.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};

use super::{ApiError, session_for};
use crate::auth::Access;
use crate::faults::Rewind;
use crate::framing;
use crate::server::Server;
use crate::store::Events;

/// The window when none is asked for, and the longest that may be.
const DEFAULT_WINDOW_SECONDS: u64 = 60;
const LONGEST_WINDOW_SECONDS: u64 = 600;

/// Answers with the records from the cursor on, and with those that come while the window is open.
pub(crate) async fn subscribe(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    rewind: Option<Extension<Rewind>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = server.keys.caller(&headers)?;
    let session = session_for(&server, &caller, Access::Read, &name).await?;
    let accept = text(&headers, ACCEPT.as_str()).unwrap_or_default();
    if !accept.contains("text/event-stream") {
        return Err(ApiError::NotAcceptable);
    }
    let window = window(&headers)?;
    let peek = text(&headers, "x-peek-settled") == Some("1");
    let settled = peek && server.store.is_settled(&session.id).await?;

    let Extension(Rewind(rewind)) = rewind.unwrap_or_default();
    let mut from = first_seq(&headers);
    if rewind > 0 {
        from = from.min(server.store.out_tail(&session.id).await?.seq).saturating_sub(rewind);
    }
    let window = (!settled).then_some(window);
    let events = server.store.subscribe(&session.id, from, window).await?;
    let mut response = Body::from_stream(told(events, &server)).into_response();
    response.headers_mut().extend(answer_headers(settled));
    Ok(response)
}

/// The events up to a failure of the store, which the last of them tells, or to the server's stop.
fn told(events: Events, server: &Server) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
    let told = events.map(|event| {
        Ok(event.unwrap_or_else(|error| {
            eprintln!("session-server: {error}");
            framing::error("the channel cannot be read").into()
        }))
    });
    told.take_until(server.stopped())
}

/// Where to read from: after the cursor, which is one integer; anything else means from the start.
fn first_seq(headers: &HeaderMap) -> u64 {
    text(headers, "last-event-id")
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse::<u64>().ok())
        .map_or(0, |seq| seq.saturating_add(1))
}

fn window(headers: &HeaderMap) -> Result<Duration, ApiError> {
    let seconds = match text(headers, "timeout-seconds") {
        None => Some(DEFAULT_WINDOW_SECONDS),
        Some(text) => text.parse().ok(),
    };
    seconds
        .filter(|seconds| (1..=LONGEST_WINDOW_SECONDS).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| {
            ApiError::BadRequest(format!("Timeout-Seconds must be 1 to {LONGEST_WINDOW_SECONDS}"))
        })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn answer_headers(settled: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut say = |name, value| headers.insert(name, HeaderValue::from_static(value));
    say(CONTENT_TYPE, "text/event-stream");
    say(CACHE_CONTROL, "no-cache");
    say(HeaderName::from_static("x-accel-buffering"), "no");
    say(HeaderName::from_static("x-stream-version"), "v2");
    if settled {
        say(HeaderName::from_static("x-session-settled"), "true");
    }
    headers
}
