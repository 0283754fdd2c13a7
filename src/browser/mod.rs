//! The border to JavaScript: the only place that touches it.
//!
//! [`border`] hands the host's facts to a chat's machine, and the machine's orders to [`host`], the I/O written
//! in JavaScript.

pub(crate) mod border;
mod convert;
pub(crate) mod host;
