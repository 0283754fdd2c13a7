//! `GET …/in/records`: what has landed in `.in`, for a client that lost an append's answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{ApiError, session_for};
use crate::auth::Access;
use crate::server::Server;
use crate::store::InRecord;

/// The query of the call.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct After {
    after_event_id: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    data: Box<RawValue>,
    id: String,
    seq_num: u64,
}

impl TryFrom<InRecord> for Record {
    type Error = ApiError;

    fn try_from(record: InRecord) -> Result<Self, ApiError> {
        Ok(Self {
            data: super::sessions::stored_json(record.body)?,
            id: record.part_id,
            seq_num: record.seq,
        })
    }
}

/// Lists the records of `.in` after a cursor.
pub(crate) async fn records(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    query: Result<Query<After>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = server.keys.caller(&headers)?;
    let session = session_for(&server, &caller, Access::Read, &name).await?;
    let Query(After { after_event_id }) =
        query.map_err(|error| ApiError::BadRequest(error.body_text()))?;
    let mut list = List { server, session: session.id, after: after_event_id, before: "" };
    // A database that fails at once is still told by the status.
    let first = list.more().await?;
    let start = [START.to_owned(), first.unwrap_or_default()].map(Ok::<_, ApiError>);
    let rest = stream::try_unfold(list, async |mut list| {
        Ok::<_, ApiError>(list.more().await?.map(|text| (text, list)))
    });
    let end = [END.to_owned()].map(Ok);
    let text = stream::iter(start).chain(rest).chain(stream::iter(end));
    Ok(([(CONTENT_TYPE, "application/json")], Body::from_stream(text)).into_response())
}

/// What stands before the first record, and behind the last.
const START: &str = "{\"records\":[";
const END: &str = "]}";

/// The records while they are listed, page by page: together they may be more than memory has room for.
struct List {
    server: Arc<Server>,
    session: String,
    after: Option<u64>,
    /// What stands between the record before and the next.
    before: &'static str,
}

impl List {
    /// The next records; none behind the last.
    async fn more(&mut self) -> Result<Option<String>, ApiError> {
        let records = self.server.store.in_records(&self.session, self.after).await?;
        let Some(last) = records.last() else { return Ok(None) };
        self.after = Some(last.seq);
        let mut text = String::new();
        for record in records {
            let json =
                serde_json::to_string(&Record::try_from(record)?).map_err(ApiError::Stored)?;
            text.extend([std::mem::replace(&mut self.before, ","), &json]);
        }
        Ok(Some(text))
    }
}
