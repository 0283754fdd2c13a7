//! What becomes of the messages and stops of one page.
//!
//! The rules. One request for them is under way at a time, and what is called first goes out first.
//! Every attempt has the same bytes under the same part id. None is made before the time that the
//! service has named, after the time is up, or of what was refused for good, aborted, acknowledged or
//! reported. Each that was sent is acknowledged or reported, once, and not given up before its time.

use std::collections::BTreeMap;

use trigger_chat_transport::chat::action::RequestId;
use trigger_chat_transport::chat::error::ChatError;

use crate::model_server::ModelServer;

/// So late may a request's answer be given up, or the timer of a hidden page fire.
const PATIENCE_MS: u64 = 30_100;

/// So much later than its time may a send end: an attempt and a question may be under way, and both
/// once more with a fresh token.
const MAX_LATENESS_MS: u64 = 4 * PATIENCE_MS;

/// An attempt is looked after so often: a sleep is noticed so late.
const LOOK_EVERY_MS: u64 = 10_000;

/// A sleep that is seen to last so long is taken for one.
const AWAY_MS: u64 = 30_000;

/// So old may an attempt be when its part id is sent again without a question.
const CLAIM_TRUSTED_MS: u64 = 180_000;

/// How much time has passed for a page, in milliseconds, as one may count it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    pub(crate) now: u64,
    /// Without what it was asleep or offline.
    pub(crate) awake: u64,
    /// Nor hidden, nor waiting for the app's callbacks.
    pub(crate) active: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    Append,
    Question,
}

#[derive(Debug)]
struct Entry {
    body: String,
    /// Its place in the order of the calls; none for the stop of an aborted signal.
    number: Option<u32>,
    /// When the first attempt was made.
    began: Option<Clock>,
    attempts: u32,
    timeout_ms: u64,
    not_before: Option<u64>,
    is_refused: bool,
    /// The stop that has to follow, should it have landed.
    stop: Option<String>,
    was_asked: bool,
    /// How much of a sleep may have gone unnoticed; none where all of it.
    unnoticed: Option<u64>,
    is_acknowledged: Option<bool>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<String, Entry>,
    requests: BTreeMap<RequestId, (String, Aim)>,
    /// The one that is being sent.
    current: Option<String>,
    numbers: u32,
    newest: Option<u32>,
}

impl Ledger {
    /// Something is to be sent. `is_call`: it has a place in the order of the calls.
    pub(crate) fn register(&mut self, part_id: &str, body: &str, is_call: bool, timeout_ms: u64) {
        self.numbers += 1;
        let entry = Entry {
            body: body.to_owned(),
            number: is_call.then_some(self.numbers),
            began: None,
            attempts: 0,
            timeout_ms,
            not_before: None,
            is_refused: false,
            stop: None,
            was_asked: false,
            unnoticed: Some(0),
            is_acknowledged: None,
        };
        assert!(self.entries.insert(part_id.to_owned(), entry).is_none(), "a part id twice");
    }

    fn entry(&mut self, part_id: &str) -> &mut Entry {
        self.entries.get_mut(part_id).unwrap_or_else(|| panic!("{part_id} is no known part id"))
    }

    /// An attempt leaves; whether it is the first one.
    pub(crate) fn attempted(
        &mut self,
        request: RequestId,
        part_id: &str,
        body: &str,
        clock: Clock,
        is_hurried: bool,
    ) -> bool {
        let newest = self.newest;
        let entry = self.entry(part_id);
        assert_eq!(entry.body, body, "other bytes under one part id");
        assert!(entry.stop.is_none(), "sends again what was aborted");
        if entry.attempts == 0 {
            let is_next = entry.number.is_none() || entry.number > newest;
            assert!(is_next, "what is called first is not sent first");
            entry.began = Some(clock);
        }
        entry.attempts += 1;
        let is_first = entry.attempts == 1;
        let number = entry.number;
        self.newest = number.max(newest);
        self.current = Some(part_id.to_owned());
        self.under_way(request, Aim::Append, clock, is_hurried);
        is_first
    }

    /// The records of `.in` are asked for.
    pub(crate) fn asked(&mut self, request: RequestId, clock: Clock, is_hurried: bool) {
        self.under_way(request, Aim::Question, clock, is_hurried);
    }

    fn under_way(&mut self, request: RequestId, aim: Aim, clock: Clock, is_hurried: bool) {
        assert!(self.requests.is_empty(), "two sends are under way: {:?}", self.requests);
        let part_id = self.current.clone().expect("something is being sent");
        let entry = self.entry(&part_id);
        assert!(!entry.is_refused, "sends again what was refused for good");
        assert_eq!(entry.is_acknowledged, None, "sends again what is over");
        let is_in_time = entry.not_before.take().is_none_or(|at| clock.now >= at);
        assert!(is_in_time || is_hurried, "tries again too soon");
        let is_retry = aim == Aim::Question || entry.attempts > 1;
        let age = entry.age(clock);
        let limit = entry.timeout_ms + MAX_LATENESS_MS;
        assert!(!is_retry || age <= limit, "tries again after {age} ms");
        self.requests.insert(request, (part_id, aim));
    }

    /// An attempt that is made because a pause is over.
    pub(crate) fn assert_not_too_late(&self, clock: Clock) {
        let entry = self.current.as_ref().and_then(|part_id| self.entries.get(part_id));
        if let Some(entry) = entry {
            let age = entry.age(clock);
            // A hidden page's timer may be so late that it looks like a sleep, which does not count.
            let limit = entry.timeout_ms + PATIENCE_MS;
            assert!(age <= limit, "tries again after {age} ms");
        }
    }

