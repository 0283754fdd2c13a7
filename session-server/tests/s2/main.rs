//! Several instances of the server over one log, with kills and faults of all kinds: every test starts
//! an S2 of its own, the program that the environment variable `S2_LITE_PROGRAM` names.

mod closing;
mod faults;
mod instances;
mod kills;
mod log;
mod reader;
mod relay;
mod unattended;

#[path = "../server/stand_in.rs"]
#[expect(dead_code, reason = "these tests need less of it than the server's own")]
mod stand_in;
#[path = "../server/support.rs"]
#[expect(dead_code, reason = "these tests need less of it than the server's own")]
mod support;
#[path = "../server/told.rs"]
mod told;
