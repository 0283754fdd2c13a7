//! The store of one machine: one SQLite file.
//!
//! One connection, one lock: a call takes microseconds on a local file, so handlers make it where
//! they stand. Each public method is one transaction, so a killed process leaves no half of one.

mod bells;
mod channels;
mod chats;
mod events;
mod sessions;
mod turns;

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use rusqlite::{Connection, Result, Transaction, TransactionBehavior};
use serde_json::value::RawValue;

use self::bells::Bells;
use super::{
    Answers, Append, Chat, ChatSummary, End, Events, InRecord, NewSession, News, OutPart, Position,
    Session, Store, Tail,
};
use crate::input::Role;

/// Marks a file as ours (`PRAGMA application_id`): "tses".
const APPLICATION_ID: i32 = 0x7473_6573;

/// The schema: what each version adds to the one before. A file is brought to the last one.
const SCHEMA: [&str; 2] = [include_str!("schema.sql"), include_str!("schema-2.sql")];

/// The name that makes SQLite keep everything in memory.
const IN_MEMORY: &str = ":memory:";

/// A killed predecessor may take a moment to let go of the file.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// Why a database file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// SQLite refused it.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Its folder cannot be made.
    #[error("its folder cannot be made: {0}")]
    Folder(io::Error),
    /// It cannot be made or opened.
    #[error("{0}")]
    File(io::Error),
    /// A healthy database that someone else made.
    #[error("it belongs to another program")]
    Foreign,
    /// Written by another version of this server.
    #[error("its format is version {0}, this server reads version {latest}", latest = SCHEMA.len())]
    Version(i32),
    /// Held by another process.
    #[error("another session-server is using it")]
    InUse,
}

/// The database, and who waits for what it is to hold.
#[derive(Clone, Debug)]
pub(crate) struct SqliteStore {
    db: Arc<Mutex<Connection>>,
    bells: Arc<Bells>,
}

