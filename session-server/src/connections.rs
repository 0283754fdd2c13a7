//! Serves connections, one task each. An answer may have the connection end with it, or instead of it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutWriter;

use crate::faults::Fate;
use crate::limits::{HEAD_BYTES, Limits};
use crate::server::Server;

/// How long open connections get to finish once the server is told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// How long to wait when no connection can be taken on, as when too many are open.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why the server has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was told to stop, and what was open had a moment to finish.
    Stopped,
    /// It is to start anew, and what is open breaks off.
    Restart,
}

/// What a connection gets, and how many may have it at once.
pub(crate) struct Door {
    routes: Router,
    places: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new(routes: Router, places: usize) -> Self {
        Self { routes, places: Arc::new(Semaphore::new(places)) }
    }

    /// A place, until it is dropped.
    fn enter(&self) -> Option<(Router, OwnedSemaphorePermit)> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some((self.routes.clone(), place))
    }
}

/// Told that the server is ready to start anew, and given what to drop when the answer is sent.
type Ready = oneshot::Sender<oneshot::Sender<Infallible>>;

/// Serves until told to stop or to start anew. Each connection enters by the first door that has a place,
/// and is closed where none has.
pub(crate) async fn serve(listener: TcpListener, doors: &[Door], server: Arc<Server>) -> End {
    let (restarts, mut restart) = mpsc::channel(1);
    let mut shutdown = server.shutdown.clone();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if let Some((routes, place)) = doors.iter().find_map(Door::enter) {
                        let serving = connection(stream, routes, server.clone(), restarts.clone());
                        connections.spawn(async move {
                            serving.await;
                            drop(place);
                        });
                    }
                }
                Err(error) => {
                    eprintln!("session-server: a connection cannot be taken on: {error}");
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                }
            },
            Some(_) = connections.join_next() => {}
            Some(ready) = restart.recv() => {
                // No connection is taken on any more, so that none made from here on is dropped too.
                let (answering, answered) = oneshot::channel();
                let _ = ready.send(answering);
                let _ = answered.await;
                return End::Restart;
            }
            // An error means that nobody can stop the server any more: the process is at its end.
            _ = shutdown.wait_for(|stopped| *stopped) => break,
        }
    }
    drop(listener);
    let all_done = async { while connections.join_next().await.is_some() {} };
    // Whoever is not done by then is cut off.
    let _ = tokio::time::timeout(GRACE, all_done).await;
    End::Stopped
}

/// Serves one connection to its end.
async fn connection(
    stream: TcpStream,
    routes: Router,
    server: Arc<Server>,
    restarts: mpsc::Sender<Ready>,
) {
    let (keeps_alive, mut reuse) = server.faults.reuse();
    let mut shutdown = server.shutdown.clone();
    let restart = OnceLock::new();
    let routes = TowerToHyperService::new(routes);
    let answer = service_fn(|request: hyper::Request<Incoming>| {
        let answer = routes.call(request.map(Body::new));
        async {
            let answer: Response = answer.await.unwrap_or_else(|never| match never {});
            match answer.extensions().get() {
                Some(Fate::HangUp) => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                Some(Fate::Restart) => {
                    let (ready, is_ready) = oneshot::channel();
                    let _ = restarts.send(ready).await;
                    let _ = is_ready.await.map(|answering| restart.set(answering));
                }
                None => {}
            }
            Ok(answer)
        }
    });
    let Limits { patience, .. } = server.limits;
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(patience));
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_buf_size(HEAD_BYTES)
            .max_header_size(HEAD_BYTES)
            .keep_alive(keeps_alive)
            .serve_connection(TokioIo::new(Box::pin(stream)), answer)
    );
    let is_over = tokio::select! {
        _ = serving.as_mut() => true,
        Ok(()) = reuse.changed() => false,
        _ = shutdown.wait_for(|stopped| *stopped) => false,
    };
    if !is_over {
        serving.as_mut().graceful_shutdown();
        // An idle connection is closed by the poll that comes next.
        let next = poll_fn(|context| Poll::Ready(serving.as_mut().poll(context))).await;
        drop(reuse);
        if next.is_pending() {
            // How it ends is the client's affair, or was ordered.
            let _ = serving.await;
        }
    }
}
