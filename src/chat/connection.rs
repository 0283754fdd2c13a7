//! What an app can show of a chat's connection.

use crate::time::Time;

/// How a chat's connection to its answers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// No answer is awaited.
    Idle,
    /// A message is on its way, or the first request of a stream.
    Connecting,
    /// Records arrive.
    Live,
    /// Connected, and nothing to read: the agent is silent.
    Waiting,
    /// The connection was lost and is made again.
    Reconnecting {
        /// How many times it was lost since the last sign of life.
        attempt: u32,
        /// When the next request leaves; none while one is under way.
        next_try: Option<Time>,
    },
    /// The connection was lost, and the browser says that there is no network. It is made again when
    /// there is.
    Offline,
    /// The conversation is over, for good.
    Closed,
}
