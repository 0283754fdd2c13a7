//! Runs the agents: one worker per session that has had something to do, taking its turns in order.
//!
//! A worker keeps nothing in memory that matters. It takes a turn from the store, writes the answer
//! step by step, and completes it; killed at any point, its successor goes on at the next step. The
//! turns of agents that have no script are in `live`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::chunk::Chunk;
use super::roster::{Agent, Agents};
use super::{Ask, Script};
use crate::api::sessions::base_payload;
use crate::input::{Input, Message, Payload, Trigger};
use crate::server::Server;
use crate::store::{self, Answer, OutPart, Position, Session, Turn};

/// The most that is written at once when there is no pause between the steps.
pub(super) const BURST: usize = 256;

/// How long a worker waits when the database fails it.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The running workers, by session.
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

    fn forget(&self, session: &str) {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        wakers.remove(session);
    }
}

pub(super) struct Worker {
    pub(super) server: Arc<Server>,
    pub(super) session: String,
    pub(super) wake: watch::Receiver<()>,
}

impl Worker {
    /// Works until the session is closed.
    async fn run(mut self) {
        loop {
            match self.work().await {
                Ok(()) => return self.server.workers.forget(&self.session),
                Err(error) => eprintln!("session-server: an agent cannot go on yet: {error}"),
            }
            sleep(RETRY_AFTER).await;
        }
    }

    async fn work(&mut self) -> store::Result<()> {
        loop {
            match self.server.store.take_turn(&self.session)? {
                Position::Closed => return Ok(()),
                Position::Running(turn) => self.perform(turn).await?,
                Position::Idle => {
                    if self.wake.changed().await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Writes what is left of the turn's answer, and completes it.
    async fn perform(&mut self, turn: Turn) -> store::Result<()> {
        let server = Arc::clone(&self.server);
        let Some(session) = server.store.session(&self.session)? else {
            return Ok(());
        };
        let Some(ask) = self.ask(&session, turn)? else {
            return self.complete(&session, &[], None);
        };
        match server.agents.named(&session.task_identifier) {
            Some(Agent::Scripted(agent)) => {
                let script = agent.answer(&ask).unwrap_or_else(Script::failing);
                self.recite(&session, turn, &script.of_message(message_id(&session, turn))).await
            }
            Some(Agent::Model(model)) => self.converse(&session, turn, model).await,
            None => self.fail(&session, turn, Agents::missing(&session.task_identifier)).await,
        }
    }

    /// Writes a script from the turn's step on, and completes the turn.
    async fn recite(
        &mut self,
        session: &Session,
        turn: Turn,
        script: &Script,
    ) -> store::Result<()> {
        let mut written = turn.step;
        while let Some(step) = script.steps.get(written) {
            if self.is_stopped_within(step.pause).await? {
                return self.complete(session, &script.cut_short(written), None);
            }
            let burst = script.steps[written..]
                .iter()
                .enumerate()
                .take_while(|(n, step)| *n == 0 || (*n < BURST && step.pause.is_zero()))
                .map(|(_, step)| &step.chunk)
                .collect::<Vec<_>>();
            let parts = self.parts(burst.iter().copied())?;
            if !self.server.store.write_steps(&self.session, &parts)? {
                return Ok(());
            }
            written += burst.len();
            self.server.bells.ring(&self.session);
        }
        self.complete(session, &[], None)
    }

    /// Waits, unless a stop for the running turn comes first; true when one has.
    async fn is_stopped_within(&mut self, pause: Duration) -> store::Result<bool> {
        let end = Instant::now() + pause;
        loop {
            if self.server.store.is_stopped(&self.session)? {
                return Ok(true);
            }
            tokio::select! {
                () = sleep_until(end) => return Ok(false),
                Ok(()) = self.wake.changed() => {}
            }
        }
    }

    /// Ends the turn with these chunks, and keeps what was answered for later turns.
    pub(super) fn complete(
        &self,
        session: &Session,
        last: &[Chunk],
        answer: Option<Answer<'_>>,
    ) -> store::Result<()> {
        let token = self.server.keys.mint(&session.external_id);
        let token = token.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let last = self.parts(last)?;
        self.server.store.complete_turn(&self.session, &last, token, answer)?;
        self.server.bells.ring(&self.session);
        Ok(())
    }

    /// These chunks as they go to `.out`.
    pub(super) fn parts<'a>(
        &self,
        chunks: impl IntoIterator<Item = &'a Chunk>,
    ) -> store::Result<Vec<OutPart>> {
        let Server { faults, store, .. } = &*self.server;
        let session = if faults.stand() { store.session(&self.session)? } else { None };
        let copies = || session.as_ref().map_or(1, |session| faults.copies(&session.external_id));
        let part = |chunk: &Chunk| OutPart { chunk: chunk.to_json(), copies: copies() };
        Ok(chunks.into_iter().map(part).collect())
    }

    /// What the turn asks the agent; none where it wants no words, as an edit or a head start does.
    fn ask(&self, session: &Session, turn: Turn) -> store::Result<Option<Ask>> {
        let boot = boot(session);
        let Some(seq) = turn.input else {
            return Ok(boot.map(|payload| ask(payload.message.as_ref(), &payload)));
        };
        let Some(record) = self.server.store.in_record(&self.session, seq)? else {
            return Ok(None);
        };
        let Ok(Input::Message(payload)) = Input::parse(&record.body) else {
            return Ok(None);
        };
        if payload.trigger == Trigger::Action {
            return Ok(None);
        }
        let question = self.server.store.question(&self.session, seq)?;
        let asked = question.as_ref().map(|record| Input::parse(&record.body));
        let message = match asked {
            Some(Ok(Input::Message(asked))) => asked.message,
            _ => boot.and_then(|boot| boot.message),
        };
        Ok(Some(ask(message.as_ref(), &payload)))
    }
}

/// The payload that the session was made with.
pub(super) fn boot(session: &Session) -> Option<Payload<'_>> {
    let json = base_payload(&session.trigger_config).ok()?;
    Payload::parse(json.get()).ok()
}

/// The id of the message that answers the turn, the same at every call.
pub(super) fn message_id(session: &Session, turn: Turn) -> String {
    let number = turn.input.map_or("first".to_owned(), |seq| seq.to_string());
    format!("{}_{number}", session.id.replacen("session", "msg", 1))
}

fn ask(message: Option<&Message>, payload: &Payload<'_>) -> Ask {
    Ask {
        text: message.map(Message::text).unwrap_or_default(),
        metadata: payload
            .metadata
            .and_then(|json| serde_json::from_str(json.get()).ok())
            .unwrap_or(Value::Null),
    }
}
