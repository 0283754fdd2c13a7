//! The two channels of a session: `.in`, client to agent, and `.out`, agent to client.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{Result, Store};
use crate::input::Role;
use crate::limits::PAGE_BYTES;
use crate::time::{self, Millis};

/// How long a part id stays claimed.
const CLAIM_MILLIS: Millis = 5 * 60 * 1000;

/// The headers of a record, in order.
pub(crate) type Headers = Vec<(String, String)>;

/// A record of `.in`.
#[derive(Debug)]
pub(crate) struct InRecord {
    pub(crate) seq: u64,
    pub(crate) part_id: String,
    /// The chunk, as JSON text.
    pub(crate) body: String,
    /// Whether a turn that ran when it came has answered it.
    pub(crate) is_injected: bool,
}

impl InRecord {
    pub(super) const COLUMNS: &str = "seq, part_id, body, role = 'injected' AS is_injected";

    pub(super) fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            part_id: row.get("part_id")?,
            body: row.get("body")?,
            is_injected: row.get("is_injected")?,
        })
    }
}

/// A record of `.out`.
#[derive(Debug)]
pub(crate) struct OutRecord {
    pub(crate) seq: u64,
    pub(crate) timestamp: Millis,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl OutRecord {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            timestamp: row.get("timestamp")?,
            headers: decode_headers(&row.get::<_, String>("headers")?)?,
            body: row.get("body")?,
        })
    }

    /// Its chunk, as JSON text; none in a control record, and in what repeats the record before.
    pub(crate) fn chunk(&self) -> Result<Option<Box<RawValue>>> {
        if self.headers.is_empty() { decode_chunk(self.seq, &self.body) } else { Ok(None) }
    }

    /// Whether it is a control record of this kind.
    pub(crate) fn is_control(&self, kind: &str) -> bool {
        self.headers.iter().any(|(name, value)| name == "trigger-control" && value == kind)
    }
}

/// A chunk on its way to `.out`.
#[derive(Debug)]
pub(crate) struct OutPart {
    /// JSON text.
    pub(crate) chunk: String,
    /// How many records it becomes, all with one part id: one, unless its writer tries again though
    /// the first is written.
    pub(crate) copies: usize,
}

/// Where a channel ends: the next sequence number, and the time of the last record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(crate) seq: u64,
    pub(crate) timestamp: Millis,
}

/// What became of an append.
#[derive(Debug)]
pub(crate) enum Append {
    /// It landed under this sequence number.
    Landed(u64),
    /// Its part id was claimed before.
    Repeated,
    /// The session takes nothing any more.
    Closed(Option<String>),
}

impl Store {
    /// Appends to `.in`, once per part id.
    pub(crate) fn append_in(
        &self,
        session: &str,
        part_id: &str,
        role: Role,
        body: &str,
    ) -> Result<Append> {
        self.transact(|tx| {
            let (closed, reason, seq) = tx.query_row(
                "SELECT closed_at IS NOT NULL, closed_reason, in_tail FROM sessions WHERE id = ?1",
                [session],
                |row| Ok((row.get::<_, bool>(0)?, row.get(1)?, row.get::<_, u64>(2)?)),
            )?;
            if closed {
                return Ok(Append::Closed(reason));
            }
            let now = time::now();
            if !claim(tx, session, part_id, now)? {
                return Ok(Append::Repeated);
            }
            tx.execute(
                "INSERT INTO in_records (session, seq, timestamp, part_id, role, body) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![session, seq, now, part_id, role.as_str(), body],
            )?;
            tx.execute(
                "UPDATE sessions SET in_tail = in_tail + 1, updated_at = ?2 WHERE id = ?1",
                params![session, now],
            )?;
            Ok(Append::Landed(seq))
        })
    }

