//! `echo`: says what the user said.

use std::time::Duration;

use super::{Ask, LONGEST_PACE_MS, Script, within};

/// The pause between two words unless the metadata sets `paceMs`.
const PACE_MS: u64 = 15;

/// Answers with the user's text, exactly.
pub(super) fn answer(ask: &Ask) -> Result<Script, String> {
    let pace = ask.number("paceMs")?.unwrap_or(PACE_MS);
    let pace = within("The pace in ms", pace, 0, LONGEST_PACE_MS)?;
    Ok(Script::saying(&ask.text, Duration::from_millis(pace)))
}
