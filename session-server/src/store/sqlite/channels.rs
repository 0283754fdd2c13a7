//! The two channels of a session: `.in`, client to agent, and `.out`, agent to client.

use rusqlite::{OptionalExtension, Result, Row, Transaction, params};

use super::SqliteStore;
use crate::input::Role;
use crate::limits::PAGE_BYTES;
use crate::store::{Append, Headers, InRecord, OutPart, OutRecord, Tail, records};
use crate::time::{self, Millis};

/// How long a part id stays claimed.
const CLAIM_MILLIS: Millis = 5 * 60 * 1000;

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

impl OutRecord {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            timestamp: row.get("timestamp")?,
            headers: decode_headers(&row.get::<_, String>("headers")?)?,
            body: row.get("body")?,
        })
    }
}

impl SqliteStore {
    /// Appends to `.in`, once per part id.
    pub(super) fn append_in(
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
    pub(super) fn in_records(&self, session: &str, after: Option<u64>) -> Result<Vec<InRecord>> {
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
    pub(super) fn out_records(
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
    pub(super) fn out_tail(&self, session: &str) -> Result<Tail> {
        self.read(|db| {
            db.prepare_cached("SELECT out_tail, out_time FROM sessions WHERE id = ?1")?
                .query_row([session], |row| Ok(Tail { seq: row.get(0)?, timestamp: row.get(1)? }))
        })
    }

    /// Whether the newest record of `.out` that is no command is a turn-complete.
    pub(super) fn is_settled(&self, session: &str) -> Result<bool> {
        self.read(|db| {
            let newest: Option<String> = db
                .prepare_cached(
                    "SELECT headers FROM out_records WHERE session = ?1 \
                     AND headers NOT LIKE '[[\"\",%' ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([session], |row| row.get(0))
                .optional()?;
            let headers = newest.map_or(Ok(Headers::new()), |text| decode_headers(&text))?;
            Ok(records::is_turn_complete(&headers))
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
    for part in parts {
        let body = part.body(place.seq);
        for _ in 0..part.copies {
            insert(tx, session, place, &[], body.as_bytes())?;
            place.seq += 1;
        }
    }
    Ok(())
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
