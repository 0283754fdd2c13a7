//! What a client knows about one chat's session, and the part of it that apps persist.

use std::mem;

use super::event::LastSend;
use crate::rules::{Rule, holds};
use crate::text::decimal;
use crate::time::Time;
use crate::wire::digits::whole_number;
use crate::wire::part_ids::PartIds;
use crate::wire::token::Lifetime;

/// A place in `.out`: everything up to it has been handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    /// A `seq_num` of the v2 stream.
    Seq(u64),
    /// An event id of the v1 stream, which only its server can read.
    Opaque(String),
}

impl Cursor {
    /// Reads a persisted cursor. A whole number in its usual spelling is a seq.
    pub fn parse(text: &str) -> Self {
        match whole_number(text.as_bytes()) {
            Some(seq) => Self::Seq(seq),
            None => Self::Opaque(text.to_owned()),
        }
    }

    /// The value of `Last-Event-ID`.
    pub fn to_text(&self) -> String {
        match self {
            Self::Seq(seq) => decimal(*seq),
            Self::Opaque(id) => id.clone(),
        }
    }

    /// Whether a record at `self` has been handed on by a reader that stands at `reader`.
    pub(super) fn is_behind(&self, reader: Option<&Self>) -> bool {
        matches!((self, reader), (Self::Seq(record), Some(Self::Seq(reader))) if record <= reader)
    }
}

/// The persisted form: what an app stores to resume after a reload. In JavaScript a member that is
/// `None` is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersistedSession {
    /// The session token.
    pub public_access_token: String,
    /// The cursor at the start of the running turn, so that a reload replays the turn whole; else
    /// the last one.
    pub last_event_id: Option<String>,
    /// The `.in` seq of the last send, until its turn is complete.
    pub active_input_seq: Option<u64>,
    /// Whether a turn runs. `None`: the app did not store it, the server will know.
    pub is_streaming: Option<bool>,
    /// The conversation is over, for good.
    pub closed: bool,
    /// What the closer gave as its reason.
    pub closed_reason: Option<String>,
}

/// Whether a turn runs.
#[derive(Debug, Clone)]
pub(super) enum Turn {
    /// Not told by the app that restored this session.
    Unknown,
    /// None that this client waits for.
    Idle,
    /// One runs; it started behind this cursor.
    Running { start: Option<Cursor> },
}

/// Why a session takes no more messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Closed {
    pub(super) reason: Option<String>,
}

/// A stopped turn whose late records must not be taken for the next turn's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SupersedeGate {
    /// The stopped turn's `.in` seq, where it is known.
    pub(super) input_seq: Option<u64>,
}

/// The live state of one chat's session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) token: String,
    /// When to have a fresh one fetched, where the token tells.
    refresh_at: Option<Time>,
    /// How many tokens came before this one: tells a request that a newer token exists by now.
    pub(super) token_generation: u32,
    /// The app's callback gave the token. One that a boundary tells may be as old as the boundary.
    pub(super) is_token_fresh: bool,
    pub(super) cursor: Option<Cursor>,
    /// The parts that were handed on last.
    pub(super) part_ids: PartIds,
    pub(super) turn: Turn,
    pub(super) active_input_seq: Option<u64>,
    pub(super) closed: Option<Closed>,
    pub(super) gate: Option<SupersedeGate>,
    /// The gate that was opened by a boundary which may have been the running turn's own. A replay
    /// begins before it.
    pub(super) opened_gate: Option<SupersedeGate>,
    pub(super) last_send: Option<LastSend>,
    /// The highest `.in` seq that an append of this client was acknowledged with.
    pub(super) newest_input_seq: Option<u64>,
    /// The highest `.in` seq that a boundary in `.out` has told as consumed.
    pub(super) consumed_input_seq: Option<u64>,
    /// The highest `.in` seq that the agent had taken by a boundary, where one has told.
    pub(super) taken_input_seq: Option<u64>,
    /// The running turn is another tab's.
    is_adopted: bool,
    /// The record that closed it was read: no turn follows.
    pub(super) is_at_end: bool,
    /// The service does not know it any more; a new one of the same name is being created.
    pub(super) is_lost: bool,
    /// The service does not know it any more, and there is none to take its place.
    pub(super) is_gone: bool,
}

impl Session {
    /// A session whose token was made at this time, where that is known.
    fn new(token: String, made_at: Option<Time>, turn: Turn) -> Self {
        Self {
            refresh_at: refresh_at(&token, made_at),
            token,
            token_generation: 0,
            is_token_fresh: false,
            cursor: None,
            part_ids: PartIds::default(),
            turn,
            active_input_seq: None,
            closed: None,
            gate: None,
            opened_gate: None,
            last_send: None,
            newest_input_seq: None,
            consumed_input_seq: None,
            taken_input_seq: None,
            is_adopted: false,
            is_at_end: false,
            is_lost: false,
            is_gone: false,
        }
    }

