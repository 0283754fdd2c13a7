//! `GET …/in/records`: what has landed in `.in`, for a client that lost an append's answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
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

/// The answer.
#[derive(Serialize)]
pub(crate) struct Records {
    records: Vec<Record>,
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
) -> Result<Json<Records>, ApiError> {
    let caller = server.keys.caller(&headers)?;
    let session = session_for(&server, &caller, Access::Read, &name)?;
    let Query(After { after_event_id }) =
        query.map_err(|error| ApiError::BadRequest(error.body_text()))?;
    let records = server
        .store
        .in_records(&session.id, after_event_id)?
        .into_iter()
        .map(Record::try_from)
        .collect::<Result<_, _>>()?;
    Ok(Json(Records { records }))
}
