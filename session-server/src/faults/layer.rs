//! Does to each request what it meets. Where nothing stands, that is one look at an empty list.

use std::sync::Arc;

use axum::RequestExt;
use axum::body::Body;
use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::body::{Bent, Ending};
use super::desk::Met;
use super::order::{Canned, Place, Spoil};
use crate::api::{self, read_body};
use crate::proxy;
use crate::server::Server;
use crate::store::Session;

/// How many records before the one asked for a subscriber starts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rewind(pub(crate) u64);

/// What becomes of the connection that an answer with this extension is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is closed, and the answer is not sent.
    HangUp,
    /// It is closed once the answer is sent, and then the server starts anew.
    Restart,
}

/// The layer.
pub(crate) async fn meet(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (true, Some(on)) = (server.faults.stand(), place(&request)) else {
        return next.run(request).await;
    };
    let Ok(Path(name)) = request.extract_parts::<Path<String>>().await else {
        return next.run(request).await;
    };
    // A database that fails here fails the route too, which says so.
    let session = server.store.session(&name).await.ok().flatten();
    let chat = session.as_ref().map_or(&name, |session| &session.external_id);
    let cleared = server.faults.cleared();
    let Met { delay, spoil, .. } = server.faults.meet(on, chat);
    let answer = match spoil {
        None => next.run(request).await,
        Some(Spoil::Refuse) => hang_up(),
        Some(Spoil::Answer(canned)) => answer(canned, request).await,
        Some(Spoil::LoseAnswer) => {
            next.run(request).await;
            hang_up()
        }
        Some(Spoil::Body { after, ending }) => {
            bend(next.run(request).await, server.clone(), session, after, ending)
        }
        Some(Spoil::Rewind(records)) => {
            request.extensions_mut().insert(Rewind(records));
            next.run(request).await
        }
    };
    if !delay.is_zero() {
        server.faults.hold(delay, cleared).await;
    }
    answer
}

/// What faults know the request as, whether it comes by the proxy or not.
fn place(request: &Request) -> Option<Place> {
    let path = request.extensions().get::<MatchedPath>()?.as_str();
    match (request.method(), path.strip_prefix(proxy::PREFIX).unwrap_or(path)) {
        (&Method::POST, api::APPEND) => Some(Place::Append),
        (&Method::GET, api::SUBSCRIBE) => Some(Place::Subscribe),
        (&Method::GET, api::RECORDS) => Some(Place::Records),
        _ => None,
    }
}

fn hang_up() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(Fate::HangUp);
    response
}

/// The answer that was ordered. The request is read to its end first: a client that is answered while
/// it sends sees a network failure instead.
async fn answer(canned: Canned, request: Request) -> Response {
    let _ = read_body(request.into_body(), 0).await;
    (canned.status, canned.headers, Body::from(canned.body)).into_response()
}

/// Bends the body of a stream; a refusal is left as it is.
fn bend(
    response: Response,
    server: Arc<Server>,
    session: Option<Session>,
    after: usize,
    ending: Ending,
) -> Response {
    match session {
        Some(session) if response.status().is_success() => {
            response.map(|body| Bent::new(body, server, session.id, after, ending).into_body())
        }
        _ => response,
    }
}
