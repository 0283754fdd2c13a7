//! What one tab was shown, held against what the server wrote.
//!
//! The rules, for each stream. Its chunks are the server's, byte by byte, in their order, each once,
//! with none left out from where the stream began: but for those of turns that the user has given up,
//! which must not be shown, and for those that the server has trimmed away meanwhile. It never shows
//! a chunk of a turn whose end this tab has seen, or of a turn after its own. It ends well by itself
//! only where its own turn has ended, with all of the turn shown.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use trigger_chat_transport::chat::action::{CallId, RequestId, StreamId};

use crate::model_server::{Kind, ModelServer, Turn, Written};

/// A stream that the tab's app holds.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) stream: StreamId,
    pub(crate) call: CallId,
    pub(crate) is_resumed: bool,
    /// The turn it was opened for, where that can be known.
    pub(crate) turn: Option<usize>,
    /// Its first request has left, perhaps before the stream was there.
    has_begun: bool,
    /// It shows what lies behind this seq.
    start: Option<u64>,
    /// The newest chunk that it has shown.
    last: Option<u64>,
    /// Some of its own turn was held back, as if it were of the turn that was given up. Then it must
    /// not end well.
    has_lost: bool,
    pub(crate) is_wanting: bool,
    /// The server has said that no turn runs, as of this seq.
    pub(crate) settled_at: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Witness {
    pub(crate) open: Option<Shown>,
    /// A request that left together with its message, and where it reads from.
    early: Option<(RequestId, Option<u64>)>,
    /// The stream of a message whose acknowledgement came too late. It has to close at once.
    pub(crate) overtaken: Option<StreamId>,
    /// The turn that this tab waits for, or waited for last.
    pub(crate) current: Option<usize>,
    /// Turns that this tab has seen the end of.
    finished: BTreeSet<usize>,
    /// This turn, and all before it, must not be shown any more.
    gated_through: Option<usize>,
    /// The same, but it may have been forgotten by now.
    perhaps_gated_through: Option<usize>,
    /// The newest chunk that this page was shown, since the last replay began.
    newest_shown: Option<u64>,
    /// Turns whose beginning went to a stream of which nobody could tell whose turn it showed: one that
    /// was resumed without a number. A message that was on its way then has begun its turn in it.
    shown_elsewhere: BTreeSet<usize>,
    /// It was shown deltas that were merged.
    pub(crate) has_merged: bool,
}

impl Witness {
    pub(crate) fn is_finished(&self, turn: usize) -> bool {
        self.finished.contains(&turn)
    }

    /// Whether the acknowledgement of this turn's message comes too late: its end was seen already.
    pub(crate) fn is_late(&self, turn: usize, server: &ModelServer) -> bool {
        server.told_end_of(turn).is_some_and(|end| self.has_seen(end, server))
    }

    /// Whether this tab has seen the boundary at this seq.
    fn has_seen(&self, boundary: u64, server: &ModelServer) -> bool {
        self.finished.iter().any(|turn| server.turns[*turn].boundary >= Some(boundary))
    }

    /// Whether the end of a turn that was given up was not seen yet.
    pub(crate) fn has_given_up(&self) -> bool {
        self.gated_through.is_some_and(|turn| !self.is_finished(turn))
    }

    /// The page was loaded anew, with a state that waits for this turn, or that waits for none and
    /// still has it on record: then it was given up, and its end was not seen.
    pub(crate) fn reloaded(
        &mut self,
        current: Option<usize>,
        is_given_up: bool,
        server: &ModelServer,
    ) {
        self.open = None;
        self.early = None;
        self.current = current;
        self.newest_shown = None;
        self.perhaps_gated_through = self.perhaps_gated_through.max(self.gated_through.take());
        if let (true, Some(turn)) = (is_given_up, current) {
            self.given_up(turn, server);
        }
    }

