//! Starts S2, and instances of the server on it.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Folder, Server, encode, program};

/// The basin that all is kept in.
pub(crate) const BASIN: &str = "session-server";

/// An S2 of a test's own.
pub(crate) struct Log {
    /// S2 itself.
    pub(crate) s2: Server,
    /// What it keeps, where that is to outlive it.
    folder: Option<Folder>,
}

impl Log {
    /// An S2 that keeps nothing.
    pub(crate) fn start() -> Self {
        Self { s2: Server::run(&mut s2()), folder: None }
    }

    /// An S2 that can be killed and started again.
    pub(crate) fn on_disk() -> Self {
        let folder = Folder::new();
        let s2 = Server::run(s2().arg("--local-root").arg(folder.file("log")));
        Self { s2, folder: Some(folder) }
    }

    /// Kills S2 as by `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.s2.child.kill().expect("it runs");
        self.s2.child.wait().expect("it ends");
    }

    /// Starts S2 again after a kill, where it was.
    pub(crate) fn start_again(&mut self) {
        let folder = self.folder.as_ref().expect("an S2 on disk");
        let (_, port) = self.s2.base.rsplit_once(':').expect("a port");
        let mut command = s2();
        command.arg("--local-root").arg(folder.file("log")).args(["--port", port]);
        self.s2 = Server::run(&mut command);
    }

    /// An instance of the server.
    pub(crate) fn instance(&self) -> Server {
        self.instance_with(&[])
    }

    /// An instance of the server with more arguments.
    pub(crate) fn instance_with(&self, args: &[&str]) -> Server {
        Server::run(self.instance_program().args(args))
    }

    /// What starts an instance.
    pub(crate) fn instance_program(&self) -> Command {
        program(&["--port", "0", "--s2", &self.s2.base])
    }

    /// What S2 itself tells of a stream from its start, and no more of it than is there.
    pub(crate) fn events(&self, stream: &str) -> String {
        let path = format!("{}?seq_num=0&wait=0", path(stream));
        let call = self.s2.get(&path).header("s2-basin", BASIN);
        call.header("Accept", "text/event-stream").fetch().body
    }

    /// Appends these records to a stream, past all instances.
    pub(crate) fn push(&self, stream: &str, records: &Value) {
        let call = self.s2.post(&path(stream)).header("s2-basin", BASIN);
        let call = call.header("Content-Type", "application/json");
        let answer = call.send(&json!({ "records": records }).to_string());
        assert!(answer.status.is_success(), "{answer:?}");
    }
}

fn path(stream: &str) -> String {
    format!("/v1/streams/{}/records", encode(stream))
}

fn s2() -> Command {
    let program = std::env::var_os("S2_LITE_PROGRAM").expect(
        "set S2_LITE_PROGRAM to the path of S2 Lite on loopback, which is built in session-server/s2-lite",
    );
    Command::new(program)
}

/// Has a process stand still until it is woken.
pub(crate) fn pause(server: &Server) {
    send(server, Signal::STOP);
}

/// Lets a process go on that was paused.
pub(crate) fn wake(server: &Server) {
    send(server, Signal::CONT);
}

fn send(server: &Server, signal: Signal) {
    kill_process(Pid::from_child(&server.child), signal).expect("it runs");
}
