//! Bodies of event streams that do not end as they should.

use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, BodyDataStream, Bytes};
use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::framing::{self, PING_EVERY};
use crate::server::Server;
use crate::time;

/// The time between the last bytes and a cut. Without any the bytes would not even be sent, and a
/// browser that learns of both at once keeps the bytes from the page.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How a body ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It breaks off.
    Cut,
    /// It ends as if all were said.
    End,
    /// Nothing more comes, or nothing but pings, until the client goes.
    Stall { pings: bool },
    /// The event that was begun is the last before an `error` event.
    Error,
}

/// A body that goes on as it is for some bytes, and then no more. One that ends before is left alone.
pub(super) struct Bent {
    body: BodyDataStream,
    /// How many bytes may still pass.
    left: usize,
    ending: Ending,
    server: Arc<Server>,
    session: String,
    shutdown: watch::Receiver<bool>,
}

/// What comes next, and whether more does.
type Next = Option<(Result<Bytes, BoxError>, bool)>;

impl Bent {
    pub(super) fn new(
        body: Body,
        server: Arc<Server>,
        session: String,
        left: usize,
        ending: Ending,
    ) -> Self {
        let shutdown = server.shutdown.clone();
        Self { body: body.into_data_stream(), left, ending, server, session, shutdown }
    }

    pub(super) fn into_body(self) -> Body {
        Body::from_stream(stream::unfold(Some(self), |bent| async {
            let mut bent = bent?;
            let (item, goes_on) = bent.next().await?;
            Some((item, goes_on.then_some(bent)))
        }))
    }

    async fn next(&mut self) -> Next {
        if self.left == 0 {
            return self.end().await;
        }
        let mut event = match self.body.next().await? {
            Ok(event) => event,
            Err(error) => return Some((Err(error.into()), false)),
        };
        let end = match self.ending {
            Ending::Error => end_of_event(&event, self.left),
            _ => Some(self.left).filter(|left| *left <= event.len()),
        };
        match end {
            Some(end) => {
                event.truncate(end);
                self.left = 0;
            }
            // An event that was begun is let through to its end.
            None => self.left = self.left.saturating_sub(event.len()).max(1),
        }
        Some((Ok(event), true))
    }

    async fn end(&mut self) -> Next {
        match self.ending {
            Ending::Cut => {
                sleep(LAST_WORDS).await;
                Some((Err("cut on order".into()), false))
            }
            Ending::End => None,
            Ending::Error => Some((Ok(framing::error("an error on order").into()), false)),
            Ending::Stall { pings } => {
                let is_over = tokio::select! {
                    () = sleep(PING_EVERY), if pings => false,
                    _ = self.shutdown.wait_for(|stopped| *stopped) => true,
                };
                if is_over { None } else { Some((ping(&self.server, &self.session).await, true)) }
            }
        }
    }
}

/// Where the event ends in which the byte before `at` stands.
fn end_of_event(text: &[u8], at: usize) -> Option<usize> {
    let from = at.saturating_sub(2);
    let end = text.get(from..)?.windows(2).position(|pair| pair == b"\n\n")?;
    Some(from + end + 2)
}

async fn ping(server: &Server, session: &str) -> Result<Bytes, BoxError> {
    let tail = server.store.out_tail(session).await?;
    Ok(framing::ping(time::now(), tail).into())
}
