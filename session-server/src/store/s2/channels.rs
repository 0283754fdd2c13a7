//! The two channels of a session, `in` and `out`, as the service writes them.

use std::collections::VecDeque;
use std::sync::Arc;

use s2_sdk::types::{ReadFrom, SequencedRecord};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::S2Store;
use super::log::{self, Appended, Condition, Stream};
use super::state::State;
use crate::input::{Input, Role};
use crate::store::{Append, Error, InRecord, OutPart, Result, records};
use crate::time::{self, Millis};

/// How long a part id stays claimed.
const CLAIM_MILLIS: Millis = 5 * 60 * 1000;

/// The body of a record of `in`.
#[derive(Serialize, Deserialize)]
struct Part {
    /// The chunk, as JSON text.
    data: String,
    id: String,
}

/// The part ids in the recent tail of a session's `in`, as far as this instance has read it.
#[derive(Debug, Default)]
pub(super) struct Recent {
    parts: VecDeque<(String, Millis)>,
    /// Where the next record is to stand; none before the first look.
    next: Option<u64>,
}

impl Recent {
    fn note(&mut self, seq: u64, id: String, at: Millis) {
        self.parts.push_back((id, at));
        self.next = Some(seq + 1);
    }

    fn note_all(&mut self, records: &[SequencedRecord]) -> Result<()> {
        for record in records {
            let id = match record.is_command_record() {
                true => String::new(),
                false => serde_json::from_slice::<Part>(&record.body)?.id,
            };
            self.note(record.seq_num, id, log::millis(record.timestamp));
        }
        Ok(())
    }

    /// Whether this part id is claimed.
    fn has(&mut self, id: &str) -> bool {
        let oldest = time::now() - CLAIM_MILLIS;
        while self.parts.front().is_some_and(|(_, at)| *at < oldest) {
            self.parts.pop_front();
        }
        self.parts.iter().any(|(claimed, _)| claimed == id)
    }
}

/// What a record of `in` means to the agent's queue.
pub(super) fn role(record: &InRecord) -> Role {
    Input::parse(&record.body).map_or(Role::Note, |input| input.role())
}

fn in_record(record: &SequencedRecord, injected: &[u64]) -> Result<InRecord> {
    let Part { data, id } = serde_json::from_slice(&record.body)?;
    let is_injected = injected.contains(&record.seq_num);
    Ok(InRecord { seq: record.seq_num, part_id: id, body: data, is_injected })
}

/// These of `in` that a client wrote.
fn in_records(records: &[SequencedRecord], injected: &[u64]) -> Result<Vec<InRecord>> {
    let written = records.iter().filter(|record| !record.is_command_record());
    written.map(|record| in_record(record, injected)).collect()
}

impl S2Store {
    pub(super) fn inbox(&self, id: &str) -> Stream {
        self.log.stream(&format!("session/{id}/in"))
    }

    pub(super) fn out(&self, id: &str) -> Stream {
        self.log.stream(&out_name(id))
    }

    pub(super) async fn append(
        &self,
        id: &str,
        part_id: &str,
        role: Role,
        body: &str,
    ) -> Result<Append> {
        let append = self.append_once(id, part_id, body).await?;
        if role != Role::Note && !matches!(append, Append::Closed(_)) {
            self.announce(id).await?;
        }
        Ok(append)
    }

    /// Appends behind the last record that was looked at for this part id: who was quicker with it is
    /// found there.
    async fn append_once(&self, id: &str, part_id: &str, body: &str) -> Result<Append> {
        let recent = self.recent(id);
        let mut recent = recent.lock().await;
        if recent.next.is_none() {
            self.look_back(id, &mut recent).await?;
        }
        let part = Part { data: body.to_owned(), id: part_id.to_owned() };
        let part = serde_json::to_vec(&part)?;
        while !recent.has(part_id) {
            let condition = Condition { seq: recent.next, token: Some("") };
            let record = log::record(&[], part.as_slice())?;
            match self.inbox(id).append(vec![record], condition).await? {
                Appended::At(seq) => {
                    recent.note(seq, part_id.to_owned(), time::now());
                    return Ok(Append::Landed(seq));
                }
                Appended::Elsewhere => self.catch_up(id, &mut recent).await?,
                Appended::Fenced(_) => return self.closed(id).await,
            }
        }
        Ok(Append::Repeated)
    }

