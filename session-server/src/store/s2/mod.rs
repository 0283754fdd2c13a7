//! The store of many instances: the streams of a log, S2, which is what the service itself stands on.
//!
//! An instance holds nothing that cannot be lost. A session is five streams, `session/<its id>/…`:
//! `made` tells what it was made with, `in` and `out` are its channels as the service writes them,
//! `answers` is what a model is to remember, and the last record of `state` says how far its agent has
//! come. What must be decided once, among all instances, is an append that says where it is to stand:
//! of two that say the same, S2 takes one.
//!
//! `.out` has one writer at a time: the instance that `state` names for the running turn. It shows by
//! new records of `state` that it lives; where those fail to come, another takes the turn over, and has
//! S2 fence `.out` against the one before.

mod channels;
mod chats;
mod endpoint;
mod lease;
mod log;
mod relay;
mod sessions;
mod state;
mod turns;
mod work;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use quick_cache::sync::Cache;
use serde_json::value::RawValue;
use tokio::sync::{self, mpsc};

use self::channels::{Recent, out_name};
use self::lease::Leases;
use self::log::Log;
use self::relay::Relay;
use self::sessions::Made;
use self::work::Pending;
use super::{
    Answers, Append, Chat, ChatSummary, End, Events, InRecord, NewSession, News, OutPart, Position,
    Result, Session, Store, Tail,
};
use crate::input::Role;

pub(crate) use endpoint::{Endpoint, EndpointError};

/// How many sessions are remembered for their next call.
const REMEMBERED: usize = 4096;

/// The log, and what an instance knows of it.
#[derive(Clone)]
pub(crate) struct S2Store(Arc<Instance>);

/// An instance. All of it but its name and its connections is read anew when it is lost.
pub(crate) struct Instance {
    /// The instance's name, which no other has.
    instance: String,
    log: Log,
    relay: Relay,
    made: Cache<String, Arc<Made>>,
    recent: Cache<String, Arc<sync::Mutex<Recent>>>,
    leases: Leases,
    pending: Pending,
    /// Sessions whose agent is to be looked at.
    wakes: mpsc::UnboundedSender<String>,
    woken: Mutex<Option<mpsc::UnboundedReceiver<String>>>,
}

impl std::ops::Deref for S2Store {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.0
    }
}

impl S2Store {
    /// Opens the log for an instance of this name.
    pub(crate) async fn open(endpoint: &Endpoint, instance: &str) -> Result<Self> {
        let (wakes, woken) = mpsc::unbounded_channel();
        Ok(Self(Arc::new(Instance {
            instance: instance.to_owned(),
            log: Log::open(endpoint).await?,
            relay: Relay::new(endpoint)?,
            made: Cache::new(REMEMBERED),
            recent: Cache::new(REMEMBERED),
            leases: Leases::default(),
            pending: Pending::default(),
            wakes,
            woken: Mutex::new(Some(woken)),
        })))
    }

    /// What receives the sessions to look at; only the first caller gets it.
    fn take_wakes(&self) -> Option<mpsc::UnboundedReceiver<String>> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl Store for S2Store {
    async fn signing_secret(&self) -> Result<Vec<u8>> {
        self.secret().await
    }

    async fn renew_signing_secret(&self) -> Result<Vec<u8>> {
        self.renew_secret().await
    }

    async fn news(&self) -> Result<BoxStream<'static, News>> {
        Ok(self.all_news().boxed())
    }

    async fn session(&self, name: &str) -> Result<Option<Session>> {
        self.find(name).await
    }

    async fn create_session(&self, new: &NewSession) -> Result<bool> {
        self.create(new).await
    }

    async fn close_session(&self, id: &str, reason: Option<&str>) -> Result<()> {
        self.close(id, reason).await
    }

    async fn append_in(
        &self,
        session: &str,
        part_id: &str,
        role: Role,
        body: &str,
    ) -> Result<Append> {
        self.append(session, part_id, role, body).await
    }

    async fn in_records(&self, session: &str, after: Option<u64>) -> Result<Vec<InRecord>> {
        self.in_page(session, after).await
    }

    async fn subscribe(
        &self,
        session: &str,
        from: u64,
        window: Option<Duration>,
    ) -> Result<Events> {
        self.relay.events(&out_name(session), from, window).await
    }

    async fn out_tail(&self, session: &str) -> Result<Tail> {
        self.out(session).tail().await
    }

    async fn is_settled(&self, session: &str) -> Result<bool> {
        self.out_is_settled(session).await
    }

    async fn take_turn(&self, session: &str) -> Result<Position> {
        self.take(session).await
    }

    async fn in_record(&self, session: &str, seq: u64) -> Result<Option<InRecord>> {
        self.in_at(session, seq).await
    }

    async fn history(&self, session: &str, seq: u64) -> Result<Vec<InRecord>> {
        self.past(session, seq).await
    }

    async fn waiting_questions(&self, session: &str) -> Result<Vec<InRecord>> {
        self.waiting(session).await
    }

    async fn answers(&self, session: &str) -> Result<Answers> {
        self.all_kept(session).await
    }

    async fn is_stopped(&self, session: &str) -> Result<bool> {
        self.has_stop(session).await
    }

    async fn write_steps(&self, session: &str, parts: &[OutPart]) -> Result<bool> {
        self.write(session, parts).await
    }

    async fn inject(&self, session: &str, parts: &[OutPart], messages: &[InRecord]) -> Result<()> {
        self.take_in(session, parts, messages).await
    }

    async fn turn_chunks(&self, session: &str) -> Result<Vec<Box<RawValue>>> {
        self.written_chunks(session).await
    }

    async fn complete_turn(
        &self,
        session: &str,
        parts: &[OutPart],
        token: String,
        end: End,
    ) -> Result<()> {
        self.complete(session, parts, token, end).await
    }

    async fn chats(&self) -> Result<Vec<ChatSummary>> {
        self.all_chats().await
    }

    async fn chat(&self, id: &str) -> Result<Option<Chat>> {
        self.find_chat(id).await
    }

    async fn put_chat(
        &self,
        id: &str,
        title: Option<&str>,
        agent: Option<&str>,
        default_agent: &str,
    ) -> Result<()> {
        self.set_chat(id, title, agent, default_agent).await
    }

    async fn save_messages(&self, id: &str, messages: &str, title: Option<&str>) -> Result<bool> {
        self.save_chat(id, messages, title).await
    }

    async fn save_chat_session(&self, id: &str, session: Option<&str>) -> Result<bool> {
        self.set_chat_session(id, session).await
    }

    async fn delete_chat(&self, id: &str) -> Result<bool> {
        self.forget_chat(id).await
    }
}
