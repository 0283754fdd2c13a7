//! Runs the agents: one worker per session that has something to do, taking its turns in order.
//!
//! A worker keeps nothing in memory that matters. It takes a turn from the store, writes the answer
//! step by step, and completes it; killed at any point, its successor goes on at the next step. The
//! turns of agents that have no script are in `live`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::chunk::Chunk;
use super::roster::{Agent, Agents};
use super::wish::Wish;
use super::{Script, actions};
use crate::api::sessions::base_payload;
use crate::input::Payload;
use crate::server::Server;
use crate::store::{End, OutPart, Position, Session, Turn};

/// The most that is written at once when there is no pause between the steps.
pub(super) const BURST: usize = 256;

/// Why a worker cannot go on yet.
pub(super) type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// What a worker's step answers.
pub(super) type Result<T> = std::result::Result<T, Trouble>;

/// How long a worker waits when the store fails it.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The running workers, by session: those whose agent has something to do.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    wakers: Mutex<HashMap<String, watch::Sender<()>>>,
}

impl Workers {
    /// Has the session's worker look for work, starting one if need be.
    pub(crate) fn wake(&self, server: &Arc<Server>, session: &str) {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        let awake = wakers.get(session).is_some_and(|waker| waker.send(()).is_ok());
        if !awake {
            let (waker, wake) = watch::channel(());
            wakers.insert(session.to_owned(), waker);
            let worker = Worker { server: Arc::clone(server), session: session.to_owned(), wake };
            tokio::spawn(worker.run());
        }
    }

    /// Lets a worker go that has nothing to do; false when it was woken meanwhile.
    fn dismiss(&self, worker: &Worker) -> bool {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = !worker.wake.has_changed().unwrap_or(false);
        if is_idle {
            wakers.remove(&worker.session);
        }
        is_idle
    }
}

pub(super) struct Worker {
    pub(super) server: Arc<Server>,
    pub(super) session: String,
    pub(super) wake: watch::Receiver<()>,
}

impl Worker {
    /// Works until there is nothing to do.
    async fn run(mut self) {
        loop {
            self.wake.mark_unchanged();
            match self.work().await {
                Ok(()) if self.server.workers.dismiss(&self) => return,
                Ok(()) => {}
                Err(error) => {
                    eprintln!("session-server: an agent cannot go on yet: {error}");
                    sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    async fn work(&mut self) -> Result<()> {
        loop {
            match self.server.store.take_turn(&self.session).await? {
                Position::Closed | Position::Idle => return Ok(()),
                Position::Running(turn) => self.perform(turn).await?,
            }
        }
    }

    /// Writes what is left of the turn's answer, and completes it.
    async fn perform(&mut self, turn: Turn) -> Result<()> {
        // What has come before may be a stop for this turn.
        self.wake.mark_changed();
        let server = Arc::clone(&self.server);
        let Some(session) = server.store.session(&self.session).await? else {
            return Ok(());
        };
        let (ask, agent) = match self.wish(&session, turn).await? {
            Wish::Nothing => return self.complete(&session, &[], End::default()).await,
            Wish::Act { action, history, ask } => {
                let script = action.and_then(|act| actions::answer(act, history, ask.start()));
                let script = script.unwrap_or_else(Script::failing);
                return self.recite(&session, turn, script).await;
            }
            Wish::Answer(ask) => (ask, server.agents.named(&session.task_identifier)),
        };
        match agent {
            Some(Agent::Scripted(agent)) => {
                let script = agent.answer(&ask).unwrap_or_else(Script::failing);
                self.recite(&session, turn, script.begun_by(ask.start())).await
            }
            Some(Agent::Model(model)) => self.converse(&session, turn, &ask, model).await,
            None => {
                let error = Agents::missing(&session.task_identifier);
                self.fail(&session, turn, &ask, error).await
            }
        }
    }

    /// Writes a script from the turn's step on, and completes the turn.
    async fn recite(&mut self, session: &Session, turn: Turn, mut script: Script) -> Result<()> {
        let mut written = turn.step;
        self.recall_injections(&mut script).await?;
        loop {
            written += self.take_in_what_waits(&mut script, written).await?;
            let Some(step) = script.steps.get(written) else {
                let end = End { closing: script.closing, ..End::default() };
                return self.complete(session, &[], end).await;
            };
            if self.is_stopped_within(step.pause).await? {
                return self.complete(session, &script.cut_short(written), End::default()).await;
            }
            let parts = self.parts(script.burst(written, BURST)).await?;
            if !self.server.store.write_steps(&self.session, &parts).await? {
                return Ok(());
            }
            written += parts.len();
        }
    }

    /// Waits, unless a stop for the running turn comes first; true when one has. The store is asked
    /// where the worker was woken, and that it is for each record that comes.
    async fn is_stopped_within(&mut self, pause: Duration) -> Result<bool> {
        let end = Instant::now() + pause;
        let mut is_woken = self.wake.has_changed()?;
        loop {
            if is_woken {
                self.wake.mark_unchanged();
                if self.server.store.is_stopped(&self.session).await? {
                    return Ok(true);
                }
            }
            tokio::select! {
                () = sleep_until(end) => return Ok(false),
                Ok(()) = self.wake.changed() => is_woken = true,
            }
        }
    }

    /// Ends the turn with these chunks.
    pub(super) async fn complete(&self, session: &Session, last: &[Chunk], end: End) -> Result<()> {
        let token = self.server.keys.mint(&session.external_id)?;
        let last = self.parts(last).await?;
        Ok(self.server.store.complete_turn(&self.session, &last, token, end).await?)
    }

    /// What is written of the running turn.
    pub(super) async fn written(&self) -> Result<Vec<Chunk>> {
        let written = self.server.store.turn_chunks(&self.session).await?;
        let chunks = written.iter().map(|json| serde_json::from_str(json.get()));
        Ok(chunks.collect::<std::result::Result<_, _>>()?)
    }

    /// These chunks as they go to `.out`.
    pub(super) async fn parts<'a>(
        &self,
        chunks: impl IntoIterator<Item = &'a Chunk>,
    ) -> Result<Vec<OutPart>> {
        let Server { faults, store, .. } = &*self.server;
        let session = if faults.stand() { store.session(&self.session).await? } else { None };
        let copies = || session.as_ref().map_or(1, |session| faults.copies(&session.external_id));
        let part = |chunk: &Chunk| OutPart { chunk: chunk.to_json(), copies: copies() };
        Ok(chunks.into_iter().map(part).collect())
    }
}

/// The payload that the session was made with.
pub(super) fn boot(session: &Session) -> Option<Payload<'_>> {
    let json = base_payload(&session.trigger_config).ok()?;
    Payload::parse(json.get()).ok()
}

/// The id of the message that answers this `.in` record, or the message given at creation.
pub(crate) fn message_id(session: &Session, input: Option<u64>) -> String {
    let number = input.map_or("first".to_owned(), |seq| seq.to_string());
    format!("{}_{number}", session.id.replacen("session", "msg", 1))
}
