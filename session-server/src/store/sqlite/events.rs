//! `.out` as an event stream, framed as S2 frames it.

use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::SqliteStore;
use crate::framing::{self, Meter, PING_EVERY};
use crate::store::{Events, Result};
use crate::time;

/// The most records in one batch, as S2 has it.
const BATCH_LIMIT: u32 = 1000;

/// The events from `from` on, for a window or up to the end.
pub(super) fn events(
    store: SqliteStore,
    session: &str,
    from: u64,
    window: Option<Duration>,
) -> Events {
    let reader = Reader {
        records: store.bells.listen(session),
        store,
        session: session.to_owned(),
        next: from,
        meter: Meter::default(),
        caught_up: false,
        ping_at: Instant::now(),
        ends_at: window.map(|window| Instant::now() + window),
    };
    stream::try_unfold(Some(reader), |reader| async {
        let Some(mut reader) = reader else { return Ok(None) };
        let (event, goes_on) = reader.next_event().await?;
        Ok(Some((Bytes::from(event), goes_on.then_some(reader))))
    })
    .boxed()
}

/// One open event stream.
struct Reader {
    store: SqliteStore,
    session: String,
    records: watch::Receiver<()>,
    /// The sequence number to read from.
    next: u64,
    meter: Meter,
    /// Whether the reader has seen the end of the channel once.
    caught_up: bool,
    ping_at: Instant,
    /// When the window is over; none where there is nothing to wait for.
    ends_at: Option<Instant>,
}

impl Reader {
    /// The next event, and whether another follows.
    async fn next_event(&mut self) -> Result<(String, bool)> {
        loop {
            let is_over = self.ends_at.is_some_and(|at| Instant::now() >= at);
            if self.caught_up && is_over {
                return Ok((framing::DONE.to_owned(), false));
            }
            if let Some(event) = self.look()? {
                return Ok((event, true));
            }
            let Some(ends_at) = self.ends_at else {
                return Ok((framing::DONE.to_owned(), false));
            };
            tokio::select! {
                _ = self.records.changed() => {}
                () = sleep_until(self.ping_at.min(ends_at)) => {}
            }
        }
    }

    /// What can be said right now: the records that have come, as one batch, or a ping that is due.
    fn look(&mut self) -> Result<Option<String>> {
        let records = self.store.out_records(&self.session, self.next, BATCH_LIMIT)?;
        if let Some(last) = records.last() {
            self.next = last.seq + 1;
            if self.caught_up {
                self.ping_at = Instant::now() + PING_EVERY;
            }
            return Ok(Some(framing::batch(&records, &mut self.meter)));
        }
        if self.ends_at.is_none() || Instant::now() < self.ping_at {
            return Ok(None);
        }
        self.caught_up = true;
        self.ping_at = Instant::now() + PING_EVERY;
        Ok(Some(framing::ping(time::now(), self.store.out_tail(&self.session)?)))
    }
}