    /// A session whose token was made just now.
    pub(super) fn begin(token: String, turn: Turn, now: Time) -> Self {
        Self::new(token, Some(now), turn)
    }

    pub(super) fn restore(persisted: PersistedSession) -> Self {
        let cursor = persisted.last_event_id.as_deref().map(Cursor::parse);
        let turn = match persisted.is_streaming {
            None => Turn::Unknown,
            Some(false) => Turn::Idle,
            Some(true) => Turn::Running { start: cursor.clone() },
        };
        // The turn of the last send has shown no end and nobody waits for it: it was stopped, and may
        // still be writing.
        let gate = (matches!(turn, Turn::Idle) && persisted.active_input_seq.is_some())
            .then_some(SupersedeGate { input_seq: persisted.active_input_seq });
        Self {
            cursor,
            gate,
            active_input_seq: persisted.active_input_seq,
            newest_input_seq: persisted.active_input_seq,
            closed: persisted.closed.then_some(Closed { reason: persisted.closed_reason }),
            ..Self::new(persisted.public_access_token, None, turn)
        }
    }

    pub(super) fn persisted(&self) -> PersistedSession {
        PersistedSession {
            public_access_token: self.token.clone(),
            last_event_id: self.replay_cursor().map(Cursor::to_text),
            active_input_seq: self.active_input_seq,
            is_streaming: match self.turn {
                Turn::Unknown => None,
                Turn::Idle => Some(false),
                Turn::Running { .. } => Some(true),
            },
            closed: self.closed.is_some(),
            closed_reason: self.closed.as_ref().and_then(|closed| closed.reason.clone()),
        }
    }

    /// Where a reader that knows nothing of the running turn has to start.
    pub(super) fn replay_cursor(&self) -> Option<&Cursor> {
        match &self.turn {
            Turn::Running { start } if holds(Rule::ReplaysFromItsStart) => start.as_ref(),
            _ => self.cursor.as_ref(),
        }
    }

    /// Stands where the session of the tab that owns the chat stands: what it has read is shown here.
    pub(super) fn adopt(&mut self, told: PersistedSession) {
        let told = Self::restore(told);
        self.read_from(told.cursor);
        self.is_adopted = matches!(told.turn, Turn::Running { .. });
        self.turn = told.turn;
        self.gate = told.gate;
        self.opened_gate = None;
        self.active_input_seq = told.active_input_seq;
        self.newest_input_seq = self.newest_input_seq.max(told.newest_input_seq);
        self.closed = told.closed;
    }

    /// Goes back to the start of the running turn, for a reader that holds no part of it.
    pub(super) fn replay(&mut self) {
        self.read_from(self.replay_cursor().cloned());
        self.is_adopted = false;
        self.gate = self.opened_gate.take().or(self.gate.take());
    }

    /// Goes to a place in the stream, also back: what follows is handed on whatever came before.
    pub(super) fn read_from(&mut self, cursor: Option<Cursor>) {
        self.cursor = cursor;
        self.part_ids.clear();
    }

    /// Goes to a cursor that the app has from elsewhere, where it stands at none yet. `false` where it
    /// does: what was read since counts.
    pub(super) fn seed(&mut self, cursor: Cursor) -> bool {
        if self.cursor.is_some() {
            return false;
        }
        if let Turn::Running { start } = &mut self.turn {
            start.get_or_insert_with(|| cursor.clone());
        }
        self.cursor = Some(cursor);
        true
    }

    /// A stopped turn will never show its end. `false` when none was waited for.
    pub(super) fn clear_gate(&mut self) -> bool {
        let was_closed = self.gate.take().or(self.opened_gate.take()).is_some();
        if matches!(self.turn, Turn::Idle) {
            self.active_input_seq = None;
        }
        was_closed
    }

    /// A token that was made just now.
    pub(super) fn renew_token(&mut self, token: String, now: Time) {
        self.refresh_at = refresh_at(&token, Some(now));
        self.token = token;
        self.token_generation = self.token_generation.saturating_add(1);
        self.is_token_fresh = true;
    }

    /// A token that a turn's boundary tells.
    pub(super) fn take_token(&mut self, token: String, now: Time) {
        self.renew_token(token, now);
        self.is_token_fresh = false;
    }

    /// The service had lost the session and it was created anew: nothing of its streams is left.
    pub(super) fn recreate(&mut self, token: String, now: Time) {
        self.is_lost = false;
        self.newest_input_seq = None;
        self.consumed_input_seq = None;
        self.taken_input_seq = None;
        self.is_at_end = false;
        self.opened_gate = None;
        self.renew_token(token, now);
        self.read_from(None);
        self.turn = Turn::Idle;
        self.active_input_seq = None;
        self.gate = None;
    }

