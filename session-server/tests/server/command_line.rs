//! Starting and stopping the program.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use crate::support::{Folder, KEY, Server, program, refusal};

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn a_busy_port_is_refused_in_one_sentence_and_any_port_gets_around_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let text = refusal(&["--port", &port, "--db", ":memory:"]);
    assert!(text.contains(&port) && text.contains("--any-port"), "{text}");

    let server = Server::with(&["--port", &port, "--any-port", "--db", ":memory:"]);
    assert!(!server.base.ends_with(&port));
}

#[test]
fn a_page_that_is_not_there_and_a_flag_that_is_none_are_refused() {
    let text = refusal(&["--port", "0", "--db", ":memory:", "--page", "no/such/folder"]);
    assert!(text.contains("no/such/folder") && text.contains("--page"), "{text}");
    let output = program(&["--colour", "blue"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--colour"));
}

#[test]
fn a_page_is_served_beside_the_api() {
    let folder = Folder::new();
    std::fs::write(folder.file("index.html"), "<h1>page</h1>").expect("a file");
    std::fs::write(folder.file("main.js"), "let x;").expect("a file");
    let server = Server::with(&["--db", ":memory:", "--page", path(&folder.file(""))]);
    assert_eq!(server.get("/").fetch().body, "<h1>page</h1>");
    assert_eq!(server.get("/main.js").fetch().body, "let x;");
    let deep = server.get("/chats/42").fetch();
    assert_eq!((deep.status.as_u16(), deep.body.as_str()), (200, "<h1>page</h1>"));
    for path in ["/api/v2", "/realtime/x/y", "/app/other", "/admin/other"] {
        server.get(path).fetch().is_refused_with(404, path);
    }
    assert_eq!(server.get("/app/chats").fetch().body, "[]");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_cleanly_with_a_stream_open_and_no_secret_said() {
    for signal in ["-INT", "-TERM"] {
        let mut child = program(&["--port", "0", "--db", ":memory:"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdout = child.stdout.take().expect("its output");
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            stdout.read_exact(&mut byte).expect("a line");
            line.push(byte[0]);
        }
        let line = String::from_utf8(line).expect("text");
        let base = line.trim_end().trim_start_matches("listening on ").to_owned();
        let mut server = Server { child, base };
        let chat = server.chat("c", "story");
        let token = chat.token.clone();
        let stream = chat.out().open();

        let pid = server.child.id().to_string();
        let kill = std::process::Command::new("kill").args([signal, &pid]).status();
        assert!(kill.expect("kill runs").success());
        assert_eq!(server.child.wait().expect("it ends").code(), Some(0), "{signal}");
        drop(stream);

        let mut said = line;
        stdout.read_to_string(&mut said).expect("text");
        assert_eq!(said.lines().count(), 1, "{said}");
        let stderr = server.child.stderr.as_mut().expect("its errors");
        stderr.read_to_string(&mut said).expect("text");
        assert!(!said.contains(KEY) && !said.contains(&token), "{said}");
    }
}
