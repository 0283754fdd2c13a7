//! The turns of a session's agent.
//!
//! What is written of a turn stands in `.out` behind the last turn-complete, so nobody counts: who goes
//! on with a turn reads how far it has come. A turn ends with its turn-complete; where its writer was
//! killed before `state` said so too, the next one reads that there.

use s2_sdk::types::{ReadFrom, SequencedRecord};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::S2Store;
use super::channels::{headers, out_records, role};
use super::lease::Held;
use super::log::{self, Appended, Condition, Stream};
use super::sessions::{CLOSED, Made};
use super::state::{Closed, Injecting, Running, Standing, State};
use crate::input::Role;
use crate::store::records::{self, Consumed};
use crate::store::{
    Answer, Answers, Closing, End, Error, InRecord, OutPart, Position, Result, Turn,
};
use crate::{text, time};

/// The most of `.out` that one append takes: less than S2 does, for what a record costs besides.
const APPEND_RECORDS: usize = 900;
const APPEND_BYTES: usize = 900 * 1024;

/// The longest piece of an answer in one record.
const ANSWER_BYTES: usize = 256 * 1024;

/// A record of `answers`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    question: Option<u64>,
    text: String,
    /// Whether it goes on with the record before.
    goes_on: bool,
}

/// What stands in `.out` behind the last turn-complete.
struct Written {
    records: Vec<SequencedRecord>,
    /// Where the next record is to stand.
    next: u64,
}

impl Written {
    /// The chunks, each told once.
    fn chunks(&self) -> Result<Vec<Box<RawValue>>> {
        let data = self.records.iter().filter(|record| record.headers.is_empty());
        let chunks = data.map(|record| records::chunk(record.seq_num, &record.body));
        chunks.filter_map(Result::transpose).collect()
    }

    /// The turn-complete among them.
    fn end(&self) -> Option<(u64, Vec<(String, String)>)> {
        let all = self.records.iter().map(|record| (record.seq_num, headers(record)));
        all.into_iter().find(|(_, headers)| records::is_turn_complete(headers))
    }

    /// Whether a chunk stands there: a fence may stand where a chunk never came to.
    fn has_chunk(&self, seq: u64) -> bool {
        self.records.iter().any(|record| record.seq_num == seq && record.headers.is_empty())
    }
}

impl S2Store {
    /// The running turn, or else the next one, which then runs; unless another instance is at it.
    pub(super) async fn take(&self, id: &str) -> Result<Position> {
        self.leases.release(id);
        let Some(made) = self.made(id).await? else { return Ok(Position::Idle) };
        loop {
            let Standing { mut state, next } = self.standing(id).await?;
            if state.closed.is_some() {
                self.tell_closed(id).await?;
                self.finished(id);
                return Ok(Position::Closed);
            }
            let turn = match &state.turn {
                // Also from itself: what S2 did not answer may still land, unless it is fenced off.
                Some(turn) if turn.holder == self.instance || self.has_lapsed(id, next) => {
                    state.take_over(&self.instance);
                    match self.put(id, &state, next).await? {
                        Some(next) => self.go_on(id, state, next).await?,
                        None => None,
                    }
                }
                Some(_) => return Ok(Position::Idle),
                None => {
                    let Some(input) = self.next_input(id, &made, &state).await? else {
                        self.finished(id);
                        return Ok(Position::Idle);
                    };
                    state.begin(input, &self.instance);
                    let next = self.put(id, &state, next).await?;
                    next.map(|next| {
                        self.hold(id, state, next);
                        Turn { input, step: 0 }
                    })
                }
            };
            if let Some(turn) = turn {
                self.leases.forget(id);
                return Ok(Position::Running(turn));
            }
        }
    }

    /// The record of `.in` that the next turn answers, or none for the message of the creation.
    async fn next_input(
        &self,
        id: &str,
        made: &Made,
        state: &State,
    ) -> Result<Option<Option<u64>>> {
        if made.new.boot_waits && !state.boot_taken {
            return Ok(Some(None));
        }
        let waiting = self.in_from(id, state.in_next, &state.injected).await?;
        Ok(waiting.iter().find(|record| waits(record)).map(|record| Some(record.seq)))
    }

    /// Holds the turn that this instance has taken over, and finds out how far it has come; none where
    /// it has ended, or was taken over once more.
    async fn go_on(&self, id: &str, mut state: State, next: u64) -> Result<Option<Turn>> {
        self.fence_off(id, &state).await?;
        state.token_is_in_force();
        let written = self.written(id, &state).await?;
        state.settle_injection(|seq| written.has_chunk(seq));
        state.out_next = written.next;
        if let Some((boundary, headers)) = written.end() {
            state.end_turn(boundary, number(&headers, "session-in-consumed-id"));
            state.closed = closing(&headers).map(|Closing { reason }| Closed {
                at: time::now(),
                reason,
                is_told: false,
            });
        }
        let Some(next) = self.put(id, &state, next).await? else { return Ok(None) };
        let Some(turn) = &state.turn else { return Ok(None) };
        let turn = Turn { input: turn.input, step: written.chunks()?.len() };
        self.hold(id, state, next);
        Ok(Some(turn))
    }

