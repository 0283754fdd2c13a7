//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;

/// A local Trigger.dev Sessions server for demos and tests.
#[derive(Debug, Parser)]
#[command(version, args_override_self = true)]
pub(crate) struct Options {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,

    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 8787)]
    pub(crate) port: u16,

    /// Take a free port when the chosen one is busy, instead of failing
    #[arg(long)]
    pub(crate) any_port: bool,

    /// SQLite file that keeps sessions and chats, made when missing; `:memory:` keeps nothing
    #[arg(long, value_name = "PATH", default_value = "data/sessions.sqlite")]
    pub(crate) db: PathBuf,

    /// Keep all in S2 instead, for as many instances as share it: the address of an S2 server, such as
    /// http://127.0.0.1:8080, or `cloud`, with a key in the environment variable S2_ACCESS_TOKEN
    #[arg(long, value_name = "ENDPOINT", conflicts_with = "db")]
    pub(crate) s2: Option<String>,

    /// The basin of S2 to keep all in, made when missing
    #[arg(long, value_name = "NAME", default_value = "session-server")]
    pub(crate) s2_basin: String,

    /// The secret key that the app's own server calls with
    #[arg(long, value_name = "KEY", default_value = "tr_dev_local")]
    pub(crate) secret_key: String,

    /// How long a session token lives
    #[arg(long, value_name = "N", default_value_t = 3600)]
    pub(crate) token_seconds: u32,

    /// How many connections are served at once
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub(crate) connections: usize,

    /// How long a client may take to send what it has begun, or to read what is there for it
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) patience_seconds: u64,

    /// Folder of a built page to serve at `/`
    #[arg(long, value_name = "DIR")]
    pub(crate) page: Option<PathBuf>,

    /// Where a model answers as OpenAI's do, such as http://127.0.0.1:11434/v1; it becomes the agent
    /// `model`. A key for it is read from the environment variable MODEL_API_KEY
    #[arg(long, value_name = "URL")]
    pub(crate) model_url: Option<String>,

    /// Name of the model at --model-url
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
}
