//! `GET …/out`: the agent's channel as an event stream.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{ApiError, session_for};
use crate::auth::Access;
use crate::faults::Rewind;
use crate::s2;
use crate::server::Server;
use crate::{store, time};

/// The most records in one batch, as S2 has it.
const BATCH_LIMIT: u32 = 1000;

/// How long a stream is silent before a ping, as S2 has it.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(5);

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
    let session = session_for(&server, &caller, Access::Read, &name)?;
    let accept = text(&headers, ACCEPT.as_str()).unwrap_or_default();
    if !accept.contains("text/event-stream") {
        return Err(ApiError::NotAcceptable);
    }
    let window = window(&headers)?;
    let peek = text(&headers, "x-peek-settled") == Some("1");
    let settled = peek && server.store.is_settled(&session.id)?;

    let Extension(Rewind(rewind)) = rewind.unwrap_or_default();
    let reader = Reader {
        records: server.bells.listen(&session.id),
        shutdown: server.shutdown.clone(),
        next: first_seq(&server, &session.id, &headers)?.saturating_sub(rewind),
        server,
        session: session.id,
        meter: s2::Meter::default(),
        caught_up: false,
        settled,
        ping_at: Instant::now(),
        ends_at: Instant::now() + window,
    };
    let body = stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        let (event, goes_on) = reader.next_event().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(event)), goes_on.then_some(reader)))
    });
    let mut response = Body::from_stream(body).into_response();
    response.headers_mut().extend(answer_headers(settled));
    Ok(response)
}

/// One open event stream.
struct Reader {
    server: Arc<Server>,
    session: String,
    records: watch::Receiver<()>,
    shutdown: watch::Receiver<bool>,
    /// The sequence number to read from.
    next: u64,
    meter: s2::Meter,
    /// Whether the reader has seen the end of the channel once.
    caught_up: bool,
    /// Whether there is nothing to wait for.
    settled: bool,
    ping_at: Instant,
    ends_at: Instant,
}

impl Reader {
    /// The next event, and whether another follows; none when the server stops.
    async fn next_event(&mut self) -> Option<(String, bool)> {
        loop {
            if self.caught_up && Instant::now() >= self.ends_at {
                return Some((s2::DONE.to_owned(), false));
            }
            match self.look() {
                Ok(Some(event)) => return Some((event, true)),
                Ok(None) if self.settled => return Some((s2::DONE.to_owned(), false)),
                Ok(None) => {}
                Err(error) => {
                    eprintln!("session-server: {error}");
                    return Some((s2::error("the channel cannot be read"), false));
                }
            }
            tokio::select! {
                _ = self.records.changed() => {}
                () = sleep_until(self.ping_at.min(self.ends_at)) => {}
                _ = self.shutdown.wait_for(|stopped| *stopped) => return None,
            }
        }
    }

    /// What can be said right now: the records that have come, as one batch, or a ping that is due.
    fn look(&mut self) -> store::Result<Option<String>> {
        let store = &self.server.store;
        let records = store.out_records(&self.session, self.next, BATCH_LIMIT)?;
        if let Some(last) = records.last() {
            self.next = last.seq + 1;
            if self.caught_up {
                self.ping_at = Instant::now() + PING_EVERY;
            }
            return Ok(Some(s2::batch(&records, &mut self.meter)));
        }
        if self.settled || Instant::now() < self.ping_at {
            return Ok(None);
        }
        self.caught_up = true;
        self.ping_at = Instant::now() + PING_EVERY;
        Ok(Some(s2::ping(time::now(), store.out_tail(&self.session)?)))
    }
}

/// Where to read from: after the cursor, which is one integer; anything else means from the start. A
/// cursor beyond the end, left over from another database, waits at the end.
fn first_seq(server: &Server, session: &str, headers: &HeaderMap) -> Result<u64, ApiError> {
    let cursor = text(headers, "last-event-id")
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse::<u64>().ok());
    Ok(match cursor {
        None => 0,
        Some(seq) => seq.saturating_add(1).min(server.store.out_tail(session)?.seq),
    })
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
