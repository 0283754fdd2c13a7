//! Everything that outlives the process, in one SQLite file.
//!
//! One connection, one lock: a call takes microseconds on a local file, so handlers make it where
//! they stand. Each public method is one transaction, so a killed process leaves no half of one.

mod channels;
mod chats;
mod sessions;
mod turns;

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub(crate) use channels::{Append, InRecord, OutPart, OutRecord, Tail};
pub(crate) use chats::ChatSummary;
pub(crate) use sessions::{NewSession, Session, fresh_id};
pub(crate) use turns::{Answer, Closing, End, Position, Turn};

/// Marks a file as ours (`PRAGMA application_id`): "tses".
const APPLICATION_ID: i32 = 0x7473_6573;

/// The schema: what each version adds to the one before. A file is brought to the last one.
const SCHEMA: [&str; 2] = [include_str!("schema.sql"), include_str!("schema-2.sql")];

/// The name that makes SQLite keep everything in memory.
const IN_MEMORY: &str = ":memory:";

/// A killed predecessor may take a moment to let go of the file.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// What a store call answers.
pub(crate) type Result<T> = rusqlite::Result<T>;

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

/// The database.
#[derive(Debug)]
pub(crate) struct Store {
    db: Mutex<Connection>,
}

impl Store {
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
        Ok(Self { db: Mutex::new(db) })
    }

    /// The secret that signs session tokens; made once, so that tokens survive a restart.
    pub(crate) fn signing_secret(&self) -> Result<Vec<u8>> {
        self.transact(|tx| {
            let fresh: [u8; 32] = rand::random();
            tx.execute(
                "INSERT OR IGNORE INTO secrets (name, value) VALUES ('tokens', ?1)",
                [fresh.as_slice()],
            )?;
            tx.query_row("SELECT value FROM secrets WHERE name = 'tokens'", [], |row| row.get(0))
        })
    }

    /// Puts a new secret in the place of the one that signs session tokens.
    pub(crate) fn renew_signing_secret(&self) -> Result<[u8; 32]> {
        let fresh: [u8; 32] = rand::random();
        self.transact(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO secrets (name, value) VALUES ('tokens', ?1)",
                [fresh.as_slice()],
            )
        })?;
        Ok(fresh)
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