    /// Whether the token is about to expire.
    pub(super) fn wants_fresh_token(&self, now: Time) -> bool {
        self.refresh_at.is_some_and(|at| at <= now)
    }

    /// A send was acknowledged: its turn runs, or waits for the one before.
    pub(super) fn begin_turn(&mut self, input_seq: Option<u64>) {
        if mem::take(&mut self.is_adopted) {
            // The other tab has died in the middle of its answer, which ends before this one begins.
            self.abandon_turn();
        }
        self.active_input_seq = input_seq;
        self.opened_gate = None;
        self.newest_input_seq = self.newest_input_seq.max(input_seq);
        self.turn = Turn::Running { start: self.cursor.clone() };
    }

    /// Whether an acknowledgement comes too late: the end of its turn, or of all, has been read
    /// already. No boundary will follow for it.
    pub(super) fn is_overtaken(&self, input_seq: Option<u64>) -> bool {
        let has_ended =
            matches!((input_seq, self.consumed_input_seq), (Some(seq), Some(read)) if seq <= read);
        self.is_at_end || (has_ended && holds(Rule::LateAnswersOpenNothing))
    }

    /// The turn that this client waited for is over.
    pub(super) fn complete_turn(&mut self) {
        self.is_adopted = false;
        self.active_input_seq = None;
        self.opened_gate = None;
        self.turn = Turn::Idle;
    }

    /// Whether a turn that this client started has not shown its end yet.
    pub(super) fn has_outstanding_turn(&self) -> bool {
        matches!(self.turn, Turn::Running { .. }) || self.active_input_seq.is_some()
    }

    /// This client no longer waits for the running turn. What the turn still writes up to its own
    /// boundary belongs to no one.
    pub(super) fn abandon_turn(&mut self) {
        if self.has_outstanding_turn() {
            self.gate = Some(SupersedeGate { input_seq: self.active_input_seq });
        }
        self.turn = Turn::Idle;
    }

    /// The conversation is over. `false` when that was known.
    pub(super) fn close(&mut self, reason: Option<&str>) -> bool {
        if self.closed.is_some() {
            return false;
        }
        self.closed = Some(Closed { reason: reason.map(ToOwned::to_owned) });
        self.complete_turn();
        true
    }
}

/// A token is renewed so long before it expires: longer than the window of a subscription, at whose
/// end it is looked at again.
const REFRESH_BEFORE_MS: u64 = 150_000;

/// When to renew a token that was made at `made_at`; where that is not known, its own word for the
/// end counts.
///
/// This clock and the service's may differ, so of a new token only the length of its life is
/// believed. None where that is not told, or is too short to be worth it.
fn refresh_at(token: &str, made_at: Option<Time>) -> Option<Time> {
    let Lifetime { issued_at, expires_at } = Lifetime::read(token)?;
    // `saturating_mul` would multiply in 128 bits.
    let to_ms = |seconds: u64| seconds.min(u64::MAX / 1_000).wrapping_mul(1_000);
    let Some(made_at) = made_at else {
        return Some(Time::from_millis(to_ms(expires_at).saturating_sub(REFRESH_BEFORE_MS)));
    };
    let life_ms = to_ms(expires_at.saturating_sub(issued_at?));
    let until_ms = life_ms.checked_sub(REFRESH_BEFORE_MS)?;
    Some(made_at.after(until_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn persisted() -> PersistedSession {
        PersistedSession {
            public_access_token: "token".to_owned(),
            last_event_id: Some("41".to_owned()),
            active_input_seq: Some(3),
            is_streaming: Some(true),
            ..PersistedSession::default()
        }
    }

    #[test]
    fn what_an_app_stored_comes_back_unchanged() {
        let closed = PersistedSession {
            closed: true,
            closed_reason: Some("done".to_owned()),
            is_streaming: Some(false),
            ..persisted()
        };
        let bare = PersistedSession {
            public_access_token: "token".to_owned(),
            ..PersistedSession::default()
        };
        let opaque =
            PersistedSession { last_event_id: Some("1700000000000-0".to_owned()), ..persisted() };
        for state in [persisted(), closed, bare, opaque] {
            assert_eq!(Session::restore(state.clone()).persisted(), state);
        }
    }

    #[test]
    fn a_running_turn_is_persisted_from_its_start() {
        let mut session = Session::restore(persisted());
        session.cursor = Some(Cursor::Seq(57));
        assert_eq!(session.persisted().last_event_id.as_deref(), Some("41"));
        session.complete_turn();
        assert_eq!(session.persisted().last_event_id.as_deref(), Some("57"));
    }

    #[test]
    fn only_a_plain_whole_number_is_a_seq() {
        assert_eq!(Cursor::parse("0"), Cursor::Seq(0));
        for text in ["", "+5", "-1", "26,8,512", "1700000000000-0", "99999999999999999999"] {
            assert_eq!(Cursor::parse(text), Cursor::Opaque(text.to_owned()));
        }
    }
}
