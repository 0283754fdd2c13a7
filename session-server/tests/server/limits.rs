//! What clients may have of the server at once, and what they are told beyond that.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, Chat, KEY, Server, new_session, over_s2, program};

const MEBIBYTE: usize = 1024 * 1024;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection on which this is sent, and no more.
fn sending(server: &Server, text: &str) -> TcpStream {
    let mut stream =
        TcpStream::connect(server.base.trim_start_matches("http://")).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(text.as_bytes()).expect("it reads");
    stream
}

/// All that comes on a connection until it is closed.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // What was not read on the other side may end it with a reset.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first answer that is no refusal for want of a place.
fn once_there_is_room(call: impl Fn() -> Answer) -> Answer {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = call();
        if answer.status != 503 || Instant::now() > end {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn list(chat: &Chat<'_>) -> Answer {
    chat.server.get(&chat.path("in/records")).bearer(&chat.token).fetch()
}

/// Has the session hold this many mebibytes of messages, about.
fn fill(chat: &Chat<'_>, mebibytes: usize) {
    for _ in 0..mebibytes {
        let message = json!({ "kind": "stop", "message": "x".repeat(MEBIBYTE - 200) });
        assert_eq!(once_there_is_room(|| chat.append(&message)).status, 200);
    }
}

/// A call on a session whose answer has begun, and which nobody reads. A connection that is over may
/// still hold its place for a moment.
fn unread(chat: &Chat<'_>, path: &str) -> TcpStream {
    let path = chat.path(path);
    let token = &chat.token;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let stream = sending(chat.server, &head);
        let mut begun = [0; 12];
        while (1..begun.len()).contains(&stream.peek(&mut begun).unwrap_or(0)) {}
        if &begun == b"HTTP/1.1 200" {
            return stream;
        }
    }
    panic!("no answer");
}

/// A session on a server that may have no place at the moment.
fn chat_once_there_is_room(server: &Server) -> Chat<'_> {
    let made = once_there_is_room(|| server.create(&new_session("c", "echo"))).json();
    server.chat_with("c", made["publicAccessToken"].as_str().expect("a token").to_owned())
}

#[test]
fn a_head_that_is_too_long_or_has_too_many_headers_is_431() {
    let server = Server::start();
    assert_eq!(
        server.get("/app/chats").header("X-Long", &"x".repeat(32 * 1024)).fetch().status,
        200
    );
    let long = server.get("/app/chats").header("X-Long", &"x".repeat(64 * 1024)).fetch();
    assert_eq!(long.status, 431);
    let many = (0..101).map(|n| format!("X-{n}: x\r\n")).collect::<String>();
    let answer = rest(sending(&server, &format!("GET / HTTP/1.1\r\n{many}\r\n")));
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[test]
fn every_body_has_a_limit_and_beyond_it_is_413() {
    let server = Server::start();
    server.chat("c", "echo");
    server.call("PUT", "/app/chats/c").send("{}");
    for (method, path, limit) in [
        ("POST", "/api/v1/sessions", 32 * 1024),
        ("POST", "/api/v1/sessions/c/close", 32 * 1024),
        ("POST", "/admin/faults", MEBIBYTE),
        ("PUT", "/app/chats/c", 16 * MEBIBYTE),
        ("PUT", "/app/chats/c/messages", 16 * MEBIBYTE),
        ("PUT", "/app/chats/c/session", 16 * MEBIBYTE),
        ("POST", "/app/chats/c/start", 16 * MEBIBYTE),
        ("POST", "/app/head-start", 16 * MEBIBYTE),
    ] {
        let answer = server.call(method, path).bearer(KEY).send(&" ".repeat(limit + 1));
        assert_eq!(answer.status, 413, "{path}: {}", answer.body);
        assert!(answer.body.contains(&limit.to_string()), "{path}: {}", answer.body);
    }
}

#[test]
fn a_connection_too_many_is_told_so_and_served_when_another_ends() {
    let server = Server::with(&["--db", ":memory:", "--connections", "2"]);
    let chat = chat_once_there_is_room(&server);
    let streams = [unread(&chat, "out"), unread(&chat, "out")];
    let refused = list(&chat);
    refused.is_refused_with(503, "2 connections are open");
    assert!(refused.body.contains("--connections"), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), "1");
    drop(streams);
    assert_eq!(once_there_is_room(|| list(&chat)).status, 200);
}

