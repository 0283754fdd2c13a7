//! S2 Lite on loopback, for demos and tests of the session server.
//!
//! The `s2 lite` of S2's own command line listens on all addresses of a machine, and asks nobody for a
//! key: whoever is in the same network could read every chat. This is the same server, on 127.0.0.1.

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Parser;
use s2_lite::backend::{Backend, bgtasks};
use slatedb::object_store::{ObjectStore, local::LocalFileSystem, memory::InMemory};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The most that is being written at once, as S2 Lite has it.
const IN_FLIGHT: ByteSize = ByteSize::mib(128);

/// How often what was written is made durable, as S2 Lite has it for what is no bucket.
const FLUSH_EVERY: Duration = Duration::from_millis(5);

/// S2 Lite on 127.0.0.1
#[derive(Parser)]
struct Options {
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// Folder to keep all in, made when missing; without one all is kept in memory
    #[arg(long, value_name = "DIR")]
    local_root: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    let store: Arc<dyn ObjectStore> = match &options.local_root {
        Some(root) => {
            std::fs::create_dir_all(root)?;
            Arc::new(LocalFileSystem::new_with_prefix(root)?.with_fsync(true))
        }
        None => Arc::new(InMemory::new()),
    };
    let settings = slatedb::Settings { flush_interval: Some(FLUSH_EVERY), ..Default::default() };
    let db = slatedb::Db::builder("", store).with_settings(settings).build().await?;
    let backend = Backend::new(db, IN_FLIGHT);
    bgtasks::spawn(&backend);

    let mut out = std::io::stdout();
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let app = s2_lite::handlers::router().with_state(backend.clone());
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    Ok(backend.close().await?)
}
