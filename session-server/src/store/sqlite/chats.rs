//! The demo app's own rows: one per chat in its sidebar.

use rusqlite::{OptionalExtension, Result, params};

use super::SqliteStore;
use crate::store::{Chat, ChatSummary};
use crate::time;

impl SqliteStore {
    /// All chats, the last used first.
    pub(super) fn chats(&self) -> Result<Vec<ChatSummary>> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT id, title, agent, updated_at FROM chats ORDER BY updated_at DESC, rowid DESC",
            )?
            .query_map([], |row| {
                Ok(ChatSummary {
                    id: row.get(0)?,
                    title: row.get(1)?,
                    agent: row.get(2)?,
                    updated_at: row.get(3)?,
                })
            })?
            .collect()
        })
    }

    /// One chat.
    pub(super) fn chat(&self, id: &str) -> Result<Option<Chat>> {
        self.read(|db| {
            db.prepare_cached("SELECT title, agent, messages, session FROM chats WHERE id = ?1")?
                .query_row([id], |row| {
                    Ok(Chat {
                        title: row.get(0)?,
                        agent: row.get(1)?,
                        messages: row.get(2)?,
                        session: row.get(3)?,
                    })
                })
                .optional()
        })
    }

    /// Makes the chat, or changes what is given.
    pub(super) fn put_chat(
        &self,
        id: &str,
        title: Option<&str>,
        agent: Option<&str>,
        default_agent: &str,
    ) -> Result<()> {
        self.transact(|tx| {
            tx.execute(
                "INSERT INTO chats (id, title, agent, updated_at) \
                 VALUES (?1, ?2, ifnull(?3, ?4), ?5) ON CONFLICT (id) DO UPDATE SET \
                 title = ifnull(?2, title), agent = ifnull(?3, agent), updated_at = ?5",
                params![id, title, agent, default_agent, time::now()],
            )?;
            Ok(())
        })
    }

    /// Saves the transcript, and `title` where the chat has none; false when there is no such chat.
    pub(super) fn save_messages(
        &self,
        id: &str,
        messages: &str,
        title: Option<&str>,
    ) -> Result<bool> {
        self.transact(|tx| {
            let saved = tx.execute(
                "UPDATE chats SET messages = ?2, title = ifnull(title, ?3), updated_at = ?4 \
                 WHERE id = ?1",
                params![id, messages, title, time::now()],
            )?;
            Ok(saved == 1)
        })
    }

    /// Saves the transport's state; false when there is no such chat.
    pub(super) fn save_chat_session(&self, id: &str, session: Option<&str>) -> Result<bool> {
        self.transact(|tx| {
            let saved =
                tx.execute("UPDATE chats SET session = ?2 WHERE id = ?1", params![id, session])?;
            Ok(saved == 1)
        })
    }

    /// Forgets the chat; false when there was none.
    pub(super) fn delete_chat(&self, id: &str) -> Result<bool> {
        self.transact(|tx| Ok(tx.execute("DELETE FROM chats WHERE id = ?1", [id])? == 1))
    }
}