    /// Why `.in` takes nothing any more: the session is closed, or its turn is closing it.
    async fn closed(&self, id: &str) -> Result<Append> {
        let State { closed, turn, .. } = self.standing(id).await?.state;
        let closing = turn.and_then(|turn| turn.closing).map(|closing| closing.reason);
        match closed.map(|closed| closed.reason).or(closing) {
            Some(reason) => Ok(Append::Closed(reason)),
            None => Err(Error::Refused("the channel is fenced by somebody else".to_owned())),
        }
    }

    fn recent(&self, id: &str) -> Arc<Mutex<Recent>> {
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::default());
        let Ok(recent) = self.recent.get_or_insert_with(id, fresh);
        recent
    }

    /// Reads the recent tail for the first time.
    async fn look_back(&self, id: &str, recent: &mut Recent) -> Result<()> {
        let tail = self.inbox(id).tail().await?;
        let oldest = u64::try_from(time::now() - CLAIM_MILLIS).unwrap_or(0);
        if tail.timestamp >= time::now() - CLAIM_MILLIS {
            recent.note_all(&self.inbox(id).rest(ReadFrom::Timestamp(oldest)).await?)?;
        }
        recent.next = recent.next.max(Some(tail.seq));
        Ok(())
    }

    /// Reads what others have appended.
    async fn catch_up(&self, id: &str, recent: &mut Recent) -> Result<()> {
        let from = ReadFrom::SeqNum(recent.next.unwrap_or(0));
        recent.note_all(&self.inbox(id).rest(from).await?)
    }

    /// The next records of `in` after `after`, or from the start: a page of them.
    pub(super) async fn in_page(&self, id: &str, after: Option<u64>) -> Result<Vec<InRecord>> {
        let from = ReadFrom::SeqNum(after.map_or(0, |seq| seq + 1));
        in_records(&self.inbox(id).page(from).await?, &[])
    }

    /// The record of `in` under this number.
    pub(super) async fn in_at(&self, id: &str, seq: u64) -> Result<Option<InRecord>> {
        let page = self.inbox(id).page(ReadFrom::SeqNum(seq)).await?;
        let found = page.first().filter(|record| record.seq_num == seq);
        found.map(|record| in_record(record, &[])).transpose()
    }

    /// The next records of `in` from there on. Of those that are not among them the agent is told when
    /// it has dealt with these.
    pub(super) async fn in_from(
        &self,
        id: &str,
        from: u64,
        injected: &[u64],
    ) -> Result<Vec<InRecord>> {
        in_records(&self.inbox(id).page(ReadFrom::SeqNum(from)).await?, injected)
    }

    /// All records of `in` up to `last`.
    pub(super) async fn in_up_to(
        &self,
        id: &str,
        last: u64,
        injected: &[u64],
    ) -> Result<Vec<InRecord>> {
        let mut records: Vec<InRecord> = Vec::new();
        while records.last().is_none_or(|record| record.seq < last) {
            let next = records.last().map_or(0, |record| record.seq + 1);
            let more = self.in_from(id, next, injected).await?;
            if more.is_empty() {
                break;
            }
            records.extend(more);
        }
        records.retain(|record| record.seq <= last);
        Ok(records)
    }

    /// Whether the newest record of `out` that is no command is a turn-complete.
    pub(super) async fn out_is_settled(&self, id: &str) -> Result<bool> {
        let mut look = 4;
        loop {
            let last = self.out(id).page(ReadFrom::TailOffset(look)).await?;
            let newest = last.iter().rfind(|record| !record.is_command_record());
            if let Some(record) = newest {
                return Ok(records::is_turn_complete(&headers(record)));
            }
            if u64::try_from(last.len()).unwrap_or(0) < look {
                return Ok(false);
            }
            look *= 8;
        }
    }
}

/// The name of a session's `out`.
pub(super) fn out_name(id: &str) -> String {
    format!("session/{id}/out")
}

/// The headers of a record, as text.
pub(super) fn headers(record: &SequencedRecord) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    record.headers.iter().map(|header| (text(&header.name), text(&header.value))).collect()
}

/// The records that these parts become, the first of which has this sequence number.
pub(super) fn out_records(
    parts: &[OutPart],
    mut next: u64,
) -> Result<Vec<s2_sdk::types::AppendRecord>> {
    let mut records = Vec::new();
    for part in parts {
        let body = part.body(next);
        for _ in 0..part.copies {
            records.push(log::record(&[], body.as_bytes())?);
            next += 1;
        }
    }
    Ok(records)
}
