//! `stumble`: begins to answer, and fails in the middle, always at the same word.

use super::chunk::{Chunk, Kind};
use super::{Ask, Script};

/// The pause between two words unless the metadata sets `paceMs`.
const PACE_MS: u64 = 25;

/// Begins well.
pub(super) fn answer(ask: &Ask) -> Result<Script, String> {
    let pace = ask.pace(PACE_MS)?;
    let mut script = Script::default();
    script.then(Chunk::StartStep);
    script.part(Kind::Text, "That is a good thing to say, and the answer to it is", pace);
    let error_text =
        "The agent stumbled in the middle of its answer, as it always does.".to_owned();
    script.then(Chunk::Error { error_text });
    Ok(script)
}
