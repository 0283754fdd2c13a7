//! The session rows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::S2Store;
use super::log::{self, Appended, Condition};
use super::state::{Closed, Standing, State};
use crate::store::{Headers, NewSession, Result, Session, fresh_id, records};
use crate::time::{self, Millis};

/// The start of a session's own id.
const ID_PREFIX: &str = "session_";

/// The token with which nobody writes: what it is put in force on takes nothing any more.
pub(super) const CLOSED: &str = "closed";

/// What a session was made with. It never changes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    pub(super) new: NewSession,
    run_id: String,
    at: Millis,
}

/// The id of the session with this name, which is its id or its external id. It can be told from the
/// name alone, so nobody has to look it up, and of two that make the same session one comes second.
fn id_of(name: &str) -> String {
    match name.strip_prefix(ID_PREFIX) {
        Some(digits) if digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name.to_owned()
        }
        _ => format!("{ID_PREFIX}{}", digest(name)),
    }
}

/// A short name for what may be long, or hold any character.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl S2Store {
    /// What the session was made with.
    pub(super) async fn made(&self, id: &str) -> Result<Option<Arc<Made>>> {
        if let Some(made) = self.made.get(id) {
            return Ok(Some(made));
        }
        let Some(record) = self.log.stream(&format!("session/{id}/made")).last().await? else {
            return Ok(None);
        };
        let made: Arc<Made> = Arc::new(serde_json::from_slice(&record.body)?);
        self.made.insert(id.to_owned(), Arc::clone(&made));
        Ok(Some(made))
    }

    pub(super) async fn find(&self, name: &str) -> Result<Option<Session>> {
        let id = id_of(name);
        let Some(made) = self.made(&id).await? else { return Ok(None) };
        let Standing { state, .. } = self.standing(&id).await?;
        let Made { new, run_id, at } = &*made;
        let (closed_at, closed_reason) =
            state.closed.map(|closed| (closed.at, closed.reason)).unzip();
        Ok(Some(Session {
            id,
            external_id: new.external_id.clone(),
            kind: new.kind.clone(),
            task_identifier: new.task_identifier.clone(),
            trigger_config: new.trigger_config.clone(),
            run_id: run_id.clone(),
            tags: new.tags.clone(),
            metadata: new.metadata.clone(),
            expires_at: new.expires_at,
            created_at: *at,
            updated_at: state.updated_at.unwrap_or(*at),
            closed_at,
            closed_reason: closed_reason.flatten(),
        }))
    }

    pub(super) async fn create(&self, new: &NewSession) -> Result<bool> {
        let id = id_of(&new.external_id);
        if self.made(&id).await?.is_some() {
            return Ok(false);
        }
        // `.out` first: whoever finds the session finds it too.
        self.log.make(&format!("session/{id}/out")).await?;
        let made = Made { new: new.clone(), run_id: fresh_id("run"), at: time::now() };
        let record = log::record(&[], serde_json::to_vec(&made)?)?;
        let condition = Condition { seq: Some(0), ..Condition::default() };
        let stream = self.log.stream(&format!("session/{id}/made"));
        let is_made = matches!(stream.append(vec![record], condition).await?, Appended::At(_));
        if new.boot_waits {
            self.announce(&id).await?;
        }
        Ok(is_made)
    }

    pub(super) async fn close(&self, id: &str, reason: Option<&str>) -> Result<()> {
        loop {
            let Standing { mut state, next } = self.standing(id).await?;
            if state.closed.is_none() {
                state.closed = Some(Closed {
                    at: time::now(),
                    reason: reason.map(str::to_owned),
                    is_told: false,
                });
                state.turn = None;
                state.updated_at = Some(time::now());
                if self.put(id, &state, next).await?.is_none() {
                    continue;
                }
            }
            // Whoever writes the turn is to learn of it.
            self.announce(id).await?;
            return self.tell_closed(id).await;
        }
    }

    /// Says on `.out` that the session is closed, and has both channels take nothing any more, unless
    /// that was done.
    pub(super) async fn tell_closed(&self, id: &str) -> Result<()> {
        loop {
            let Standing { mut state, next } = self.standing(id).await?;
            let Some(closed) = state.closed.as_mut().filter(|closed| !closed.is_told) else {
                return Ok(());
            };
            closed.is_told = true;
            let headers = records::session_closed(closed.reason.as_deref());
            if !self.end_out(id, &headers, &state).await? {
                continue;
            }
            self.fence_inbox(id).await?;
            if self.put(id, &state, next).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Has `.in` take nothing any more.
    pub(super) async fn fence_inbox(&self, id: &str) -> Result<()> {
        let condition = Condition { token: Some(""), ..Condition::default() };
        self.inbox(id).append(vec![log::fence(CLOSED)], condition).await.map(drop)
    }

    /// Writes the last record of `.out`, if nobody has; false where a token came in force meanwhile
    /// that was not before.
    async fn end_out(&self, id: &str, headers: &Headers, state: &State) -> Result<bool> {
        for token in state.tokens() {
            let last = vec![log::record(headers, [])?, log::fence(CLOSED)];
            let condition = Condition { token: Some(token), ..Condition::default() };
            match self.out(id).append(last, condition).await? {
                Appended::At(_) => return Ok(true),
                Appended::Fenced(token) if token == CLOSED => return Ok(true),
                Appended::Fenced(_) | Appended::Elsewhere => {}
            }
        }
        Ok(false)
    }
}
