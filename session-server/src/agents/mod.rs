//! The built-in agents.
//!
//! An agent is a pure function from what it is asked to a script: the chunks of its answer with the
//! pause before each. The same ask gives the same script, so a worker that was killed finds its place
//! again by counting what is written.

mod echo;
mod script;
mod story;
mod worker;

use serde_json::Value;

pub(crate) use script::{Chunk, Script};
pub(crate) use worker::Workers;

/// The longest pause an ask may set between two deltas.
const LONGEST_PACE_MS: u64 = 10_000;

/// One of the built-in agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    Echo,
    Story,
}

impl Agent {
    const ALL: [Self; 2] = [Self::Echo, Self::Story];

    /// The task identifier that sessions name it by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Story => "story",
        }
    }

    /// The agent of this task identifier.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|agent| agent.name() == name)
    }

    /// All task identifiers.
    pub(crate) fn names() -> [&'static str; 2] {
        Self::ALL.map(Self::name)
    }

    /// The answer, or why there is none, as the user is to read it.
    pub(crate) fn answer(self, ask: &Ask) -> Result<Script, String> {
        match self {
            Self::Echo => echo::answer(ask),
            Self::Story => story::answer(ask),
        }
    }
}

/// What an agent is asked.
#[derive(Debug, Default)]
pub(crate) struct Ask {
    /// The text of the user's newest message.
    pub(crate) text: String,
    /// What the client sent along; `null` when nothing.
    pub(crate) metadata: Value,
}

impl Ask {
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