    /// Puts the writer's token in force, so that the one before writes no more. It fails where another
    /// token is in force than may be: then this turn is being taken over too.
    async fn fence_off(&self, id: &str, state: &State) -> Result<()> {
        for earlier in state.tokens().skip(1) {
            let condition = Condition { token: Some(earlier), ..Condition::default() };
            match self.out(id).append(vec![log::fence(state.token())], condition).await? {
                Appended::At(_) => return Ok(()),
                Appended::Fenced(token) if token == state.token() || token == CLOSED => {
                    return Ok(());
                }
                Appended::Fenced(_) | Appended::Elsewhere => {}
            }
        }
        Err(Error::Away("another instance takes the turn over".to_owned()))
    }

    async fn written(&self, id: &str, state: &State) -> Result<Written> {
        let start = state.turn_start();
        let records = self.out(id).rest(ReadFrom::SeqNum(start)).await?;
        let next = records.last().map_or(start, |record| record.seq_num + 1);
        Ok(Written { records, next })
    }

    pub(super) async fn written_chunks(&self, id: &str) -> Result<Vec<Box<RawValue>>> {
        let state = self.state(id).await?;
        self.written(id, &state).await?.chunks()
    }

    pub(super) async fn waiting(&self, id: &str) -> Result<Vec<InRecord>> {
        let state = self.state(id).await?;
        let mut waiting = self.in_from(id, state.in_next, &state.injected).await?;
        waiting.retain(|record| !record.is_injected && role(record) == Role::Question);
        Ok(waiting)
    }

    pub(super) async fn past(&self, id: &str, last: u64) -> Result<Vec<InRecord>> {
        let state = self.state(id).await?;
        let mut past = self.in_up_to(id, last, &state.injected).await?;
        past.retain(|record| matches!(role(record), Role::Question | Role::Turn));
        Ok(past)
    }

    pub(super) async fn has_stop(&self, id: &str) -> Result<bool> {
        let Standing { state, .. } = self.standing(id).await?;
        if !state.is_held_by(&self.instance) {
            return Ok(true);
        }
        let came = self.in_from(id, state.stops_from(), &[]).await?;
        Ok(came.iter().any(|record| role(record) == Role::Stop))
    }

    /// The state of a session, as the one who holds its turn knows it: in the log, what it has just taken
    /// in may not be told yet.
    async fn state(&self, id: &str) -> Result<State> {
        match self.leases.held(id) {
            Some(held) => Ok(held.lock().await.state.clone()),
            None => Ok(self.standing(id).await?.state),
        }
    }

    pub(super) async fn write(&self, id: &str, parts: &[OutPart]) -> Result<bool> {
        let Some(held) = self.leases.held(id) else { return Ok(false) };
        let mut held = held.lock().await;
        self.write_held(&mut held, parts).await
    }

