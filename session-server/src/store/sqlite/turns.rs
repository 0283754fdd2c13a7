//! How far the agent of a session has come.
//!
//! Every step of an answer is written together with the count of steps written, so a turn that was
//! cut off goes on at its next step: nothing lost, nothing twice. The agent's worker is the only
//! caller that moves these columns; closing a session takes the turn away from under it.

use rusqlite::{OptionalExtension, Result, Transaction, params};
use serde_json::value::RawValue;

use super::SqliteStore;
use super::channels::{append_out, append_parts};
use super::sessions::close;
use crate::store::records::{self, Consumed};
use crate::store::{Answer, Answers, Closing, End, InRecord, OutPart, Position, Turn};

/// How the message of the creation is written in `turn_input` and `answers.question`.
const BOOT: i64 = -1;

impl SqliteStore {
    /// The sessions whose agent has something to do.
    pub(super) fn sessions_with_work(&self) -> Result<Vec<String>> {
        self.read(|db| {
            db.prepare(
                "SELECT id FROM sessions WHERE closed_at IS NULL AND (turn_input IS NOT NULL \
                 OR boot_waits OR EXISTS (SELECT 1 FROM in_records WHERE session = id \
                 AND role IN ('question', 'turn') AND seq >= in_next))",
            )?
            .query_map([], |row| row.get(0))?
            .collect()
        })
    }

    /// The running turn, or else the next one, which then runs.
    pub(super) fn take_turn(&self, session: &str) -> Result<Position> {
        self.transact(|tx| {
            let (closed, boot_waits, in_next, turn_input, step) = tx.query_row(
                "SELECT closed_at IS NOT NULL, boot_waits, in_next, turn_input, turn_step \
                 FROM sessions WHERE id = ?1",
                [session],
                |row| {
                    Ok((
                        row.get::<_, bool>(0)?,
                        row.get::<_, bool>(1)?,
                        row.get::<_, i64>(2)?,
                        row.get::<_, Option<i64>>(3)?,
                        row.get(4)?,
                    ))
                },
            )?;
            if closed {
                return Ok(Position::Closed);
            }
            if let Some(input) = turn_input {
                let input = u64::try_from(input).ok();
                return Ok(Position::Running(Turn { input, step }));
            }
            let next = if boot_waits { Some(BOOT) } else { first_waiting(tx, session, in_next)? };
            let Some(input) = next else {
                return Ok(Position::Idle);
            };
            tx.execute(
                "UPDATE sessions SET turn_input = ?2, turn_step = 0, boot_waits = 0, \
                 in_next = ?2 + 1 WHERE id = ?1",
                params![session, input],
            )?;
            let input = u64::try_from(input).ok();
            Ok(Position::Running(Turn { input, step: 0 }))
        })
    }

