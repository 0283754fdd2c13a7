//! `echo`: says what the user said.

use super::{Ask, Script};

/// The pause between two words unless the metadata sets `paceMs`.
const PACE_MS: u64 = 15;

/// Answers with the user's text, exactly.
pub(super) fn answer(ask: &Ask) -> Result<Script, String> {
    Ok(Script::saying(&ask.text, ask.pace(PACE_MS)?))
}