    /// The next records of `.in` after `after`, or from the start: a page of them.
    pub(crate) fn in_records(&self, session: &str, after: Option<u64>) -> Result<Vec<InRecord>> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT {} FROM in_records \
                 WHERE session = ?1 AND (?2 IS NULL OR seq > ?2) ORDER BY seq",
                InRecord::COLUMNS
            ))?
            .query_map(params![session, after], InRecord::from_row)
            .and_then(|records| page(records, |record| record.body.len()))
        })
    }

    /// Up to `limit` records of `.out` from `from` on, a page of them at most; what was trimmed away is passed over.
    pub(crate) fn out_records(
        &self,
        session: &str,
        from: u64,
        limit: u32,
    ) -> Result<Vec<OutRecord>> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT seq, timestamp, headers, body FROM out_records \
                 WHERE session = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
            )?
            .query_map(params![session, from, limit], OutRecord::from_row)
            .and_then(|records| page(records, |record| record.body.len()))
        })
    }

    /// Where `.out` ends.
    pub(crate) fn out_tail(&self, session: &str) -> Result<Tail> {
        self.read(|db| {
            db.prepare_cached("SELECT out_tail, out_time FROM sessions WHERE id = ?1")?
                .query_row([session], |row| Ok(Tail { seq: row.get(0)?, timestamp: row.get(1)? }))
        })
    }

    /// Whether the newest record of `.out` that is no command is a turn-complete.
    pub(crate) fn is_settled(&self, session: &str) -> Result<bool> {
        self.read(|db| {
            let newest: Option<String> = db
                .prepare_cached(
                    "SELECT headers FROM out_records WHERE session = ?1 \
                     AND headers NOT LIKE '[[\"\",%' ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([session], |row| row.get(0))
                .optional()?;
            let headers = newest.map_or(Ok(Headers::new()), |text| decode_headers(&text))?;
            Ok(headers
                .iter()
                .any(|(name, value)| name == "trigger-control" && value == "turn-complete"))
        })
    }
}

/// As many of these as are read at once: no more than [`PAGE_BYTES`], but one at least.
fn page<T>(
    records: impl Iterator<Item = Result<T>>,
    bytes: impl Fn(&T) -> usize,
) -> Result<Vec<T>> {
    let mut page = Vec::new();
    let mut length = 0;
    for record in records {
        let record = record?;
        length += bytes(&record);
        if length > PAGE_BYTES && !page.is_empty() {
            break;
        }
        page.push(record);
    }
    Ok(page)
}

/// Claims a part id; false when it is taken.
fn claim(tx: &Transaction<'_>, session: &str, part_id: &str, now: Millis) -> Result<bool> {
    tx.execute("DELETE FROM part_claims WHERE claimed_at < ?1", [now - CLAIM_MILLIS])?;
    let claimed = tx.execute(
        "INSERT OR IGNORE INTO part_claims (session, part_id, claimed_at) VALUES (?1, ?2, ?3)",
        params![session, part_id, now],
    )?;
    Ok(claimed == 1)
}

/// Appends to `.out` and returns the record's sequence number.
pub(super) fn append_out(
    tx: &Transaction<'_>,
    session: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<u64> {
    let place = reserve(tx, session, 1)?;
    insert(tx, session, place, headers, body)?;
    Ok(place.seq)
}

/// Appends chunks to `.out`, each as a part of its own.
pub(super) fn append_parts(tx: &Transaction<'_>, session: &str, parts: &[OutPart]) -> Result<()> {
    let mut place = reserve(tx, session, parts.iter().map(|part| part.copies).sum())?;
    for OutPart { chunk, copies } in parts {
        let body = format!(r#"{{"data":{chunk},"id":"{}"}}"#, part_id(place.seq));
        for _ in 0..*copies {
            insert(tx, session, place, &[], body.as_bytes())?;
            place.seq += 1;
        }
    }
    Ok(())
}

/// The chunk in a record that [`append_parts`] wrote; none in what repeats the record before.
pub(super) fn decode_chunk<T: DeserializeOwned>(seq: u64, body: &[u8]) -> Result<Option<T>> {
    #[derive(Deserialize)]
    struct Part<T> {
        data: T,
        id: String,
    }
    let part: Part<T> = serde_json::from_slice(body).map_err(no_json)?;
    Ok((part.id == part_id(seq)).then_some(part.data))
}

/// The id of a part, by the sequence number of its first record.
fn part_id(seq: u64) -> String {
    format!("part-{seq}")
}

/// Takes the next sequence numbers of `.out`; returns the first. Its time never runs backwards.
fn reserve(tx: &Transaction<'_>, session: &str, records: usize) -> Result<Tail> {
    tx.prepare_cached(
        "UPDATE sessions SET out_tail = out_tail + ?2, out_time = max(out_time, ?3), \
         updated_at = ?3 WHERE id = ?1 RETURNING out_tail - ?2, out_time",
    )?
    .query_row(params![session, records, time::now()], |row| {
        Ok(Tail { seq: row.get(0)?, timestamp: row.get(1)? })
    })
}

fn insert(
    tx: &Transaction<'_>,
    session: &str,
    place: Tail,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO out_records (session, seq, timestamp, headers, body) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![session, place.seq, place.timestamp, encode_headers(headers), body])?;
    Ok(())
}

fn encode_headers(headers: &[(String, String)]) -> String {
    serde_json::json!(headers).to_string()
}

fn decode_headers(text: &str) -> Result<Headers> {
    serde_json::from_str(text).map_err(no_json)
}

fn no_json(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}