    /// The user has given this turn up.
    pub(crate) fn given_up(&mut self, turn: usize, server: &ModelServer) {
        // An end that was held back is not known to be one.
        if server.told_end_of(turn).is_none_or(|end| !self.has_seen(end, server)) {
            self.gated_through = self.gated_through.max(Some(turn));
        }
    }

    /// The user has given up a turn of which the tab did not know which it was.
    pub(crate) fn perhaps_given_up(&mut self, turn: Option<usize>) {
        self.perhaps_gated_through = self.perhaps_gated_through.max(turn);
    }

    pub(crate) fn opened(
        &mut self,
        stream: StreamId,
        call: CallId,
        is_resumed: bool,
        turn: Option<usize>,
    ) {
        assert!(self.open.is_none(), "a second stream is open");
        self.current = turn;
        if is_resumed {
            // A replay shows it all once more.
            self.newest_shown = None;
        }
        let early = self.early.take().filter(|_| !is_resumed);
        self.open = Some(Shown {
            stream,
            call,
            is_resumed,
            turn,
            has_begun: early.is_some(),
            start: early.and_then(|(_, from)| from),
            last: None,
            has_lost: false,
            is_wanting: false,
            settled_at: None,
        });
    }

    /// Whether the next request is the first of its stream.
    pub(crate) fn is_new(&self) -> bool {
        self.open.as_ref().is_none_or(|open| !open.has_begun)
    }

    fn shown(&mut self, stream: StreamId) -> &mut Shown {
        let shown = self.open.as_mut().filter(|shown| shown.stream == stream);
        shown.unwrap_or_else(|| panic!("{stream:?} is over, or was never opened"))
    }

    /// A request has left, for the open stream or for the one that a message on its way will open.
    /// `stored`: the cursor in the state that the app holds.
    pub(crate) fn subscribed(
        &mut self,
        request: RequestId,
        last_event_id: Option<&str>,
        stored: Option<&str>,
        server: &ModelServer,
    ) {
        let newest_shown = self.newest_shown;
        let from =
            last_event_id.map(|id| id.parse::<u64>().expect("the server's cursors are seqs"));
        let Some(shown) = &mut self.open else {
            assert!(from >= newest_shown, "asks again for what was shown to the stream before");
            self.early = Some((request, from));
            return;
        };
        if shown.has_begun {
            assert!(from >= shown.last, "asks again for what it has shown: {from:?}, {shown:?}");
            return;
        }
        shown.has_begun = true;
        if shown.is_resumed {
            // A replay owes all that lies behind the stored cursor, and need not ask for less.
            shown.start = stored.map(|id| id.parse().expect("the server's cursors are seqs"));
            assert!(
                from >= shown.start,
                "replays from {from:?}, before the stored state's {stored:?}"
            );
            let gated = self.gated_through.max(self.perhaps_gated_through);
            let owed = shown
                .turn
                .filter(|turn| Some(*turn) > gated && !self.shown_elsewhere.contains(turn));
            if let Some(first) = owed.and_then(|turn| first_owed(turn, server)) {
                assert!(shown.start < Some(first), "replays from {stored:?}, not from {first}");
            }
        } else {
            shown.start = from;
            assert!(from >= newest_shown, "asks again for what was shown to the stream before");
        }
    }

    /// The session of the open stream was created anew: a cursor of the lost one means nothing in it.
    pub(crate) fn began_anew(&mut self) {
        if let Some(shown) = &mut self.open {
            shown.start = None;
            shown.last = None;
        }
    }

