//! The border to JavaScript: the only place that touches it.
//!
//! [`border`] hands the host's facts, which [`facts`] reads, to a chat's machine, and the machine's orders, which
//! [`orders`] writes, to the host: `host.js`, the I/O written in JavaScript.

pub(crate) mod border;
mod facts;
pub(crate) mod host;
mod orders;