    async fn write_held(&self, held: &mut Held, parts: &[OutPart]) -> Result<bool> {
        for parts in batches(parts) {
            let records = out_records(parts, held.state.out_next)?;
            if self.append_out(held, records).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Appends to `.out` what stands behind all that this instance has written; returns where, or
    /// nothing where the turn is not this instance's any more, or is to be looked at anew.
    async fn append_out(
        &self,
        held: &mut Held,
        records: Vec<s2_sdk::types::AppendRecord>,
    ) -> Result<Option<u64>> {
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        let condition =
            Condition { seq: Some(held.state.out_next), token: Some(held.state.token()) };
        match self.out(&held.session).append(records, condition).await? {
            Appended::At(seq) => {
                held.state.out_next = seq + count;
                Ok(Some(seq))
            }
            Appended::Elsewhere | Appended::Fenced(_) => {
                self.leases.release(&held.session);
                Ok(None)
            }
        }
    }

    /// Takes messages into the running turn, with these parts: where those are written, they are.
    pub(super) async fn take_in(
        &self,
        id: &str,
        parts: &[OutPart],
        messages: &[InRecord],
    ) -> Result<()> {
        let Some(held) = self.leases.held(id) else { return Ok(()) };
        let mut held = held.lock().await;
        let at = held.state.out_next;
        let messages: Vec<u64> = messages.iter().map(|message| message.seq).collect();
        let is_mine = self.change(&mut held, |state| {
            if let Some(turn) = &mut state.turn {
                turn.injecting = Some(Injecting { at, messages: messages.clone() });
            }
        });
        if is_mine.await? && self.write_held(&mut held, parts).await? {
            held.state.settle_injection(|_| true);
        }
        Ok(())
    }

    pub(super) async fn complete(
        &self,
        id: &str,
        parts: &[OutPart],
        token: String,
        end: End,
    ) -> Result<()> {
        let Some(held) = self.leases.held(id) else { return Ok(()) };
        let mut held = held.lock().await;
        if let Some(answer) = &end.answer {
            self.keep(id, answer).await?;
        }
        // What the one before has begun to close is closed, however the turn ends.
        let begun = held.state.turn.as_ref().and_then(|turn| turn.closing.clone());
        let closing = end.closing.or(begun);
        if closing.is_some() && !self.begin_closing(&mut held, &closing).await? {
            return Ok(());
        }
        let consumed = self.consumed(id, &held.state).await?;
        let headers = records::turn_complete(token, consumed, closing.as_ref());
        let mut last = out_records(parts, held.state.out_next)?;
        let place = u64::try_from(last.len()).unwrap_or(u64::MAX);
        last.push(log::record(&headers, [])?);
        last.extend(held.state.boundary.map(log::trim));
        if let Some(Closing { reason }) = &closing {
            last.push(log::record(&records::session_closed(reason.as_deref()), [])?);
            last.push(log::fence(CLOSED));
        }
        let Some(first) = self.append_out(&mut held, last).await? else { return Ok(()) };
        let out_next = held.state.out_next;
        let now = time::now();
        let closed = closing.map(|Closing { reason }| Closed { at: now, reason, is_told: false });
        self.change(&mut held, |state| {
            state.end_turn(first + place, consumed.newest);
            state.out_next = out_next;
            state.closed.clone_from(&closed);
            state.updated_at = Some(now);
        })
        .await?;
        self.leases.release(id);
        Ok(())
    }

    /// Says that the session ends with the turn, and has `.in` take nothing any more: whoever reads of
    /// the end is refused from then on. False where the turn is not this instance's any more.
    async fn begin_closing(&self, held: &mut Held, closing: &Option<Closing>) -> Result<bool> {
        let is_mine = self.change(held, |state| {
            if let Some(turn) = &mut state.turn {
                turn.closing.clone_from(closing);
            }
        });
        if !is_mine.await? {
            return Ok(false);
        }
        self.end_in(&held.session).await?;
        Ok(true)
    }

    /// How far the agent has worked off `.in`.
    async fn consumed(&self, id: &str, state: &State) -> Result<Consumed> {
        let rest = self.in_from(id, state.in_next, &state.injected).await?;
        let end = rest.last().map_or(state.in_next, |record| record.seq + 1);
        let first_waiting = rest.iter().find(|record| waits(record)).map(|record| record.seq);
        let newest = rest.iter().rfind(|record| !waits(record)).map(|record| record.seq);
        Ok(Consumed {
            below_waiting: first_waiting.unwrap_or(end).checked_sub(1),
            newest: newest.or(state.in_next.checked_sub(1)),
        })
    }

    fn kept(&self, id: &str) -> Stream {
        self.log.stream(&format!("session/{id}/answers"))
    }

    async fn keep(&self, id: &str, answer: &Answer) -> Result<()> {
        for (n, text) in text::pieces(&answer.text, ANSWER_BYTES).enumerate() {
            let kept = Kept { question: answer.question, text: text.to_owned(), goes_on: n > 0 };
            self.kept(id).push(log::record(&[], serde_json::to_vec(&kept)?)?).await?;
        }
        Ok(())
    }

    pub(super) async fn all_kept(&self, id: &str) -> Result<Answers> {
        let mut answers = Answers::new();
        for record in self.kept(id).rest(ReadFrom::SeqNum(0)).await? {
            let Kept { question, text, goes_on } = serde_json::from_slice(&record.body)?;
            let answer = answers.entry(question).or_default();
            if !goes_on {
                answer.clear();
            }
            answer.push_str(&text);
        }
        Ok(answers)
    }
}

impl State {
    fn begin(&mut self, input: Option<u64>, instance: &str) {
        match input {
            None => self.boot_taken = true,
            Some(seq) => self.in_next = seq + 1,
        }
        let holder = instance.to_owned();
        self.turn = Some(Running { input, holder, beat: 0, injecting: None, closing: None });
    }

    fn take_over(&mut self, instance: &str) {
        self.renew_token();
        if let Some(turn) = &mut self.turn {
            instance.clone_into(&mut turn.holder);
        }
    }
}

/// Whether a record of `.in`, which no turn has taken, begins one.
fn waits(record: &InRecord) -> bool {
    !record.is_injected && matches!(role(record), Role::Question | Role::Turn)
}

/// The end of the session, where these headers of a turn's end tell it.
fn closing(headers: &[(String, String)]) -> Option<Closing> {
    let value = |name: &str| headers.iter().find(|(this, _)| this == name).map(|(_, value)| value);
    value("session-closed")?;
    Some(Closing { reason: value("session-closed-reason").cloned() })
}

fn number(headers: &[(String, String)], name: &str) -> Option<u64> {
    headers.iter().find(|(this, _)| this == name)?.1.parse().ok()
}

/// The parts, as many at once as one append takes.
fn batches(parts: &[OutPart]) -> impl Iterator<Item = &[OutPart]> {
    let mut rest = parts;
    std::iter::from_fn(move || {
        let (mut records, mut bytes) = (0, 0);
        let fits = |part: &&OutPart| {
            records += part.copies;
            bytes += part.copies * part.chunk.len();
            records <= APPEND_RECORDS && bytes <= APPEND_BYTES
        };
        let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
        let (batch, after) = rest.split_at(count);
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}
