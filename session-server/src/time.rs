//! Times as the service writes them: milliseconds in channels, ISO 8601 text in JSON rows.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Milliseconds since the Unix epoch.
pub(crate) type Millis = i64;

/// The current time.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// `2026-01-31T09:30:00.000Z`, as JavaScript's `toISOString` writes it.
pub(crate) fn to_iso(at: Millis) -> String {
    format!("{:.3}", Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Reads ISO 8601 text with an offset.
pub(crate) fn from_iso(text: &str) -> Option<Millis> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::{from_iso, to_iso};

    #[test]
    fn a_time_goes_to_text_and_back() {
        let text = to_iso(1_795_466_592_237);
        assert_eq!(text, "2026-11-23T20:43:12.237Z");
        assert_eq!(from_iso(&text), Some(1_795_466_592_237));
        assert_eq!(from_iso("soon"), None);
    }
}
