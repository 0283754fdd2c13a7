//! The session rows.

use rusqlite::{OptionalExtension, Result, Row, Transaction, params};

use super::{SqliteStore, channels};
use crate::store::{NewSession, Session, fresh_id, records};
use crate::time;

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
}

impl SqliteStore {
    /// The session with this `session_…` id or external id.
    pub(super) fn session(&self, name: &str) -> Result<Option<Session>> {
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
    pub(super) fn create_session(&self, new: &NewSession) -> Result<bool> {
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
}

/// Closes the session, unless it is closed, and says so on `.out`.
pub(super) fn close(tx: &Transaction<'_>, id: &str, reason: Option<&str>) -> Result<()> {
    let closed = tx.execute(
        "UPDATE sessions SET closed_at = ?2, closed_reason = ?3, updated_at = ?2, \
         turn_input = NULL, boot_waits = 0 WHERE id = ?1 AND closed_at IS NULL",
        params![id, time::now(), reason],
    )?;
    if closed == 1 {
        channels::append_out(tx, id, &records::session_closed(reason), &[])?;
    }
    Ok(())
}
