//! What can be wrong with bytes from the service.

use std::fmt;

/// The stream broke the rules of its own format. The connection is of no more use; the cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireError {
    /// One event outgrew [`MAX_EVENT_BYTES`](super::event_stream::MAX_EVENT_BYTES).
    EventTooLarge,
    /// A `batch` event's data was not the JSON of a batch.
    MalformedBatch,
}

impl WireError {
    /// One sentence, made of literals so that no formatting code enters the module.
    pub const fn message(self) -> &'static str {
        match self {
            Self::EventTooLarge => "The chat stream sent one event of more than 16 MiB.",
            Self::MalformedBatch => "The chat stream sent a batch that is not valid JSON.",
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for WireError {}