    /// The `.in` record under this number.
    pub(super) fn in_record(&self, session: &str, seq: u64) -> Result<Option<InRecord>> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT {} FROM in_records WHERE session = ?1 AND seq = ?2",
                InRecord::COLUMNS
            ))?
            .query_row(params![session, seq], InRecord::from_row)
            .optional()
        })
    }

    /// What came up to `seq`, and is more than a word on how to go on.
    pub(super) fn history(&self, session: &str, seq: u64) -> Result<Vec<InRecord>> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT {} FROM in_records WHERE session = ?1 \
                 AND role IN ('question', 'turn', 'injected') AND seq <= ?2 ORDER BY seq",
                InRecord::COLUMNS
            ))?
            .query_map(params![session, seq], InRecord::from_row)?
            .collect()
        })
    }

    /// The user's messages that wait for the running turn to end.
    pub(super) fn waiting_questions(&self, session: &str) -> Result<Vec<InRecord>> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT {} FROM in_records WHERE session = ?1 AND role = 'question' \
                 AND seq >= (SELECT in_next FROM sessions WHERE id = ?1) ORDER BY seq",
                InRecord::COLUMNS
            ))?
            .query_map([session], InRecord::from_row)?
            .collect()
        })
    }

    /// The answers that were kept, by the question they answer.
    pub(super) fn answers(&self, session: &str) -> Result<Answers> {
        self.read(|db| {
            db.prepare_cached("SELECT question, text FROM answers WHERE session = ?1")?
                .query_map([session], |row| {
                    Ok((u64::try_from(row.get::<_, i64>(0)?).ok(), row.get(1)?))
                })?
                .collect()
        })
    }

    /// Whether the running turn is to end: a stop has come for it, or the session was closed.
    /// A stop is heeded by `complete_turn`.
    pub(super) fn is_stopped(&self, session: &str) -> Result<bool> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM in_records WHERE session = id AND role = 'stop' \
                 AND seq > max(turn_input, stop_seen)) FROM sessions \
                 WHERE id = ?1 AND turn_input IS NOT NULL",
            )?
            .query_row([session], |row| row.get(0))
            .optional()
            .map(|stopped| stopped.unwrap_or(true))
        })
    }

    /// Writes the next steps of the running turn, and with them takes these messages into it.
    pub(super) fn inject(
        &self,
        session: &str,
        parts: &[OutPart],
        messages: &[InRecord],
    ) -> Result<()> {
        self.transact(|tx| {
            if write(tx, session, parts)? {
                for message in messages {
                    tx.execute(
                        "UPDATE in_records SET role = 'injected' WHERE session = ?1 AND seq = ?2",
                        params![session, message.seq],
                    )?;
                }
            }
            Ok(())
        })
    }

    /// What is written of the running turn, chunk by chunk.
    pub(super) fn turn_chunks(&self, session: &str) -> crate::store::Result<Vec<Box<RawValue>>> {
        let written: Vec<(u64, Vec<u8>)> = self.read(|db| {
            db.prepare_cached(
                "SELECT seq, body FROM out_records JOIN sessions ON sessions.id = session \
                 WHERE session = ?1 AND seq > ifnull(out_boundary, -1) AND headers = '[]' \
                 ORDER BY seq",
            )?
            .query_map([session], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
        })?;
        let chunks = written.into_iter().map(|(seq, body)| records::chunk(seq, &body));
        chunks.filter_map(Result::transpose).collect()
    }

    /// Ends the running turn: its last chunks, its turn-complete, and the trim to the one before.
    /// An answer takes the place of an earlier one to the same question.
    pub(super) fn complete_turn(
        &self,
        session: &str,
        parts: &[OutPart],
        token: String,
        end: End,
    ) -> Result<()> {
        self.transact(|tx| {
            let running = tx
                .query_row(
                    "SELECT in_next, out_boundary FROM sessions \
                     WHERE id = ?1 AND turn_input IS NOT NULL",
                    [session],
                    |row| Ok((row.get(0)?, row.get::<_, Option<u64>>(1)?)),
                )
                .optional()?;
            let Some((in_next, previous)) = running else {
                return Ok(());
            };
            if let Some(Answer { question, text }) = end.answer {
                tx.execute(
                    "INSERT OR REPLACE INTO answers (session, question, text) \
                     VALUES (?1, ifnull(?2, ?3), ?4)",
                    params![session, question, BOOT, text],
                )?;
            }
            append_parts(tx, session, parts)?;
            let consumed = Consumed {
                below_waiting: below_waiting(tx, session, in_next)?,
                newest: newest_taken(tx, session, in_next)?,
            };
            let headers = records::turn_complete(token, consumed, end.closing.as_ref());
            let boundary = append_out(tx, session, &headers, &[])?;
            if let Some(previous) = previous {
                trim(tx, session, previous)?;
            }
            tx.execute(
                "UPDATE sessions SET turn_input = NULL, out_boundary = ?2, stop_seen = \
                 max(stop_seen, (SELECT ifnull(max(seq), -1) FROM in_records \
                 WHERE session = id AND role = 'stop')) WHERE id = ?1",
                params![session, boundary],
            )?;
            match end.closing {
                Some(Closing { reason }) => close(tx, session, reason.as_deref()),
                None => Ok(()),
            }
        })
    }
}

/// Writes the next steps of the running turn, if one runs.
pub(super) fn write(tx: &Transaction<'_>, session: &str, parts: &[OutPart]) -> Result<bool> {
    let running = tx.execute(
        "UPDATE sessions SET turn_step = turn_step + ?2 WHERE id = ?1 AND turn_input IS NOT NULL",
        params![session, parts.len()],
    )?;
    if running == 1 {
        append_parts(tx, session, parts)?;
    }
    Ok(running == 1)
}

/// The first record from `from` on that begins a turn.
fn first_waiting(tx: &Transaction<'_>, session: &str, from: i64) -> Result<Option<i64>> {
    tx.query_row(
        "SELECT min(seq) FROM in_records WHERE session = ?1 AND role IN ('question', 'turn') \
         AND seq >= ?2",
        params![session, from],
        |row| row.get(0),
    )
}

/// The newest `.in` record below every one that still waits, if any record has come at all.
fn below_waiting(tx: &Transaction<'_>, session: &str, in_next: i64) -> Result<Option<u64>> {
    let waiting = first_waiting(tx, session, in_next)?;
    let end = match waiting {
        Some(seq) => seq,
        None => {
            tx.query_row("SELECT in_tail FROM sessions WHERE id = ?1", [session], |row| row.get(0))?
        }
    };
    Ok(u64::try_from(end - 1).ok())
}

/// The newest `.in` record that does not wait, also past one that does.
fn newest_taken(tx: &Transaction<'_>, session: &str, in_next: i64) -> Result<Option<u64>> {
    tx.query_row(
        "SELECT max(seq) FROM in_records WHERE session = ?1 \
         AND NOT (role IN ('question', 'turn') AND seq >= ?2)",
        params![session, in_next],
        |row| row.get(0),
    )
}

/// Writes S2's trim command and obeys it: what stands before `seq` is gone.
fn trim(tx: &Transaction<'_>, session: &str, seq: u64) -> Result<()> {
    let command = [(String::new(), "trim".to_owned())];
    append_out(tx, session, &command, &seq.to_be_bytes())?;
    tx.execute("DELETE FROM out_records WHERE session = ?1 AND seq < ?2", params![session, seq])?;
    Ok(())
}
