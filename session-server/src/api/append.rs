//! `POST …/in/append`: one record from a client to the agent.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Serialize;

use super::{ApiError, read_body, session_for};
use crate::auth::Access;
use crate::input::Input;
use crate::server::Server;
use crate::store::{self, Append};

/// The longest body, and the longest record made of it.
const LIMIT: usize = 1024 * 1024;

/// The longest part id.
const PART_ID_LIMIT: usize = 64;

/// What a client learns of its record.
#[derive(Serialize)]
pub(crate) struct Appended {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
}

/// Appends the body to `.in`, once per part id.
pub(crate) async fn append(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Appended>, ApiError> {
    let body = read_body(body, LIMIT).await;
    let caller = server.keys.caller(&headers)?;
    let session = session_for(&server, &caller, Access::Write, &name).await?;
    if session.has_expired() {
        return Err(ApiError::BadRequest("the session has expired".to_owned()));
    }
    let body = body?;
    let part_id = part_id(&headers)?;
    let input = Input::parse(&body).map_err(ApiError::BadRequest)?;
    if record_bytes(&body, &part_id) > LIMIT {
        return Err(ApiError::TooLarge(format!("the record is over {LIMIT} bytes")));
    }
    let append = server.store.append_in(&session.id, &part_id, input.role(), &body).await?;
    let seq = match append {
        Append::Landed(seq) => {
            server.wake_agent(&session.id);
            Some(seq)
        }
        Append::Repeated => None,
        Append::Closed(reason) => return Err(ApiError::SessionClosed(reason)),
    };
    Ok(Json(Appended { ok: true, seq }))
}

/// The idempotency key; a caller without one gets a key of its own.
fn part_id(headers: &HeaderMap) -> Result<String, ApiError> {
    let Some(value) = headers.get("x-part-id") else {
        return Ok(store::fresh_id("part"));
    };
    value
        .to_str()
        .ok()
        .filter(|id| !id.is_empty() && id.len() <= PART_ID_LIMIT)
        .map(str::to_owned)
        .ok_or_else(|| {
            ApiError::BadRequest(format!("X-Part-Id must be 1 to {PART_ID_LIMIT} ASCII characters"))
        })
}

/// The size of the record that the service would store for this body.
fn record_bytes(body: &str, part_id: &str) -> usize {
    8 + serde_json::json!({ "data": body, "id": part_id }).to_string().len()
}

#[cfg(test)]
mod tests {
    use super::record_bytes;

    #[test]
    fn a_record_counts_its_escapes() {
        assert_eq!(record_bytes("\"é\"", "p"), 8 + r#"{"data":"\"é\"","id":"p"}"#.len());
    }
}