impl SqliteStore {
    /// Opens `path`, making it and its folder when missing; `:memory:` keeps nothing.
    pub(crate) fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(OpenError::Folder)?;
        }
        if path != Path::new(IN_MEMORY) {
            make_private(path).map_err(OpenError::File)?;
        }
        let mut db = Connection::open(path)?;
        claim(&db).map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy) => OpenError::InUse,
            _ => OpenError::Sqlite(error),
        })?;
        prepare(&mut db)?;
        Ok(Self { db: Arc::new(Mutex::new(db)), bells: Arc::default() })
    }

    fn signing_secret(&self) -> Result<Vec<u8>> {
        self.transact(|tx| {
            let fresh: [u8; 32] = rand::random();
            tx.execute(
                "INSERT OR IGNORE INTO secrets (name, value) VALUES ('tokens', ?1)",
                [fresh.as_slice()],
            )?;
            tx.query_row("SELECT value FROM secrets WHERE name = 'tokens'", [], |row| row.get(0))
        })
    }

    fn renew_signing_secret(&self) -> Result<Vec<u8>> {
        let fresh: [u8; 32] = rand::random();
        self.transact(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO secrets (name, value) VALUES ('tokens', ?1)",
                [fresh.as_slice()],
            )
        })?;
        Ok(fresh.to_vec())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.lock())
    }

    fn transact<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut db = self.lock();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = work(&tx)?;
        tx.commit()?;
        Ok(answer)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn signing_secret(&self) -> super::Result<Vec<u8>> {
        Ok(self.signing_secret()?)
    }

    async fn renew_signing_secret(&self) -> super::Result<Vec<u8>> {
        Ok(self.renew_signing_secret()?)
    }

    async fn news(&self) -> super::Result<BoxStream<'static, News>> {
        let unfinished = self.sessions_with_work()?;
        Ok(stream::iter(unfinished).map(News::Work).boxed())
    }

    async fn session(&self, name: &str) -> super::Result<Option<Session>> {
        Ok(self.session(name)?)
    }

    async fn create_session(&self, new: &NewSession) -> super::Result<bool> {
        Ok(self.create_session(new)?)
    }

    async fn close_session(&self, id: &str, reason: Option<&str>) -> super::Result<()> {
        self.transact(|tx| sessions::close(tx, id, reason))?;
        self.bells.ring(id);
        Ok(())
    }

    async fn append_in(
        &self,
        session: &str,
        part_id: &str,
        role: Role,
        body: &str,
    ) -> super::Result<Append> {
        Ok(self.append_in(session, part_id, role, body)?)
    }

    async fn in_records(&self, session: &str, after: Option<u64>) -> super::Result<Vec<InRecord>> {
        Ok(self.in_records(session, after)?)
    }

    async fn subscribe(
        &self,
        session: &str,
        from: u64,
        window: Option<Duration>,
    ) -> super::Result<Events> {
        let from = from.min(self.out_tail(session)?.seq);
        Ok(events::events(self.clone(), session, from, window))
    }

    async fn out_tail(&self, session: &str) -> super::Result<Tail> {
        Ok(self.out_tail(session)?)
    }

    async fn is_settled(&self, session: &str) -> super::Result<bool> {
        Ok(self.is_settled(session)?)
    }

    async fn take_turn(&self, session: &str) -> super::Result<Position> {
        Ok(self.take_turn(session)?)
    }

    async fn in_record(&self, session: &str, seq: u64) -> super::Result<Option<InRecord>> {
        Ok(self.in_record(session, seq)?)
    }

    async fn history(&self, session: &str, seq: u64) -> super::Result<Vec<InRecord>> {
        Ok(self.history(session, seq)?)
    }

    async fn waiting_questions(&self, session: &str) -> super::Result<Vec<InRecord>> {
        Ok(self.waiting_questions(session)?)
    }

    async fn answers(&self, session: &str) -> super::Result<Answers> {
        Ok(self.answers(session)?)
    }

    async fn is_stopped(&self, session: &str) -> super::Result<bool> {
        Ok(self.is_stopped(session)?)
    }

    async fn write_steps(&self, session: &str, parts: &[OutPart]) -> super::Result<bool> {
        let runs = self.transact(|tx| turns::write(tx, session, parts))?;
        self.bells.ring(session);
        Ok(runs)
    }

    async fn inject(
        &self,
        session: &str,
        parts: &[OutPart],
        messages: &[InRecord],
    ) -> super::Result<()> {
        self.inject(session, parts, messages)?;
        self.bells.ring(session);
        Ok(())
    }

    async fn turn_chunks(&self, session: &str) -> super::Result<Vec<Box<RawValue>>> {
        self.turn_chunks(session)
    }

    async fn complete_turn(
        &self,
        session: &str,
        parts: &[OutPart],
        token: String,
        end: End,
    ) -> super::Result<()> {
        self.complete_turn(session, parts, token, end)?;
        self.bells.ring(session);
        Ok(())
    }

    async fn chats(&self) -> super::Result<Vec<ChatSummary>> {
        Ok(self.chats()?)
    }

    async fn chat(&self, id: &str) -> super::Result<Option<Chat>> {
        Ok(self.chat(id)?)
    }

    async fn put_chat(
        &self,
        id: &str,
        title: Option<&str>,
        agent: Option<&str>,
        default_agent: &str,
    ) -> super::Result<()> {
        Ok(self.put_chat(id, title, agent, default_agent)?)
    }

    async fn save_messages(
        &self,
        id: &str,
        messages: &str,
        title: Option<&str>,
    ) -> super::Result<bool> {
        Ok(self.save_messages(id, messages, title)?)
    }

    async fn save_chat_session(&self, id: &str, session: Option<&str>) -> super::Result<bool> {
        Ok(self.save_chat_session(id, session)?)
    }

    async fn delete_chat(&self, id: &str) -> super::Result<bool> {
        Ok(self.delete_chat(id)?)
    }
}

/// Makes the file, if it is missing, for its owner alone: it holds the chats, and what signs tokens.
/// What SQLite puts beside it is as private as the file.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Takes the file for this process alone: two servers on one file would run every turn twice.
fn claim(db: &Connection) -> Result<()> {
    db.busy_timeout(LOCK_PATIENCE)?;
    db.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         BEGIN IMMEDIATE;
         COMMIT;",
    )
}

/// Lays the schema in an empty file, or what an older file lacks of it; refuses a file that is not
/// ours, and one from a newer server.
fn prepare(db: &mut Connection) -> std::result::Result<(), OpenError> {
    let pragma =
        |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
    let version = if pragma("application_id")? == APPLICATION_ID {
        pragma("user_version")?
    } else {
        let tables: i64 =
            db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 {
            return Err(OpenError::Foreign);
        }
        0
    };
    let missing = usize::try_from(version).ok().and_then(|version| SCHEMA.get(version..));
    let tx = db.transaction()?;
    for addition in missing.ok_or(OpenError::Version(version))? {
        tx.execute_batch(addition)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", SCHEMA.len())?;
    tx.commit()?;
    Ok(())
}