    /// A request asks whether all turns are over. Whether it was asked in doubt: the turn that it is
    /// for is known, so that a boundary has to have been passed over, and the turn has to be over
    /// where the boundaries tell.
    pub(crate) fn peeks(&self, from: Option<&str>, server: &ModelServer) -> bool {
        let shown = self.open.as_ref().expect("asks for nobody");
        let Some(turn) = shown.turn else {
            assert!(shown.is_resumed, "peeks while its own turn is outstanding");
            return false;
        };
        let from = from.and_then(|id| id.parse().ok());
        // Perhaps it was the stream before that has passed it over, right before this one began.
        let is_chunk = |record: &Written| matches!(record.kind, Kind::Chunk { .. });
        let is_passed = |end: u64| {
            let mut before = server.since(Some(end + 1)).iter();
            let mut is_right_before =
                || !before.any(|record| is_chunk(record) && Some(record.seq) <= shown.start);
            Some(end) <= from && (Some(end) > shown.start || is_right_before())
        };
        let mut boundaries = server.turns.iter().filter_map(|turn| turn.boundary);
        let is_over = server.end_of(turn).is_some();
        assert!(boundaries.any(is_passed), "peeks while its own turn is outstanding");
        assert!(is_over || !server.tells_taken(), "peeks while its own turn is outstanding");
        true
    }

    /// The tab has given a request up.
    pub(crate) fn cancelled(&mut self, request: RequestId) {
        self.early.take_if(|(early, _)| *early == request);
    }

    /// The stream has handed chunks on.
    pub(crate) fn emitted(&mut self, stream: StreamId, chunks: &str, server: &ModelServer) {
        let shown = self.shown(stream);
        assert!(shown.is_wanting, "hands on what nobody has room for");
        shown.is_wanting = false;
        let chunks: Vec<Box<RawValue>> = serde_json::from_str(chunks).expect("an array of chunks");
        assert!(!chunks.is_empty(), "hands on nothing");
        for chunk in chunks {
            match server.place(chunk.get()) {
                Some(place) => self.chunk(chunk.get(), place, server),
                None => self.merged(chunk.get(), server),
            }
        }
    }

    /// Takes a merged delta apart: it has to be the next deltas that the server wrote, one behind the
    /// other.
    fn merged(&mut self, json: &str, server: &ModelServer) {
        let [head, mut text] = split_delta(json).expect("a chunk that the server never wrote");
        self.has_merged = true;
        while !text.is_empty() {
            let shown = self.open.as_ref().expect("a stream is open");
            let before = shown.last.max(shown.start).map(|seq| seq + 1);
            let next = server.since(before).iter().find_map(|record| match &record.kind {
                Kind::Chunk { json: written, turn, .. } if !record.is_repeat => {
                    let [its_head, its_text] = split_delta(written)?;
                    let rest = text.strip_prefix(its_text).filter(|_| its_head == head)?;
                    Some((written, (record.seq, *turn), rest))
                }
                _ => None,
            });
            let (written, place, rest) =
                next.unwrap_or_else(|| panic!("the server never wrote this: {text} of {json}"));
            // What the search has passed over would be found to be left out.
            self.chunk(written, place, server);
            text = rest;
        }
    }

    fn chunk(&mut self, json: &str, (seq, turn): (u64, usize), server: &ModelServer) {
        let shown = self.open.as_ref().expect("a stream is open");
        let before = shown.last.max(shown.start);
        assert!(Some(seq) > before, "out of order, or again: {json} at {seq} after {before:?}");
        let has_lost = self.assert_complete(before, seq, shown.turn, server);
        // A boundary that was held back does not tell whose it is: a replay may have to begin before it.
        let is_unknown_end = shown.is_resumed && server.turns[turn].is_held_back;
        let is_over = self.is_finished(turn) && !is_unknown_end;
        assert!(!is_over, "of turn {turn}, which is over: {json} at {seq}");
        assert!(Some(turn) > self.gated_through, "of turn {turn}, which was given up: {json}");
        if let Some(mine) = shown.turn {
            let is_before_end = server.told_end_of(mine).is_none_or(|end| seq < end);
            let is_in_time = is_before_end || was_trimmed(mine, server);
            assert!(is_in_time, "of turn {turn}, after my own, {mine}: {json}");
        }
        if shown.turn.is_none() {
            self.shown_elsewhere.insert(turn);
        }
        self.finish_before(seq, server);
        self.newest_shown = Some(seq);
        if let Some(shown) = &mut self.open {
            shown.last = Some(seq);
            shown.has_lost |= has_lost;
        }
    }

