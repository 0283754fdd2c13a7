//! One chat of a page: its machine, the app's storage, and the calls that wait. A browser tab shows
//! one or more of them.

use std::collections::{BTreeMap, BTreeSet};

use trigger_chat_transport::chat::Chat;
use trigger_chat_transport::chat::action::{CallId, PartId, RequestId};
use trigger_chat_transport::chat::session::PersistedSession;

use crate::ledger::{Clock, Ledger};
use crate::network::Connection;
use crate::random::Random;
use crate::user::{User, View};
use crate::witness::Witness;

/// A call that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Start,
    Send {
        part_id: String,
    },
    /// `is_nothing`: there was nothing to reconnect to when it was made; none where that depends on
    /// how far a message has come.
    Reconnect {
        is_nothing: Option<bool>,
    },
    /// `turn`: the one that the tab waited for when it was made.
    Stop {
        turn: Option<usize>,
    },
}

pub(crate) struct Tab {
    pub(crate) chat: Chat,
    /// Its session, among the world's.
    pub(crate) session: usize,
    /// The machine that the page lives on, among the world's.
    pub(crate) device: usize,
    /// What was stored is of another environment.
    pub(crate) is_stale: bool,
    /// Deltas may be merged.
    coalesces: bool,
    /// Tells the requests of this page from those of the pages before it.
    pub(crate) page: u32,
    pub(crate) user: User,
    pub(crate) witness: Witness,
    /// What the app has stored.
    pub(crate) stored: Option<PersistedSession>,
    pub(crate) calls: BTreeMap<CallId, Call>,
    /// What was sent.
    pub(crate) ledger: Ledger,
    /// How long a send is tried.
    pub(crate) send_timeout_ms: u64,
    /// The time, as it passes for this page.
    pub(crate) clock: Clock,
    /// The calls that stops were made for.
    pub(crate) stops: BTreeMap<String, CallId>,
    /// Messages whose calls were aborted on their way.
    pub(crate) aborted: BTreeSet<String>,
    /// Since when the app's callbacks have not answered.
    pub(crate) starting_since: Option<u64>,
    pub(crate) refreshing_since: Option<u64>,
    /// The service has asked not to be asked before.
    pub(crate) not_before: Option<u64>,
    /// The last body ended in due form, and nothing was lost since.
    pub(crate) is_between_bodies: bool,
    last_call: u32,
    random: Random,
}

impl Tab {
    pub(crate) fn new(
        page: u32,
        [session, device]: [usize; 2],
        coalesces: bool,
        user: User,
        mut random: Random,
    ) -> Self {
        let send_timeout_ms = match user.habits.has_numbers {
            true => random.one_of(&[60_000, 60_000, 60_000, 0, 5_000, 600_000]),
            // A message that landed unknown to the client leaves a boundary that only numbers tell.
            false => 600_000,
        };
        Self {
            chat: new_chat(coalesces, send_timeout_ms, &mut random),
            session,
            device,
            is_stale: false,
            coalesces,
            page,
            user,
            witness: Witness::default(),
            stored: None,
            calls: BTreeMap::new(),
            ledger: Ledger::default(),
            send_timeout_ms,
            clock: Clock::default(),
            stops: BTreeMap::new(),
            aborted: BTreeSet::new(),
            starting_since: None,
            refreshing_since: None,
            not_before: None,
            is_between_bodies: false,
            last_call: 0,
            random,
        }
    }

    /// Another page takes over, which knows what the app has stored and nothing else.
    pub(crate) fn reload(&mut self, page: u32) {
        self.page = page;
        self.chat = new_chat(self.coalesces, self.send_timeout_ms, &mut self.random);
        if let Some(stored) = &mut self.stored {
            if self.user.forgets() {
                stored.is_streaming = None;
                if self.user.forgets() {
                    stored.active_input_seq = None;
                }
            }
            self.chat.restore(stored.clone());
        }
        self.calls.clear();
        self.ledger = Ledger::default();
        self.stops.clear();
        self.aborted.clear();
        self.starting_since = None;
        self.refreshing_since = None;
        self.not_before = None;
        self.is_between_bodies = false;
    }

    pub(crate) fn connection(&self, request: RequestId) -> Connection {
        Connection { page: self.page, request: request.0 }
    }

    pub(crate) fn next_call(&mut self, call: Call) -> CallId {
        self.last_call += 1;
        let id = CallId(self.last_call);
        self.calls.insert(id, call);
        id
    }

    pub(crate) fn next_part_id(&mut self) -> PartId {
        PartId(format!("{:016x}{:016x}", self.random.next(), self.random.next()))
    }

    /// A call is answered, once.
    pub(crate) fn answered(&mut self, call: CallId) -> Call {
        let call = self.calls.remove(&call);
        call.unwrap_or_else(|| panic!("a call is answered that does not wait"))
    }

    /// Lets time pass; `is_awake`: neither asleep nor offline, `is_active`: nor hidden.
    pub(crate) fn passes(&mut self, ms: u64, is_awake: bool, is_active: bool) {
        self.clock.awake += if is_awake { ms } else { 0 };
        self.clock.active += if is_active && !self.awaits_callback() { ms } else { 0 };
    }

    /// One of the app's callbacks has not answered.
    pub(crate) fn awaits_callback(&self) -> bool {
        self.starting_since.is_some() || self.refreshing_since.is_some()
    }

    /// Where the chat stands while no turn runs, of a server whose cursors are seqs.
    pub(crate) fn cursor(&self) -> Option<u64> {
        self.chat.session()?.last_event_id?.parse().ok()
    }

    pub(crate) fn is_streaming(&self) -> Option<bool> {
        self.stored.as_ref().and_then(|stored| stored.is_streaming)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.closed)
    }

    /// What the rules say of a reconnect: nothing without a session, without a running turn, and
    /// while a stream is open. A message on its way may have a request for its stream, or have none.
    pub(crate) fn has_nothing_to_reconnect_to(&self) -> Option<bool> {
        let is_nothing = self.stored.is_none()
            || self.is_closed()
            || self.is_streaming() == Some(false)
            || self.witness.open.is_some();
        (is_nothing || !self.is_sending()).then_some(is_nothing)
    }

    /// Whether a call waits for its message to be acknowledged.
    pub(crate) fn is_sending(&self) -> bool {
        self.calls.values().any(|call| matches!(call, Call::Send { .. }))
    }

    pub(crate) fn view(&self) -> View {
        View {
            has_session: self.stored.is_some(),
            has_open_stream: self.witness.open.is_some(),
            is_sending: self.is_sending() || self.ledger.is_sending(),
            may_be_streaming: self.stored.is_some() && self.is_streaming() != Some(false),
            has_given_up: self.witness.has_given_up(),
        }
    }

    /// A call that can be aborted now: one that waits, or the one whose stream is open.
    pub(crate) fn abortable(&self) -> Option<CallId> {
        let waits = |(_, call): &(&CallId, &Call)| matches!(call, Call::Send { .. } | Call::Start);
        let waiting = self.calls.iter().find(waits).map(|(id, _)| *id);
        waiting.or(self.witness.open.as_ref().map(|open| open.call))
    }
}

fn new_chat(coalesces: bool, send_timeout_ms: u64, random: &mut Random) -> Chat {
    let mut chat = Chat::new("chat-1".to_owned(), true, random.next());
    chat.set_coalesces(coalesces);
    chat.set_send_timeout(send_timeout_ms);
    chat
}
