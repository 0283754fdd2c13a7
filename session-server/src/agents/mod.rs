//! The built-in agents.
//!
//! A scripted agent is a pure function from what it is asked to a script: the chunks of its answer
//! with the pause before each. The same ask gives the same script, so a worker that was killed finds
//! its place again by counting what is written.
//!
//! A model says what it likes, when it likes: a worker that was killed reads what is written, and asks
//! the model to go on from there.

mod actions;
mod approval;
mod chunk;
mod draft;
mod echo;
mod history;
mod live;
mod model;
mod reasoning;
mod roster;
mod script;
mod steered;
mod story;
mod stumble;
mod team;
mod wish;
mod worker;

use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use model::{Model, SetupError};
pub(crate) use roster::{Agents, Profile};
pub(crate) use worker::{Workers, message_id};

use chunk::{Chunk, Start};
use script::Script;

use crate::input::Decision;

/// The longest pause an ask may set between two deltas.
const LONGEST_PACE_MS: u64 = 10_000;

/// What an agent is asked.
#[derive(Debug, Default)]
pub(crate) struct Ask {
    /// The id of the message that answers.
    pub(crate) message_id: String,
    /// The text of the user's newest message.
    pub(crate) text: String,
    /// What the client sent along; `null` when nothing.
    pub(crate) metadata: Value,
    /// What the user has decided on the tool calls of the message, which then goes on.
    pub(crate) decisions: Vec<Decision>,
}

impl Ask {
    /// The chunk that begins the answer. It tells which model was picked, where one was.
    fn start(&self) -> Chunk {
        let model = self.metadata.get("model").filter(|model| model.is_string());
        Chunk::Start(Start {
            message_id: self.message_id.clone(),
            message_metadata: model.map(|model| json!({ "model": model })),
        })
    }

    /// The pause between two words: what the metadata sets as `paceMs`, or else this.
    fn pace(&self, usual_ms: u64) -> Result<Duration, String> {
        let pace = self.number("paceMs")?.unwrap_or(usual_ms);
        within("The pace in ms", pace, 0, LONGEST_PACE_MS).map(Duration::from_millis)
    }

    /// A whole number that the metadata may set, within bounds.
    fn number(&self, name: &str) -> Result<Option<u64>, String> {
        match self.metadata.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .map(Some)
                .ok_or_else(|| format!("`{name}` must be a whole number, not {value}.")),
        }
    }
}

/// `value` if it is within bounds, else a sentence for the user.
fn within(name: &str, value: u64, least: u64, most: u64) -> Result<u64, String> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(format!("{name} must be {least} to {most}, not {value}."))
    }
}
