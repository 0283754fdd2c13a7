//! Puts the server together: its shared state, its routes, and its life from the first connection to
//! the last.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::RETRY_AFTER;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Any, CorsLayer};
use tower_http::services::{ServeDir, ServeFile};
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::agents::{Agents, Model, SetupError, Workers};
use crate::api::{self, ApiError, read_body};
use crate::app;
use crate::auth::Keys;
use crate::cli::Options;
use crate::connections::{self, Door, End};
use crate::faults::{self, Desk};
use crate::limits::{self, FilesError, Limits};
use crate::proxy;
use crate::store::{
    self, AnyStore, Endpoint, EndpointError, News, OpenError, S2Store, SqliteStore,
};

/// How long a browser may remember a preflight's answer.
const PREFLIGHT_SECONDS: u64 = 24 * 60 * 60;

/// How long to wait before a log that does not answer is asked again.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is refused where there is nothing, instead of being a place in the page.
const BELOW_NO_PAGE: [&str; 5] =
    ["/api/{*rest}", "/realtime/{*rest}", "/app/{*rest}", "/admin/{*rest}", "/proxy/{*rest}"];

/// What all handlers and workers share.
pub(crate) struct Server {
    pub(crate) store: AnyStore,
    pub(crate) keys: Keys,
    pub(crate) agents: Agents,
    pub(crate) workers: Workers,
    pub(crate) faults: Arc<Desk>,
    pub(crate) limits: Limits,
    /// Becomes true when the server stops.
    pub(crate) shutdown: watch::Receiver<bool>,
}

