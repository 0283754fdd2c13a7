//! The server as its clients meet it: every test starts the real program and talks HTTP to it.

mod agents;
mod app;
mod append;
mod command_line;
mod cors;
mod restart;
mod sessions;
mod subscribe;
mod support;
