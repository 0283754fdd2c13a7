//! A local Trigger.dev Sessions server: the session surface of that service on loopback, so that a
//! chat client can be shown and tested without an account.
//!
//! `api` is the service's own surface, `agents` is what the service would run for you, `app` is what
//! an app developer would write, and `store` keeps all three across restarts. `faults` spoils all of
//! it, where a test orders that.

mod agents;
mod api;
mod app;
mod auth;
mod cli;
mod connections;
mod faults;
mod framing;
mod input;
mod json;
mod limits;
mod origin;
mod proxy;
mod server;
mod store;
mod text;
mod time;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let options = cli::Options::parse();
    match server::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("session-server: {error}");
            ExitCode::from(2)
        }
    }
}
