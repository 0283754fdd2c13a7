//! What instances tell each other: which agents have something to do.
//!
//! Each record of `work` names a session whose `.in` was just appended to. The instance that did it
//! works it off. To the one that holds the session's turn it is a bell: a stop may have come. All
//! others look whether the work was done once the first has had its time, and do it where it was not.
//! What was looked at is trimmed away.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use s2_sdk::types::SequencedRecord;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::S2Store;
use super::lease::LEASE;
use super::log::{self, Condition};
use crate::store::{News, Result};

/// The stream of all sessions with work.
const WORK: &str = "work";

/// The stream of the secrets that sign session tokens: the last one counts.
const SECRETS: &str = "secrets";

/// How many records that nobody needs are left standing.
const UNTRIMMED: u64 = 1000;

/// How long to wait when a stream cannot be followed.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A record of `work`.
#[derive(Serialize, Deserialize)]
struct Notice {
    session: String,
    /// The instance that works it off.
    by: String,
}

/// The work that is not known to be done, by the last record that tells of it.
#[derive(Debug, Default)]
pub(super) struct Pending {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    sessions: HashMap<String, u64>,
    order: BTreeMap<u64, String>,
    next: u64,
    trimmed: u64,
}

impl Pending {
    fn add(&self, seq: u64, session: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = open.sessions.insert(session.to_owned(), seq) {
            open.order.remove(&earlier);
        }
        open.order.insert(seq, session.to_owned());
        open.next = seq + 1;
    }

    /// Notes that the session's agent has nothing to do.
    fn remove(&self, session: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seq) = open.sessions.remove(session) {
            open.order.remove(&seq);
        }
    }

    /// Where to trim to, if that is worth it.
    fn trim_point(&self) -> Option<u64> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = open.order.keys().next().copied().unwrap_or(open.next);
        let is_far = oldest >= open.trimmed + UNTRIMMED;
        is_far.then(|| {
            open.trimmed = oldest;
            oldest
        })
    }
}

impl S2Store {
    /// Tells this instance at once, and then all others, that the session's agent has something to do.
    pub(super) async fn announce(&self, session: &str) -> Result<()> {
        self.wake(session);
        let notice = Notice { session: session.to_owned(), by: self.instance.clone() };
        self.log.stream(WORK).push(log::record(&[], serde_json::to_vec(&notice)?)?).await
    }

    /// Has this instance look at the session's agent.
    pub(super) fn wake(&self, session: &str) {
        // Nobody listens when the server stops, and then nobody works.
        let _ = self.wakes.send(session.to_owned());
    }

    /// Notes that the session's agent has nothing to do.
    pub(super) fn finished(&self, session: &str) {
        self.leases.forget(session);
        self.pending.remove(session);
    }

    /// What the server is to know, from now on.
    pub(super) fn all_news(&self) -> impl Stream<Item = News> + use<> {
        let (told, news) = mpsc::unbounded_channel();
        let wakes = self.take_wakes();
        tokio::spawn(self.clone().follow_work());
        tokio::spawn(self.clone().follow_secrets(told));
        let secrets = stream::unfold(news, async |mut news| Some((news.recv().await?, news)));
        let wakes = stream::unfold(wakes, async |mut wakes| {
            Some((News::Work(wakes.as_mut()?.recv().await?), wakes))
        });
        stream::select(Box::pin(wakes), Box::pin(secrets))
    }

    /// Hears of work, as long as the server runs.
    async fn follow_work(self) {
        let mut next = 0;
        let mut later = VecDeque::new();
        loop {
            if let Err(error) = self.follow_work_from(&mut next, &mut later).await {
                eprintln!("session-server: cannot hear of work: {error}");
            }
            sleep(AGAIN_AFTER).await;
        }
    }

    /// Hears of work from `next` on; `later` is what is to be looked at, and when.
    async fn follow_work_from(
        &self,
        next: &mut u64,
        later: &mut VecDeque<(Instant, String)>,
    ) -> Result<()> {
        self.log.make(WORK).await?;
        // What stood there before is whoever's: also this instance's, in a life that has ended.
        let start = self.log.stream(WORK).tail().await?.seq;
        let mut records = Box::pin(self.log.stream(WORK).follow(*next).await?);
        loop {
            let due = later.front().map(|(at, _)| *at);
            tokio::select! {
                came = records.next() => {
                    let Some(came) = came else { return Ok(()) };
                    for record in came? {
                        *next = record.seq_num + 1;
                        let Some(Notice { session, by }) = self.hear(&record)? else { continue };
                        if record.seq_num < start {
                            later.push_back((Instant::now(), session));
                        } else if by != self.instance {
                            later.push_back((Instant::now() + LEASE, session));
                        }
                    }
                    self.trim_work().await?;
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let session = later.pop_front();
                    session.iter().for_each(|(_, session)| self.wake(session));
                }
            }
        }
    }

    /// Hears a notice, which rings where this instance holds the session's turn.
    fn hear(&self, record: &SequencedRecord) -> Result<Option<Notice>> {
        if record.is_command_record() {
            return Ok(None);
        }
        let notice: Notice = serde_json::from_slice(&record.body)?;
        self.pending.add(record.seq_num, &notice.session);
        if self.leases.held(&notice.session).is_some() {
            self.wake(&notice.session);
        }
        Ok(Some(notice))
    }

    async fn trim_work(&self) -> Result<()> {
        match self.pending.trim_point() {
            Some(seq) => self.log.stream(WORK).push(log::trim(seq)).await,
            None => Ok(()),
        }
    }

    /// The secret that signs session tokens, which is made where there is none.
    pub(super) async fn secret(&self) -> Result<Vec<u8>> {
        let secrets = self.log.stream(SECRETS);
        loop {
            if let Some(record) = secrets.last().await? {
                return Ok(record.body.to_vec());
            }
            let condition = Condition { seq: Some(0), ..Condition::default() };
            secrets.append(vec![log::record(&[], fresh_secret())?], condition).await?;
        }
    }

    pub(super) async fn renew_secret(&self) -> Result<Vec<u8>> {
        let fresh = fresh_secret();
        self.log.stream(SECRETS).push(log::record(&[], fresh.clone())?).await?;
        Ok(fresh)
    }

    /// Tells of each new secret, as long as the server runs.
    async fn follow_secrets(self, told: mpsc::UnboundedSender<News>) {
        let mut next = 0;
        while !told.is_closed() {
            match self.log.stream(SECRETS).follow(next).await {
                Ok(records) => {
                    let mut records = Box::pin(records);
                    while let Some(Ok(came)) = records.next().await {
                        // Only the last: those before it are not to sign anything any more.
                        if let Some(record) = came.last() {
                            next = record.seq_num + 1;
                            let _ = told.send(News::Secret(record.body.to_vec()));
                        }
                    }
                }
                Err(error) => eprintln!("session-server: cannot hear of secrets: {error}"),
            }
            sleep(AGAIN_AFTER).await;
        }
    }
}

/// A secret of 256 bits, as text that every tool of S2 shows.
fn fresh_secret() -> Vec<u8> {
    let [first, second] = rand::random::<[u128; 2]>();
    format!("{first:032x}{second:032x}").into_bytes()
}
