//! The border to JavaScript: the only place that touches it.
//!
//! [`driver`] carries a chat machine's orders over to [`host`], the I/O written in JavaScript, and
//! brings the facts back through an inbox. No borrow is held while JavaScript runs, for it may call
//! straight back.

pub(crate) mod convert;
pub(crate) mod driver;
pub(crate) mod host;