    /// A request is over, or given up; what it was.
    pub(crate) fn over(&mut self, request: RequestId) -> Option<(String, Aim)> {
        self.requests.remove(&request)
    }

    /// A request was answered, otherwise than with 200.
    pub(crate) fn refused(
        &mut self,
        part_id: &str,
        aim: Aim,
        status: u16,
        not_before: Option<u64>,
    ) {
        let entry = self.entry(part_id);
        match status {
            408 | 425 | 429 | 500.. => entry.not_before = not_before,
            401 | 403 | 404 => {}
            _ => entry.is_refused |= aim == Aim::Append,
        }
    }

    pub(crate) fn was_asked(&mut self, part_id: &str) {
        self.entry(part_id).was_asked = true;
    }

    /// Its call was aborted. Should it have landed, its turn has to be stopped.
    pub(crate) fn aborted(&mut self, part_id: &str, stop: &str) {
        self.entry(part_id).stop = Some(stop.to_owned());
    }

    /// The page goes to sleep.
    pub(crate) fn falls_asleep(&mut self, length: u64) {
        let is_waiting = !self.requests.is_empty();
        if let Some(part_id) = self.current.clone() {
            let entry = self.entry(&part_id);
            let is_noticed = is_waiting && length >= LOOK_EVERY_MS + AWAY_MS;
            entry.unnoticed =
                entry.unnoticed.filter(|_| is_noticed).map(|before| before + LOOK_EVERY_MS);
        }
    }

    /// The app was told that something was sent; the part id of the stop that is owed now.
    pub(crate) fn acknowledged(&mut self, part_id: &str, clock: Clock) -> Option<String> {
        self.ended(part_id, true, clock);
        self.entry(part_id).stop.clone()
    }

    /// The app was told that something was not sent.
    pub(crate) fn failed(
        &mut self,
        part_id: &str,
        error: &ChatError,
        clock: Clock,
        server: &ModelServer,
    ) {
        let entry = self.entry(part_id);
        if is_passing(error) {
            let age = entry.began.map_or(0, |began| clock.awake - began.awake);
            let is_old = entry.began.is_some_and(|began| clock.now >= began.now + CLAIM_TRUSTED_MS);
            let is_unprovable = matches!(error, ChatError::Unproven { .. }) && is_old;
            let is_in_time = entry.unnoticed.is_none_or(|ms| age + ms >= entry.timeout_ms);
            assert!(is_in_time || is_unprovable, "given up after {age} ms: {error:?}");
        }
        let is_aborted = matches!(error, ChatError::Aborted);
        if is_aborted && entry.attempts > 0 && server.has_landed(part_id) {
            assert!(entry.was_asked, "nobody asked whether what was aborted has landed");
        }
        self.ended(part_id, false, clock);
    }

    fn ended(&mut self, part_id: &str, is_acknowledged: bool, clock: Clock) {
        let entry = self.entry(part_id);
        let before = entry.is_acknowledged.replace(is_acknowledged);
        assert_eq!(before, None, "the end of {part_id} is told twice");
        let age = entry.age(clock);
        assert!(age <= entry.timeout_ms + MAX_LATENESS_MS, "ends after {age} ms");
        self.current.take_if(|current| current == part_id);
    }

    pub(crate) fn is_acknowledged(&self, part_id: &str) -> bool {
        self.entries.get(part_id).is_some_and(|entry| entry.is_acknowledged == Some(true))
    }

    /// Whether this was sent, or has failed before it could be.
    pub(crate) fn has_begun(&self, part_id: &str) -> bool {
        let is_begun = |entry: &Entry| entry.attempts > 0 || entry.is_acknowledged.is_some();
        self.entries.get(part_id).is_some_and(is_begun)
    }

    /// Whether something is being sent.
    pub(crate) fn is_sending(&self) -> bool {
        self.current.is_some()
    }

    /// Nothing is under way any more.
    pub(crate) fn assert_all_over(&self) {
        assert_eq!(self.current, None, "is never over");
        let is_open = |entry: &&Entry| entry.attempts > 0 && entry.is_acknowledged.is_none();
        let open = self.entries.values().find(is_open);
        assert!(open.is_none(), "neither acknowledged nor reported: {open:?}");
    }

    /// What was acknowledged stands in `.in` in the order of the calls.
    pub(crate) fn assert_in_order(&self, server: &ModelServer) {
        let acknowledged = server.parts().filter(|part_id| self.is_acknowledged(part_id));
        let numbers: Vec<_> =
            acknowledged.filter_map(|part_id| self.entries[part_id].number).collect();
        assert!(numbers.is_sorted(), "landed in another order: {numbers:?}");
    }
}

impl Entry {
    /// How long it has been under way, at least.
    fn age(&self, clock: Clock) -> u64 {
        self.began.map_or(0, |began| clock.active - began.active)
    }
}

/// Whether another attempt might have done.
fn is_passing(error: &ChatError) -> bool {
    match error {
        ChatError::Api(error) => matches!(error.status, 408 | 425 | 429 | 500..),
        ChatError::Foreign(_) | ChatError::Unproven { .. } => true,
        ChatError::Other(text) => text.starts_with("The ") || text.starts_with("Something "),
        ChatError::Aborted => false,
    }
}
