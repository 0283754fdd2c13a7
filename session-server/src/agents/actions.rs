//! What a client can have every agent do besides answering: take something back, say what was said,
//! or end the conversation.

use std::fmt::Write;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Script;
use super::chunk::Chunk;
use super::history::History;
use crate::api::sessions::REASON_LIMIT;
use crate::store::Closing;

/// The pause between two words of a summary.
const PACE: Duration = Duration::from_millis(15);

/// The most of a question that a summary repeats, in characters.
const MOST_REPEATED: usize = 80;

/// An action.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Action {
    /// Forget the last exchange.
    Undo,
    /// Forget what was said after a message.
    Rollback { target_message_id: String },
    /// Say what the user has asked so far.
    Summarize,
    /// End the conversation.
    Close { reason: Option<String> },
}

impl Action {
    /// Reads an action, or says what is wrong with it.
    pub(crate) fn parse(json: Option<&RawValue>) -> Result<Self, String> {
        let read = |json: &RawValue| {
            let value: Value = serde_json::from_str(json.get())?;
            serde_json::from_value(value)
        };
        let action = json.map(read).ok_or("There is no `action` here to do.")?;
        action.map_err(|error| format!("This action is not known: {error}."))
    }
}

/// What comes of it. The history is the one before it; a message begins with `start`.
pub(super) fn answer(action: Action, mut history: History, start: Chunk) -> Result<Script, String> {
    match action {
        Action::Undo => Ok(Script::default()),
        Action::Rollback { ref target_message_id } => match history.heed(&action) {
            true => Ok(Script::default()),
            false => Err(format!("There is no message `{target_message_id}` to go back to.")),
        },
        Action::Summarize => Ok(Script::saying(&summary(&history), PACE).begun_by(start)),
        Action::Close { reason } => {
            Ok(Script::closing(Closing { reason: reason.as_deref().map(shortened) }))
        }
    }
}

fn summary(history: &History) -> String {
    let count = match history.exchanges.len() {
        0 => return "Nothing has been said yet.".to_owned(),
        1 => "**1 time**".to_owned(),
        count => format!("**{count} times**"),
    };
    let mut summary = format!("You have spoken {count}:\n\n");
    for exchange in &history.exchanges {
        let text = exchange.text().split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = text.chars().take(MOST_REPEATED).collect();
        let more = if short.len() < text.len() { "…" } else { "" };
        let _ = writeln!(summary, "- “{short}{more}”");
    }
    summary
}

fn shortened(reason: &str) -> String {
    let mut units = 0;
    let fits = |letter: &char| {
        units += letter.len_utf16();
        units <= REASON_LIMIT
    };
    reason.chars().take_while(fits).collect()
}