impl Server {
    /// Is done when the server stops.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + use<> {
        let mut shutdown = self.shutdown.clone();
        async move { drop(shutdown.wait_for(|stopped| *stopped).await) }
    }

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
    Log(#[from] EndpointError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("{0}")]
    Files(#[from] FilesError),
    #[error("{0}")]
    Model(#[from] SetupError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Runs the server until it is told to stop.
///
/// Each life of the server is a runtime of its own. A restart on order ends it, with all tasks at once,
/// and begins another; the port, the database and the faults that stand outlive it.
pub(crate) fn run(options: Options) -> Result<(), RunError> {
    if let Some(page) = &options.page
        && !page.join("index.html").is_file()
    {
        return Err(RunError::NoPage(page.clone()));
    }
    let limits = Limits {
        connections: options.connections,
        patience: Duration::from_secs(options.patience_seconds),
    };
    // Over S2 a stream is two: the client's, and the one that it is read from.
    let files = if options.s2.is_some() { 2 } else { 1 };
    limits::open_files_for(limits.connections, files)?;
    let place = Place::of(&options)?;
    let faults = Arc::new(Desk::default());

    let outer = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let address = SocketAddr::new(options.host, options.port);
    let (listener, shutdown) = outer.block_on(async {
        let listener = listen(address, options.any_port).await?.into_std()?;
        let signal = stop_signal()?;
        let (stop, shutdown) = watch::channel(false);
        tokio::spawn(async move {
            signal.await;
            stop.send_replace(true);
        });
        Ok::<_, RunError>((listener, shutdown))
    })?;
    let mut is_announced = false;
    loop {
        let begin = async {
            let mut stopped = shutdown.clone();
            let (store, secret) = tokio::select! {
                opened = place.open() => opened?,
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(End::Stopped),
            };
            let server = Arc::new(Server {
                store,
                keys: Keys::new(options.secret_key.clone(), &secret, options.token_seconds),
                agents: agents(&options)?,
                workers: Workers::default(),
                faults: Arc::clone(&faults),
                limits,
                shutdown: shutdown.clone(),
            });
            if !std::mem::replace(&mut is_announced, true) {
                announce(listener.local_addr()?)?;
            }
            live(server, listener.try_clone()?, options.page.as_deref()).await
        };
        if Runtime::new()?.block_on(begin)? == End::Stopped {
            return Ok(());
        }
    }
}

/// One life of the server.
async fn live(
    server: Arc<Server>,
    listener: std::net::TcpListener,
    page: Option<&Path>,
) -> Result<End, RunError> {
    tokio::spawn(heed(Arc::clone(&server), server.store.news().await?));
    let limits = server.limits;
    let doors = [
        Door::new(routes(Arc::clone(&server), page), limits.connections),
        Door::new(refusals(limits), limits::REFUSALS),
    ];
    Ok(connections::serve(TcpListener::from_std(listener)?, &doors, server).await)
}

/// Does what the store's news ask for.
async fn heed(server: Arc<Server>, mut news: BoxStream<'static, News>) {
    while let Some(news) = news.next().await {
        match news {
            News::Work(session) => server.wake_agent(&session),
            News::Secret(secret) => server.keys.sign_with(&secret),
        }
    }
}

/// Where a server keeps what outlives it.
enum Place {
    File(Arc<SqliteStore>),
    Log { endpoint: Box<Endpoint>, instance: String },
}

impl Place {
    fn of(options: &Options) -> Result<Self, RunError> {
        let Some(address) = &options.s2 else {
            let store = SqliteStore::open(&options.db)
                .map_err(|error| RunError::Database(options.db.clone(), error))?;
            return Ok(Self::File(Arc::new(store)));
        };
        // Not a flag: the command lines of a machine are there for all its users to read.
        let key = std::env::var("S2_ACCESS_TOKEN").ok();
        let endpoint = Box::new(Endpoint::of(address, &options.s2_basin, key)?);
        Ok(Self::Log { endpoint, instance: store::fresh_id("instance") })
    }

    /// The store for one life of the server, and the secret that it keeps. A log that does not answer is
    /// asked again until it does.
    async fn open(&self) -> Result<(AnyStore, Vec<u8>), RunError> {
        loop {
            match self.try_open().await {
                Err(error @ store::Error::Away(_)) => {
                    eprintln!("session-server: {error}; trying again");
                    tokio::time::sleep(OPEN_AGAIN_AFTER).await;
                }
                opened => return Ok(opened?),
            }
        }
    }

    async fn try_open(&self) -> store::Result<(AnyStore, Vec<u8>)> {
        let store: AnyStore = match self {
            Self::File(store) => Arc::clone(store) as AnyStore,
            Self::Log { endpoint, instance } => Arc::new(S2Store::open(endpoint, instance).await?),
        };
        let secret = store.signing_secret().await?;
        Ok((store, secret))
    }
}

/// The agents, made anew for each life: a model's connections belong to the life that opened them.
fn agents(options: &Options) -> Result<Agents, SetupError> {
    // Not a flag: the command lines of a machine are there for all its users to read.
    let model_key = std::env::var_os("MODEL_API_KEY");
    let model = Model::of(options.model_url.as_deref(), options.model.clone(), model_key)?;
    Ok(Agents::new(model))
}

/// All routes.
///
/// Faults on order stand between the routes and the CORS layer: so that what they refuse still carries
/// the headers that let a page read the refusal.
fn routes(server: Arc<Server>, page: Option<&Path>) -> Router {
    let routes = Router::new()
        .merge(api::routes())
        .merge(app::routes())
        .merge(faults::routes())
        .method_not_allowed_fallback(async |method: Method| ApiError::MethodNotAllowed(method));
    let routes = match page {
        None => routes.fallback(no_route),
        Some(page) => BELOW_NO_PAGE
            .into_iter()
            .fold(routes, |routes, path| routes.route(path, axum::routing::any(no_route)))
            .fallback_service(
                ServeDir::new(page).fallback(ServeFile::new(page.join("index.html"))),
            ),
    };
    let patience = RequestBodyTimeoutLayer::new(server.limits.patience);
    let faults = from_fn_with_state(Arc::clone(&server), faults::meet);
    let by_cookie = proxy::routes(&server).layer(faults.clone()).layer(cors_with_cookies());
    routes.layer(faults).layer(cors()).merge(by_cookie).layer(patience).with_state(server)
}

/// What is told on a connection that is one too many. The request is read to its end first: a client that
/// is answered while it sends sees a network failure instead.
fn refusals(Limits { connections, patience }: Limits) -> Router {
    let refuse = async move |body: Body| {
        let _ = read_body(body, 0).await;
        ApiError::Full(connections)
    };
    Router::new().fallback(refuse).layer(cors()).layer(RequestBodyTimeoutLayer::new(patience))
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

/// The proxy lets a page of another port send its cookie, and hides the headers that an `EventSource`
/// does not show either. A cookie that is `SameSite` comes from no other site.
fn cors_with_cookies() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .allow_credentials(true)
        .expose_headers([RETRY_AFTER])
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