    /// Nothing that should have been shown lies between these two; whether some of `mine` does, the
    /// turn that the stream is for, which could not be told from what was given up.
    fn assert_complete(
        &self,
        after: Option<u64>,
        before: u64,
        mine: Option<usize>,
        server: &ModelServer,
    ) -> bool {
        let mut has_lost = false;
        let skips = self.gated_through.max(self.perhaps_gated_through);
        let skips = skips.map(|turn| server.ending_turn(turn));
        // Where the end of what was given up was held back, what follows looks as if it were its rest.
        let held_back = skips.filter(|turn| server.turns[*turn].is_held_back);
        let is_before_told_end = |seq: u64| {
            held_back.is_some_and(|turn| server.told_end_of(turn).is_none_or(|end| seq < end))
        };
        let between = server.since(after.map(|seq| seq + 1));
        for Written { seq, kind, is_repeat } in between.iter().take_while(|it| it.seq < before) {
            if let Kind::Chunk { turn, json, .. } = kind
                && !is_repeat
            {
                let is_excused =
                    Some(*turn) <= skips || *seq < server.trimmed_below || is_before_told_end(*seq);
                has_lost |= Some(*turn) == mine && *seq >= server.trimmed_below;
                assert!(is_excused, "left out: {json} at {seq} of turn {turn}");
            }
        }
        has_lost
    }

    fn finish_before(&mut self, seq: u64, server: &ModelServer) {
        let is_over = |boundary: Option<u64>| boundary.is_some_and(|boundary| boundary <= seq);
        let over = server.turns.iter().enumerate().filter(|(_, turn)| is_over(turn.boundary));
        self.finished.extend(over.map(|(turn, _)| turn));
    }

    /// The stream was ended by its owner's wish.
    /// The app was told that what the stream was opened for is dealt with.
    pub(crate) fn dealt_with(&mut self, stream: StreamId, input_seq: u64, server: &ModelServer) {
        let shown = self.shown(stream);
        let turn = server.turn_of_input(input_seq).expect("there is such a message");
        assert!(shown.turn.is_none_or(|mine| mine == turn), "settles another's message");
        assert!(server.end_of(turn).is_some(), "settled, and its turn has no end");
    }

    pub(crate) fn ended_by_owner(&mut self, stream: StreamId) {
        self.shown(stream);
        self.open = None;
    }

    /// The stream has failed: its turn is not waited for any more.
    pub(crate) fn failed(&mut self, stream: StreamId) {
        self.ended_by_owner(stream);
        self.current = None;
    }

    /// The stream has ended well by itself; `cursor` is where.
    pub(crate) fn ended_by_itself(
        &mut self,
        stream: StreamId,
        cursor: Option<u64>,
        server: &ModelServer,
    ) {
        self.shown(stream);
        let shown = self.open.take().expect("a stream is open");
        let end = end_at(&shown, cursor, server);
        if earliest_end(&shown, server) >= Some(server.trimmed_below) {
            assert!(shown.last < Some(end), "shows {:?}, behind the end at {end}", shown.last);
            let from = shown.last.max(shown.start);
            let has_lost = self.assert_complete(from, end, shown.turn, server);
            assert!(!shown.has_lost && !has_lost, "ends well, with a part left out: {shown:?}");
        }
        self.finish_before(end, server);
    }

