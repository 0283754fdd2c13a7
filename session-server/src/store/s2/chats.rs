//! The demo app's own rows: one per chat in its sidebar.
//!
//! A chat is two streams, `chat/<its name>/…`: the last record of `row` is the row, and `messages`
//! holds transcripts, in pieces that a record has room for; the last whole one counts.

use std::cmp::Reverse;

use futures_util::{StreamExt, TryStreamExt, stream};
use s2_sdk::types::{AppendRecord, ReadFrom};
use serde::{Deserialize, Serialize};

use super::S2Store;
use super::log::{self, Appended, Condition, Stream};
use super::sessions::digest;
use crate::store::{Chat, ChatSummary, Result, fresh_id};
use crate::text;
use crate::time::{self, Millis};

/// The stream that all chats' names begin with.
const CHATS: &str = "chat/";

/// How many rows are read at once.
const AT_ONCE: usize = 16;

/// The longest piece of a transcript in one record.
const PIECE_BYTES: usize = 512 * 1024;

/// A row.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChatRow {
    id: String,
    title: Option<String>,
    agent: String,
    session: Option<String>,
    updated_at: Millis,
    is_deleted: bool,
}

/// A piece of a transcript.
#[derive(Serialize, Deserialize)]
struct Piece {
    /// The same in all pieces of one transcript.
    save: String,
    text: String,
    is_last: bool,
}

impl S2Store {
    fn rows(&self, id: &str) -> Stream {
        self.log.stream(&format!("{CHATS}{}/row", digest(id)))
    }

    fn transcripts(&self, id: &str) -> Stream {
        self.log.stream(&format!("{CHATS}{}/messages", digest(id)))
    }

    pub(super) async fn all_chats(&self) -> Result<Vec<ChatSummary>> {
        let names = self.log.names(CHATS).await?;
        let rows = names.into_iter().filter(|name| name.ends_with("/row"));
        let rows = stream::iter(rows)
            .map(|name| async move { self.log.stream(&name).latest::<ChatRow>().await });
        let rows: Vec<_> = rows.buffer_unordered(AT_ONCE).try_collect().await?;
        let rows = rows.into_iter().filter_map(|(row, _)| row.filter(|row| !row.is_deleted));
        let mut chats: Vec<_> = rows
            .map(|ChatRow { id, title, agent, updated_at, .. }| ChatSummary {
                id,
                title,
                agent,
                updated_at,
            })
            .collect();
        chats.sort_unstable_by_key(|chat| Reverse(chat.updated_at));
        Ok(chats)
    }

    pub(super) async fn find_chat(&self, id: &str) -> Result<Option<Chat>> {
        let Some(row) = self.rows(id).latest::<ChatRow>().await?.0.filter(|row| !row.is_deleted)
        else {
            return Ok(None);
        };
        let messages = self.transcript(id).await?.unwrap_or_else(|| "[]".to_owned());
        Ok(Some(Chat { title: row.title, agent: row.agent, messages, session: row.session }))
    }

    pub(super) async fn set_chat(
        &self,
        id: &str,
        title: Option<&str>,
        agent: Option<&str>,
        default_agent: &str,
    ) -> Result<()> {
        loop {
            let (row, next) = self.rows(id).latest::<ChatRow>().await?;
            let row = row.filter(|row| !row.is_deleted);
            let is_new = row.is_none();
            let mut row = row.unwrap_or_else(|| ChatRow {
                id: id.to_owned(),
                title: None,
                agent: default_agent.to_owned(),
                session: None,
                updated_at: 0,
                is_deleted: false,
            });
            row.title = title.map(str::to_owned).or(row.title);
            row.agent = agent.map_or(row.agent, str::to_owned);
            row.updated_at = time::now();
            if is_new && next > 0 {
                // What a chat of this name said before is no part of this one.
                self.save_transcript(id, "[]").await?;
            }
            if put(&self.rows(id), &row, next).await? {
                return Ok(());
            }
        }
    }

    pub(super) async fn save_chat(
        &self,
        id: &str,
        messages: &str,
        title: Option<&str>,
    ) -> Result<bool> {
        if self.rows(id).latest::<ChatRow>().await?.0.is_none_or(|row| row.is_deleted) {
            return Ok(false);
        }
        self.save_transcript(id, messages).await?;
        self.change_chat(id, |row| {
            row.title = row.title.take().or(title.map(str::to_owned));
            row.updated_at = time::now();
        })
        .await
    }

    pub(super) async fn set_chat_session(&self, id: &str, session: Option<&str>) -> Result<bool> {
        self.change_chat(id, |row| row.session = session.map(str::to_owned)).await
    }

    pub(super) async fn forget_chat(&self, id: &str) -> Result<bool> {
        self.change_chat(id, |row| row.is_deleted = true).await
    }

    /// Changes a row; false where there is none.
    async fn change_chat(&self, id: &str, change: impl Fn(&mut ChatRow) + Send) -> Result<bool> {
        loop {
            let (row, next) = self.rows(id).latest::<ChatRow>().await?;
            let Some(mut row) = row.filter(|row| !row.is_deleted) else { return Ok(false) };
            change(&mut row);
            if put(&self.rows(id), &row, next).await? {
                return Ok(true);
            }
        }
    }

    async fn save_transcript(&self, id: &str, messages: &str) -> Result<()> {
        let transcripts = self.transcripts(id);
        let save = fresh_id("save");
        let mut first = None;
        let mut pieces = text::pieces(messages, PIECE_BYTES).peekable();
        while let Some(text) = pieces.next() {
            let is_last = pieces.peek().is_none();
            let piece = Piece { save: save.clone(), text: text.to_owned(), is_last };
            let record = log::record(&[], serde_json::to_vec(&piece)?)?;
            if let Appended::At(seq) =
                transcripts.append(vec![record], Condition::default()).await?
            {
                first = first.or(Some(seq));
            }
        }
        match first {
            Some(seq) if seq > 0 => transcripts.push(log::trim(seq)).await,
            _ => Ok(()),
        }
    }

    /// The last transcript that was saved to its end.
    async fn transcript(&self, id: &str) -> Result<Option<String>> {
        let mut saves: Vec<(String, String)> = Vec::new();
        let mut whole = None;
        for record in self.transcripts(id).rest(ReadFrom::SeqNum(0)).await? {
            if record.is_command_record() {
                continue;
            }
            let Piece { save, text, is_last } = serde_json::from_slice(&record.body)?;
            let at = saves.iter().position(|(other, _)| *other == save).unwrap_or_else(|| {
                saves.push((save, String::new()));
                saves.len() - 1
            });
            saves[at].1.push_str(&text);
            if is_last {
                whole = Some(saves.swap_remove(at).1);
            }
        }
        Ok(whole)
    }
}

/// Puts a row where the one it was made from is the last, and trims that away; false where it is not.
async fn put(rows: &Stream, row: &ChatRow, at: u64) -> Result<bool> {
    let mut records: Vec<AppendRecord> = Vec::new();
    if at > 0 {
        records.push(log::trim(at));
    }
    records.push(log::record(&[], serde_json::to_vec(row)?)?);
    let condition = Condition { seq: Some(at), ..Condition::default() };
    Ok(matches!(rows.append(records, condition).await?, Appended::At(_)))
}
