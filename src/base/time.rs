//! Time as a machine is told it.

/// Milliseconds since the Unix epoch, by the driver's clock, which may be wrong. Never read from a
/// clock in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

impl Time {
    /// The instant `ms` after the origin.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the origin.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The instant `ms` later.
    #[must_use]
    pub const fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since `earlier`; zero where that lies ahead.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The earlier one of two instants, where there are any.
pub fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
}

/// A duration or a moment, as JavaScript has them: exact for the next 285,000 years. What is below
/// zero, or no number, is zero.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub const fn milliseconds(number: f64) -> u64 {
    number as u64
}
