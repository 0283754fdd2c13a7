//! `make load`: many open streams, many turns a second, and what they cost the session server.

mod driver;

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use clap::Parser;

use driver::{Failure, Load};

/// Loads a session server, and says how it bears that.
#[derive(Debug, Parser)]
struct Options {
    /// How many streams are open, each of a session of its own
    #[arg(long, default_value_t = 1000)]
    streams: usize,

    /// How many turns are begun a second, over all sessions
    #[arg(long, default_value_t = 200)]
    turns: u32,

    /// For how many seconds
    #[arg(long, default_value_t = 60)]
    seconds: u32,

    /// A server that runs; its memory is measured where --pid names its process
    #[arg(long, value_name = "URL", conflicts_with = "program")]
    base_url: Option<String>,

    /// The process of the server at --base-url
    #[arg(long, requires = "base_url")]
    pid: Option<u32>,

    /// The secret key of that server
    #[arg(long, default_value = "tr_dev_local")]
    secret_key: String,

    /// The server to start, where none runs
    #[arg(long, value_name = "PATH", required_unless_present = "base_url")]
    program: Option<PathBuf>,

    /// The database of the server that is started
    #[arg(long, value_name = "PATH", default_value = ":memory:")]
    db: PathBuf,

    /// The S2 server that keeps all in place of a database
    #[arg(long, value_name = "ENDPOINT", conflicts_with_all = ["db", "base_url"])]
    s2: Option<String>,
}

/// A server that ends with this program.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::from(2)
        }
    }
}

/// Loads the server; true when all answers came whole.
async fn run(options: Options) -> Result<bool, Failure> {
    let (base, pid, _server) = match (options.base_url, options.program) {
        (Some(base), _) => (base, options.pid, None),
        (None, Some(program)) => {
            let place = match options.s2 {
                Some(endpoint) => [OsString::from("--s2"), endpoint.into()],
                None => ["--db".into(), options.db.into()],
            };
            let (base, server) = start(&program, &place, options.streams)?;
            (base, Some(server.0.id()), Some(server))
        }
        (None, None) => return Err("name a server, by --base-url or --program".into()),
    };
    let Options { streams, turns, seconds, secret_key: key, .. } = options;
    let report = driver::run(Load { base, key, pid, streams, turns, seconds }).await?;
    println!("{report}");
    Ok(report.is_whole())
}

/// Starts a server that keeps all in this place, on a free port, and takes a connection for each stream, and for
/// the appends.
fn start(program: &Path, place: &[OsString], streams: usize) -> Result<(String, Server), Failure> {
    let connections = (streams + driver::APPENDS_AT_ONCE).to_string();
    let mut command = Command::new(program);
    command.args(["--port", "0", "--connections", &connections]).args(place);
    let mut server = Server(command.stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    let stdout = server.0.stdout.as_mut().ok_or("the server has no output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let base = line.trim_end().strip_prefix("listening on ").ok_or("the server does not start")?;
    Ok((base.to_owned(), server))
}
