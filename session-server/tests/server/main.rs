//! The server as its clients meet it: every test starts the real program and talks HTTP to it.

mod actions;
mod agents;
mod app;
mod append;
mod approval;
mod command_line;
mod cors;
mod documented;
mod fault_bodies;
mod fault_orders;
mod faults;
mod head_start;
mod limits;
mod load;
mod model;
mod model_failures;
mod model_memory;
mod proxy;
mod restart;
mod security;
mod sessions;
mod stand_in;
mod steered;
mod subscribe;
mod support;
mod team;
