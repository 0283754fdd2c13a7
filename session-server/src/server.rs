//! Puts the server together: its shared state, its routes, and its life from the first connection to
//! the last.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, Uri};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tower_http::services::{ServeDir, ServeFile};

use crate::agents::{Agents, Model, SetupError, Workers};
use crate::api::{self, ApiError};
use crate::app;
use crate::auth::Keys;
use crate::bells::Bells;
use crate::cli::Options;
use crate::store::{OpenError, Store};

/// How long a browser may remember a preflight's answer.
const PREFLIGHT_SECONDS: u64 = 24 * 60 * 60;

/// How long open connections get to finish once the server is told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// What all handlers and workers share.
pub(crate) struct Server {
    pub(crate) store: Store,
    pub(crate) keys: Keys,
    pub(crate) bells: Bells,
    pub(crate) agents: Agents,
    pub(crate) workers: Workers,
    /// Becomes true when the server stops.
    pub(crate) shutdown: watch::Receiver<bool>,
}

impl Server {
    /// Has the session's agent look for work.
    pub(crate) fn wake_agent(self: &Arc<Self>, session: &str) {
        self.workers.wake(self, session);
    }
}

/// Why the server cannot start or go on, with the cure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(
        "port {0} is in use; stop the program that has it, choose another with --port, or add --any-port"
    )]
    PortBusy(u16),
    #[error("cannot listen on {0}: {1}; choose another address with --host or --port")]
    Bind(SocketAddr, io::Error),
    #[error("cannot use the database {0}: {1}; name another file with --db, or move this one away")]
    Database(PathBuf, OpenError),
    #[error(
        "there is no page in {0}: it has no index.html; build the page first, or name its folder with --page"
    )]
    NoPage(PathBuf),
    #[error("{0}")]
    Model(#[from] SetupError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Runs the server until it is told to stop.
#[tokio::main]
pub(crate) async fn run(options: Options) -> Result<(), RunError> {
    if let Some(page) = &options.page
        && !page.join("index.html").is_file()
    {
        return Err(RunError::NoPage(page.clone()));
    }
    // Not a flag: the command lines of a machine are there for all its users to read.
    let model_key = std::env::var_os("MODEL_API_KEY");
    let model = Model::of(options.model_url.as_deref(), options.model, model_key)?;
    let database_error = |error| RunError::Database(options.db.clone(), error);
    let store = Store::open(&options.db).map_err(database_error)?;
    let secret = store.signing_secret().map_err(|error| database_error(error.into()))?;
    let unfinished = store.sessions_with_work().map_err(|error| database_error(error.into()))?;
    let listener = listen(SocketAddr::new(options.host, options.port), options.any_port).await?;

    let signal = stop_signal()?;
    let (stop, shutdown) = watch::channel(false);
    tokio::spawn(async move {
        signal.await;
        stop.send_replace(true);
    });
    let server = Arc::new(Server {
        store,
        keys: Keys::new(options.secret_key, &secret, options.token_seconds),
        bells: Bells::default(),
        agents: Agents::new(model),
        workers: Workers::default(),
        shutdown: shutdown.clone(),
    });
    for session in unfinished {
        server.wake_agent(&session);
    }
    announce(listener.local_addr()?)?;
    serve(listener, routes(server, options.page.as_deref()), shutdown).await
}

/// Serves until told to stop, then gives what is still open a moment to finish.
async fn serve(
    listener: TcpListener,
    routes: Router,
    shutdown: watch::Receiver<bool>,
) -> Result<(), RunError> {
    let stopped = |mut shutdown: watch::Receiver<bool>| async move {
        // An error means that nobody can stop the server any more: the process is at its end.
        let _ = shutdown.wait_for(|stopped| *stopped).await;
    };
    let serving = axum::serve(listener, routes).with_graceful_shutdown(stopped(shutdown.clone()));
    let out_of_patience = async {
        stopped(shutdown).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = serving => Ok(result?),
        () = out_of_patience => Ok(()),
    }
}

/// All routes.
///
/// Faults on order belong between the routes and the CORS layer, as one more layer: so that what they
/// refuse still carries the headers that let a page read the refusal.
fn routes(server: Arc<Server>, page: Option<&Path>) -> Router {
    let routes = Router::new()
        .merge(api::routes())
        .merge(app::routes())
        .method_not_allowed_fallback(async |method: Method| ApiError::MethodNotAllowed(method));
    let routes = match page {
        None => routes.fallback(no_route),
        Some(page) => ["/api/{*rest}", "/realtime/{*rest}", "/app/{*rest}"]
            .into_iter()
            .fold(routes, |routes, path| routes.route(path, axum::routing::any(no_route)))
            .fallback_service(
                ServeDir::new(page).fallback(ServeFile::new(page.join("index.html"))),
            ),
    };
    routes.with_state(server).layer(cors())
}

async fn no_route(uri: Uri) -> ApiError {
    ApiError::NotFound(format!("there is nothing at {}", uri.path()))
}

/// The service lets any origin call it with any header.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(Any)
        .max_age(Duration::from_secs(PREFLIGHT_SECONDS))
}

async fn listen(address: SocketAddr, any_port: bool) -> Result<TcpListener, RunError> {
    let busy = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
    match TcpListener::bind(address).await {
        Err(error) if busy(&error) && any_port => {
            let free = SocketAddr::new(address.ip(), 0);
            TcpListener::bind(free).await.map_err(|error| RunError::Bind(free, error))
        }
        Err(error) if busy(&error) => Err(RunError::PortBusy(address.port())),
        Err(error) => Err(RunError::Bind(address, error)),
        Ok(listener) => Ok(listener),
    }
}

/// The one line that says where to find the server.
fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening on http://{address}")?;
    out.flush()
}

/// Hears Ctrl-C and SIGTERM from here on; the future is done when one has come.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Hears Ctrl-C; where that cannot be heard, the server just runs on.
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
