//! How far the agent of a session has come: the last record of the session's `state`.
//!
//! Each record tells all of it, and stands right behind the one it was made from, or not at all.

use serde::{Deserialize, Serialize};

use super::S2Store;
use super::log::{self, Appended, Condition, Stream};
use crate::store::{Closing, Result};
use crate::time::Millis;

/// How many records of `state` are kept, roughly: none but the last is read.
const KEPT: u64 = 64;

/// What `state` tells.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct State {
    pub(super) closed: Option<Closed>,
    /// Whether a turn has taken the message that came with the session's creation.
    pub(super) boot_taken: bool,
    /// The first record of `.in` that no turn has taken.
    pub(super) in_next: u64,
    /// The record of `.in` up to which stops were heeded.
    pub(super) stop_seen: Option<u64>,
    /// The last turn-complete in `.out`, where the next turn trims to.
    pub(super) boundary: Option<u64>,
    /// Where the next record of `.out` is to stand, as far as this instance has written it; in the log,
    /// where the next turn begins.
    pub(super) out_next: u64,
    /// The records of `.in` that a turn has taken in which ran when they came.
    pub(super) injected: Vec<u64>,
    pub(super) turn: Option<Running>,
    /// The tokens of `.out`: the last is the writer's, and was put in force where it is the only one.
    /// None stands for the token that a new stream has.
    tokens: Vec<String>,
    pub(super) updated_at: Option<Millis>,
}

/// The end of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Closed {
    pub(super) at: Millis,
    pub(super) reason: Option<String>,
    /// Whether `.out` says so, and `.in` takes nothing any more.
    pub(super) is_told: bool,
}

/// A turn that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Running {
    /// The record of `.in` that it answers; none for the message that came with the creation.
    pub(super) input: Option<u64>,
    /// The instance that writes it.
    pub(super) holder: String,
    /// Grows while the holder lives.
    pub(super) beat: u64,
    pub(super) injecting: Option<Injecting>,
    /// Whether the session is to end with the turn, for which `.in` takes nothing any more.
    pub(super) closing: Option<Closing>,
}

/// Messages that are taken in with a record of `.out`: if it is there, they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Injecting {
    pub(super) at: u64,
    pub(super) messages: Vec<u64>,
}

impl State {
    /// The tokens of which one is in force on `.out`: the writer's, and those before it.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &str> {
        let first = self.tokens.is_empty().then_some("");
        self.tokens.iter().rev().map(String::as_str).chain(first)
    }

    /// The token of the one who writes to `.out`.
    pub(super) fn token(&self) -> &str {
        self.tokens.last().map_or("", String::as_str)
    }

    /// Has a new token take the place of the one that is in force.
    pub(super) fn renew_token(&mut self) {
        if self.tokens.is_empty() {
            self.tokens.push(String::new());
        }
        self.tokens.push(format!("{:032x}", rand::random::<u128>()));
    }

    /// Notes that the writer's token is in force.
    pub(super) fn token_is_in_force(&mut self) {
        self.tokens.drain(..self.tokens.len().saturating_sub(1));
    }

    /// Whether this instance is to write to `.out`.
    pub(super) fn is_held_by(&self, instance: &str) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.holder == instance)
    }

    /// The sequence number that follows the last turn-complete.
    pub(super) fn turn_start(&self) -> u64 {
        self.boundary.map_or(0, |seq| seq + 1)
    }

    /// The first record of `.in` that may be a stop for the running turn.
    pub(super) fn stops_from(&self) -> u64 {
        let input = self.turn.as_ref().and_then(|turn| turn.input);
        input.max(self.stop_seen).map_or(0, |seq| seq + 1)
    }

    /// Ends the running turn with the turn-complete at `boundary`, which had seen `.in` so far.
    pub(super) fn end_turn(&mut self, boundary: u64, newest_taken: Option<u64>) {
        self.turn = None;
        self.boundary = Some(boundary);
        self.stop_seen = self.stop_seen.max(newest_taken);
    }

    /// Settles whether messages that were being taken in were: `.out` holds that record, or never will.
    pub(super) fn settle_injection(&mut self, has_landed: impl Fn(u64) -> bool) {
        let injecting = self.turn.as_mut().and_then(|turn| turn.injecting.take());
        if let Some(Injecting { messages, .. }) = injecting.filter(|one| has_landed(one.at)) {
            self.injected.extend(messages);
        }
    }
}

/// A state as it stands in the log.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) state: State,
    /// Where the next one is to stand.
    pub(super) next: u64,
}

impl S2Store {
    fn states(&self, id: &str) -> Stream {
        self.log.stream(&format!("session/{id}/state"))
    }

    /// The state of a session.
    pub(super) async fn standing(&self, id: &str) -> Result<Standing> {
        let (state, next) = self.states(id).latest().await?;
        Ok(Standing { state: state.unwrap_or_default(), next })
    }

    /// Puts a state where the one it was made from is the last; returns where the next one is to
    /// stand, or nothing where it is not the last any more.
    pub(super) async fn put(&self, id: &str, state: &State, at: u64) -> Result<Option<u64>> {
        let mut records = Vec::new();
        if at % KEPT == KEPT - 1 {
            records.push(log::trim(at));
        }
        records.push(log::record(&[], serde_json::to_vec(state)?)?);
        let next = at + u64::try_from(records.len()).unwrap_or(u64::MAX);
        let condition = Condition { seq: Some(at), ..Condition::default() };
        let appended = self.states(id).append(records, condition).await?;
        Ok(matches!(appended, Appended::At(_)).then_some(next))
    }
}
