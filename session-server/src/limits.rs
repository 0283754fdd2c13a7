//! What clients may have of this server at once, and how long they may take.

use std::time::Duration;

/// What may be set of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many connections are served at once.
    pub(crate) connections: usize,
    /// How long a client may take to send what it has begun, or to read what is there for it.
    pub(crate) patience: Duration,
}

/// The longest head of a request.
pub(crate) const HEAD_BYTES: usize = 64 * 1024;

/// How many connections beyond the limit are told so at once; those beyond that are closed.
pub(crate) const REFUSALS: usize = 64;

/// The most that is read from a channel at once, as S2 has it: what an open stream needs does not grow
/// with what it has to tell.
pub(crate) const PAGE_BYTES: usize = 1024 * 1024;

/// The files that the server opens besides its connections: the database, a page's, a model's.
const OWN_FILES: usize = 64;

/// Why so many connections cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    #[error(
        "{connections} connections need {needed} open files, and this process may have {most}; raise \
         that with `ulimit -n {needed}`, or choose fewer with --connections"
    )]
    TooFew { connections: usize, needed: u64, most: u64 },
    #[error("the limit of open files cannot be raised: {0}")]
    Raise(std::io::Error),
}

/// Sees to it that the process may open so many files for each connection.
#[cfg(unix)]
pub(crate) fn open_files_for(connections: usize, each: usize) -> Result<(), FilesError> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let needed = u64::try_from(connections * each + REFUSALS + OWN_FILES).unwrap_or(u64::MAX);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|most| needed <= most) {
        return Ok(());
    }
    if let Some(most) = maximum.filter(|most| needed > *most) {
        return Err(FilesError::TooFew { connections, needed, most });
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum })
        .map_err(|error| FilesError::Raise(error.into()))
}

/// Elsewhere no such limit is known.
#[cfg(not(unix))]
pub(crate) fn open_files_for(_connections: usize, _each: usize) -> Result<(), FilesError> {
    Ok(())
}
