//! `make load`, in small.

#[path = "../../examples/load/driver.rs"]
mod driver;

use driver::Load;

use crate::support::{KEY, Server};

#[tokio::test]
async fn many_streams_and_turns_at_once_are_all_answered_whole() {
    let server = Server::start();
    let load = Load {
        base: server.base.clone(),
        key: KEY.to_owned(),
        pid: cfg!(target_os = "linux").then(|| server.child.id()),
        streams: 8,
        turns: 20,
        seconds: 2,
    };
    let report = driver::run(load).await.expect("a report");
    let told = report.to_string();
    assert!(report.is_whole(), "{told}");
    assert!(told.contains("40 asked, 40 answered whole"), "{told}");
    assert!(told.contains("first chunk p99"), "{told}");
}
