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

use crate::model_server::{Kind, ModelServer, Written};

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
    pub(crate) is_wanting: bool,
    /// The server has said that no turn runs, as of this seq.
    pub(crate) settled_at: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Witness {
    pub(crate) open: Option<Shown>,
    /// A request that left together with its message, and where it reads from.
    early: Option<(RequestId, Option<u64>)>,
    /// The newest of this page's messages that were acknowledged.
    pub(crate) newest_landed: Option<usize>,
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
}

impl Witness {
    pub(crate) fn is_finished(&self, turn: usize) -> bool {
        self.finished.contains(&turn)
    }

    /// Whether the acknowledgement of this turn's message comes too late: a newer one's came before,
    /// or the turn's end was seen already.
    pub(crate) fn is_late(&self, turn: usize, server: &ModelServer) -> bool {
        Some(turn) < self.newest_landed || self.is_finished(server.ending_turn(turn))
    }

    /// Whether the end of a turn that was given up was not seen yet.
    pub(crate) fn has_given_up(&self) -> bool {
        self.gated_through.is_some_and(|turn| !self.is_finished(turn))
    }

    /// The page was loaded anew, with a state that waits for this turn, or that waits for none and
    /// still has it on record: then it was given up, and its end was not seen.
    pub(crate) fn reloaded(&mut self, current: Option<usize>, is_given_up: bool) {
        self.open = None;
        self.early = None;
        self.current = current;
        self.newest_shown = None;
        self.newest_landed = None;
        self.perhaps_gated_through = self.perhaps_gated_through.max(self.gated_through.take());
        if let (true, Some(turn)) = (is_given_up, current) {
            self.given_up(turn);
        }
    }

    /// The user has given this turn up.
    pub(crate) fn given_up(&mut self, turn: usize) {
        if !self.is_finished(turn) {
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
        } else {
            shown.start = from;
            assert!(from >= newest_shown, "asks again for what was shown to the stream before");
        }
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
            self.chunk(chunk.get(), server);
        }
    }

    fn chunk(&mut self, json: &str, server: &ModelServer) {
        let (seq, turn) = find(json, server);
        let shown = self.open.as_ref().expect("a stream is open");
        let before = shown.last.max(shown.start);
        assert!(Some(seq) > before, "out of order, or again: {json} at {seq} after {before:?}");
        self.assert_complete(before, seq, server);
        assert!(!self.is_finished(turn), "of turn {turn}, which is over: {json} at {seq}");
        assert!(Some(turn) > self.gated_through, "of turn {turn}, which was given up: {json}");
        if let Some(mine) = shown.turn {
            let is_in_time = turn <= server.ending_turn(mine) || was_trimmed(mine, server);
            assert!(is_in_time, "of turn {turn}, after my own, {mine}: {json}");
        }
        self.finish_before(seq, server);
        self.newest_shown = Some(seq);
        if let Some(shown) = &mut self.open {
            shown.last = Some(seq);
        }
    }

    /// Nothing that should have been shown lies between these two.
    fn assert_complete(&self, after: Option<u64>, before: u64, server: &ModelServer) {
        let skips = self.gated_through.max(self.perhaps_gated_through);
        let skips = skips.map(|turn| server.ending_turn(turn));
        for Written { seq, kind } in &server.out {
            if let Kind::Chunk { turn, json } = kind
                && Some(*seq) > after
                && *seq < before
            {
                let is_excused = Some(*turn) <= skips || *seq < server.trimmed_below;
                assert!(is_excused, "left out: {json} at {seq} of turn {turn}");
            }
        }
    }

    fn finish_before(&mut self, seq: u64, server: &ModelServer) {
        let is_over = |boundary: Option<u64>| boundary.is_some_and(|boundary| boundary <= seq);
        let over = server.turns.iter().enumerate().filter(|(_, turn)| is_over(turn.boundary));
        self.finished.extend(over.map(|(turn, _)| turn));
    }

    /// The stream was ended by its owner's wish.
    pub(crate) fn ended_by_owner(&mut self, stream: StreamId) {
        self.shown(stream);
        self.open = None;
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
        if end_of(&shown, server) >= Some(server.trimmed_below) {
            assert!(shown.last < Some(end), "shows {:?}, behind the end at {end}", shown.last);
            self.assert_complete(shown.last.max(shown.start), end, server);
        }
        self.finish_before(end, server);
    }

    /// The stream has failed because its output went with a stopped turn's; `cursor` is where.
    pub(crate) fn swallowed(&mut self, cursor: Option<u64>, server: &ModelServer) {
        let shown = self.open.take().expect("a stream is open");
        let mine = shown.turn.expect("a stream that was sent for knows its turn");
        let was_lost = server.turns[..mine].iter().any(|turn| turn.is_swallowed);
        let is_true = was_lost || server.turns[mine].has_joined;
        // The end of the turn that was given up may have been trimmed away unread.
        let given_up = self.gated_through.max(self.perhaps_gated_through);
        let is_unread = |turn| was_trimmed(turn, server) && !self.is_finished(turn);
        let is_unknowable = given_up.is_some_and(|last| (0..=last).any(is_unread));
        assert!(is_true || is_unknowable, "no output was lost: {shown:?}, given up: {given_up:?}");
        self.finish_before(end_at(&shown, cursor, server), server);
    }
}

/// Where a stream has ended that is over. That is known, unless it was trimmed away meanwhile: then
/// any boundary after it has to do.
fn end_at(shown: &Shown, cursor: Option<u64>, server: &ModelServer) -> u64 {
    let end = end_of(shown, server);
    let end = end.unwrap_or_else(|| panic!("ended before the end of its turn: {shown:?}"));
    if end >= server.trimmed_below {
        return end;
    }
    let boundaries = server.turns.iter().filter_map(|turn| turn.boundary);
    let mut ends = boundaries.chain(shown.settled_at).filter(|at| *at >= end);
    let end = ends.find(|at| Some(*at) == cursor);
    end.unwrap_or_else(|| panic!("ended at {cursor:?}, at no boundary: {shown:?}"))
}

/// The seq of the boundary that ends a stream, once it is written.
fn end_of(shown: &Shown, server: &ModelServer) -> Option<u64> {
    match shown.turn {
        Some(turn) => server.turns[server.ending_turn(turn)].boundary,
        None => {
            let boundaries = server.turns.iter().filter_map(|turn| turn.boundary);
            let ends = boundaries.filter(|boundary| Some(*boundary) > shown.start);
            // What is written after "settled" belongs to a turn that began since.
            ends.chain(shown.settled_at).min()
        }
    }
}

/// The turn's end is no longer there to be read: a later one's has to do.
fn was_trimmed(turn: usize, server: &ModelServer) -> bool {
    let boundary = server.turns[server.ending_turn(turn)].boundary;
    boundary.is_some_and(|boundary| boundary < server.trimmed_below)
}

fn find(json: &str, server: &ModelServer) -> (u64, usize) {
    let found = server.out.iter().find_map(|record| match &record.kind {
        Kind::Chunk { turn, json: written } if written == json => Some((record.seq, *turn)),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("the server never wrote this chunk: {json}"))
}