    /// The stream has failed because its output went with a stopped turn's; `cursor` is where.
    pub(crate) fn swallowed(&mut self, cursor: Option<u64>, server: &ModelServer) {
        let shown = self.open.take().expect("a stream is open");
        let mine = shown.turn.expect("a stream that was sent for knows its turn");
        // The end of a turn that was held back looks as if it were missing.
        let is_unclear = |turn: &Turn| turn.is_swallowed || turn.is_held_back;
        let was_lost = server.turns[..=mine].iter().any(is_unclear);
        let is_true = was_lost || server.turns[mine].has_joined;
        // The end of the turn that was given up may have been trimmed away unread.
        let given_up = self.gated_through.max(self.perhaps_gated_through);
        let is_unread = |turn| was_trimmed(turn, server) && !self.is_finished(turn);
        let is_unknowable = given_up.is_some_and(|last| (0..=last).any(is_unread));
        assert!(is_true || is_unknowable, "no output was lost: {shown:?}, given up: {given_up:?}");
        self.finish_before(end_at(&shown, cursor, server), server);
    }
}

/// The first chunk of a turn, where a replay of it cannot but show that one: no end before it was
/// missing, or held back.
fn first_owed(turn: usize, server: &ModelServer) -> Option<u64> {
    let is_unclear = |turn: &Turn| turn.is_swallowed || turn.is_held_back;
    let is_clear = !server.turns[..=turn].iter().any(is_unclear);
    server.start_of(turn).filter(|_| is_clear)
}

/// Where a stream has ended that is over: at `cursor`, which has to be at an end of its turn, or at a
/// later boundary where that was trimmed away meanwhile.
fn end_at(shown: &Shown, cursor: Option<u64>, server: &ModelServer) -> u64 {
    let earliest = earliest_end(shown, server);
    let earliest =
        earliest.unwrap_or_else(|| panic!("ended before the end of its turn: {shown:?}"));
    let told = shown.turn.map_or(Some(earliest), |turn| server.told_end_of(turn));
    let latest = told.or(shown.settled_at).unwrap_or(earliest);
    let boundaries = server.turns.iter().filter_map(|turn| turn.boundary);
    let mut ends = boundaries.chain(server.closed_at).chain(shown.settled_at).filter(|end| {
        // Before its end is told, only "settled" tells it.
        let is_told = told.is_some_and(|told| *end >= told) || shown.settled_at >= Some(earliest);
        let is_in_time = *end <= latest || earliest < server.trimmed_below;
        *end >= earliest && is_told && is_in_time
    });
    let end = ends.find(|end| is_at(cursor, *end, server));
    end.unwrap_or_else(|| panic!("ended at {cursor:?}, at no end of its turn: {shown:?}"))
}

/// Whether a reader stands there, but for the commands around it, which v1 does not show.
fn is_at(cursor: Option<u64>, seq: u64, server: &ModelServer) -> bool {
    let is_shown = |record: &&Written| !matches!(record.kind, Kind::Trim);
    let newest = server.out.iter().rfind(|record| record.seq <= seq && is_shown(record));
    let next = server.since(Some(seq + 1)).iter().find(is_shown);
    cursor >= newest.map(|record| record.seq) && next.is_none_or(|next| cursor < Some(next.seq))
}

/// The seq of the boundary that ends a stream, once it is written.
fn earliest_end(shown: &Shown, server: &ModelServer) -> Option<u64> {
    match shown.turn {
        Some(turn) => server.end_of(turn),
        None => {
            let boundaries = server.turns.iter().filter_map(|turn| turn.boundary);
            let ends = boundaries.filter(|boundary| Some(*boundary) > shown.start);
            // What is written after "settled" belongs to a turn that began since.
            ends.chain(server.closed_at).chain(shown.settled_at).min()
        }
    }
}

/// The turn's end is no longer there to be read: a later one's has to do.
fn was_trimmed(turn: usize, server: &ModelServer) -> bool {
    server.end_of(turn).is_some_and(|boundary| boundary < server.trimmed_below)
}

/// A plain delta, as what stands before its text, and its text.
fn split_delta(json: &str) -> Option<[&str; 2]> {
    let at = json.find(r#""delta":""#)? + 9;
    Some([&json[..at], json[at..].strip_suffix("\"}")?])
}