#[test]
fn who_takes_too_long_to_send_a_request_is_cut_off() {
    let server = Server::with(&["--db", ":memory:", "--patience-seconds", "1"]);
    server.chat("c", "echo");
    assert_eq!(rest(sending(&server, "")), "");
    assert_eq!(rest(sending(&server, "GET /app/chats HTTP/1.1\r\nHost:")), "");
    let path = "/realtime/v1/sessions/c/in/append";
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 9\r\n\r\n"
    );
    let answer = rest(sending(&server, &format!("{head}{{")));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("the body did not come in time"), "{answer}");
}

#[test]
fn who_does_not_read_is_cut_off_and_makes_room() {
    let server =
        Server::with(&["--db", ":memory:", "--connections", "1", "--patience-seconds", "1"]);
    let chat = chat_once_there_is_room(&server);
    fill(&chat, 24);
    let whole = once_there_is_room(|| list(&chat)).body;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&whole).expect("JSON")["records"][23]["seqNum"],
        23
    );

    let stream = unread(&chat, "in/records");
    list(&chat).is_refused_with(503, "connections are open");
    assert_eq!(once_there_is_room(|| list(&chat)).body.len(), whole.len());
    assert!(rest(stream).len() < whole.len());
}

#[cfg(target_os = "linux")]
#[test]
fn slow_readers_do_not_grow_memory() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    fill(&chat, 24);
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id()));
        let status = status.expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a size");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
    };
    let before = resident();
    let readers: Vec<_> = (0..16).map(|_| unread(&chat, "in/records")).collect();
    // All have begun; whoever comes after them reads to the end beside them.
    assert_eq!(list(&chat).status, 200);
    // Each holds a few pages of a mebibyte, where its whole answer is 24.
    let grown = (resident() - before) / MEBIBYTE;
    drop(readers);
    assert!(grown < 16 * 8, "{grown} MiB");
}

#[test]
fn a_stream_is_told_no_more_at_once_than_a_mebibyte() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let text = format!("{0} {0} {0}", "x".repeat(MEBIBYTE / 4));
    for _ in 0..2 {
        let records = chat.ask(&text, json!({ "paceMs": 0 }));
        assert_eq!(crate::support::said(&records), text);
    }
    let stream = chat.window("").body;
    let longest = stream.lines().map(str::len).max().unwrap_or_default();
    assert!((MEBIBYTE / 2..MEBIBYTE * 5 / 4).contains(&longest), "{longest}");
}

#[cfg(unix)]
#[test]
fn a_limit_of_open_files_is_raised_or_else_named() {
    let with = |limit: &str, connections: &str| {
        let server = program(&["--port", "0", "--db", ":memory:", "--connections", connections]);
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("ulimit {limit} 300; exec \"$0\" \"$@\"")]);
        shell.arg(server.get_program()).args(server.get_args());
        shell
    };
    let Output { status, stderr, .. } = with("-n", "500").output().expect("it runs");
    let text = String::from_utf8(stderr).expect("text");
    assert_eq!(status.code(), Some(2));
    // Over S2 each connection may have another behind it.
    let each = if over_s2() { 2 } else { 1 };
    let cure = format!("`ulimit -n {}`", 500 * each + 128);
    assert!(text.contains(&cure) && text.contains("--connections"), "{text}");
    assert_eq!(Server::run(&mut with("-S -n", "500")).get("/app/chats").fetch().status, 200);
}
