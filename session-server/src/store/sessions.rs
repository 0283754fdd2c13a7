//! The session rows.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{Result, Store, channels};
use crate::time::{self, Millis};

/// What a caller says about a session to be made.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) external_id: String,
    pub(crate) kind: String,
    pub(crate) task_identifier: String,
    /// JSON.
    pub(crate) trigger_config: String,
    /// JSON.
    pub(crate) tags: String,
    /// JSON.
    pub(crate) metadata: Option<String>,
    pub(crate) expires_at: Option<Millis>,
    /// Whether the creation brings a message that the agent is to answer.
    pub(crate) boot_waits: bool,
}

/// A session row, as far as callers see it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) external_id: String,
    pub(crate) kind: String,
    pub(crate) task_identifier: String,
    pub(crate) trigger_config: String,
    pub(crate) run_id: String,
    pub(crate) tags: String,
    pub(crate) metadata: Option<String>,
    pub(crate) expires_at: Option<Millis>,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Millis,
    pub(crate) closed_at: Option<Millis>,
    pub(crate) closed_reason: Option<String>,
}

impl Session {
    const COLUMNS: &str = "id, external_id, type, task_identifier, trigger_config, run_id, tags, \
                           metadata, expires_at, created_at, updated_at, closed_at, closed_reason";

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            external_id: row.get("external_id")?,
            kind: row.get("type")?,
            task_identifier: row.get("task_identifier")?,
            trigger_config: row.get("trigger_config")?,
            run_id: row.get("run_id")?,
            tags: row.get("tags")?,
            metadata: row.get("metadata")?,
            expires_at: row.get("expires_at")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            closed_at: row.get("closed_at")?,
            closed_reason: row.get("closed_reason")?,
        })
    }

    /// Whether its time is over.
    pub(crate) fn has_expired(&self) -> bool {
        self.expires_at.is_some_and(|at| at <= time::now())
    }
}

impl Store {
    /// The session with this `session_…` id or external id.
    pub(crate) fn session(&self, name: &str) -> Result<Option<Session>> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT {} FROM sessions WHERE id = ?1 OR external_id = ?1",
                Session::COLUMNS
            ))?
            .query_row([name], Session::from_row)
            .optional()
        })
    }

    /// Makes the session unless its external id is taken; true when it was made.
    pub(crate) fn create_session(&self, new: &NewSession) -> Result<bool> {
        self.transact(|tx| {
            let made = tx.execute(
                "INSERT OR IGNORE INTO sessions (id, external_id, type, task_identifier, \
                 trigger_config, run_id, tags, metadata, expires_at, created_at, updated_at, \
                 boot_waits) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)",
                params![
                    fresh_id("session"),
                    new.external_id,
                    new.kind,
                    new.task_identifier,
                    new.trigger_config,
                    fresh_id("run"),
                    new.tags,
                    new.metadata,
                    new.expires_at,
                    time::now(),
                    new.boot_waits,
                ],
            )?;
            Ok(made == 1)
        })
    }

    /// Closes the session for good and ends its running turn; the first reason stays.
    pub(crate) fn close_session(&self, id: &str, reason: Option<&str>) -> Result<()> {
        self.transact(|tx| close(tx, id, reason))
    }
}

/// Closes the session, unless it is closed, and says so on `.out`.
pub(super) fn close(tx: &Transaction<'_>, id: &str, reason: Option<&str>) -> Result<()> {
    let closed = tx.execute(
        "UPDATE sessions SET closed_at = ?2, closed_reason = ?3, updated_at = ?2, \
         turn_input = NULL, boot_waits = 0 WHERE id = ?1 AND closed_at IS NULL",
        params![id, time::now(), reason],
    )?;
    if closed == 1 {
        let mut headers = vec![("trigger-control".to_owned(), "session-closed".to_owned())];
        headers.extend(closed_reason(reason));
        channels::append_out(tx, id, &headers, &[])?;
    }
    Ok(())
}

/// The header that says why a session is closed.
pub(super) fn closed_reason(reason: Option<&str>) -> Option<(String, String)> {
    reason.map(|reason| ("session-closed-reason".to_owned(), reason.to_owned()))
}

/// An id nobody else has, such as `run_0a1b…`.
pub(crate) fn fresh_id(prefix: &str) -> String {
    format!("{prefix}_{:032x}", rand::random::<u128>())
}
