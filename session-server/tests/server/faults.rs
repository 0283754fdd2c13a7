//! What faults on order do to requests, to what an agent writes, and to the whole server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stand_in::StandIn;
use crate::support::{Chat, Folder, Server, all_records, chunk, said, submit};

const STOP: &str = r#"{"kind":"stop"}"#;

/// How long a test waits for what must come. It is far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_refused_request_gets_no_answer_and_has_no_effect() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    for on in ["append", "subscribe", "records"] {
        server.order(&json!({ "on": on, "refuse": true }));
    }
    let append = || server.post(&chat.path("in/append")).bearer(&chat.token);
    let records = || server.get(&chat.path("in/records")).bearer(&chat.token);
    assert!(append().gets_no_answer(STOP));
    assert!(records().gets_no_answer(""));
    assert!(chat.out().gets_no_answer(""));
    assert_eq!(records().fetch().body, r#"{"records":[]}"#);
    assert_eq!(append().send(STOP).status, 200);
    assert_eq!(chat.window("").status, 200);
}

#[test]
fn no_connection_serves_twice_while_a_fault_stands_that_hangs_up() {
    let server = Server::start();
    let address = server.base.trim_start_matches("http://");
    // As a browser would: it sends again by itself what it loses on a connection that had served.
    let head = |stream: &mut BufReader<TcpStream>| -> String {
        let request = "HEAD /app/agents HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.get_mut().write_all(request.as_bytes()).expect("it is sent");
        let lines = stream.lines().map(|line| line.expect("a line"));
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    };
    let connect = || {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a patient socket");
        BufReader::new(stream)
    };
    let mut idle = connect();
    assert!(!head(&mut idle).contains("connection: close"));
    server.order(&json!({ "on": "append", "chat": "c", "refuse": true }));
    assert_eq!(idle.read(&mut [0]).expect("its end"), 0);
    let mut fresh = connect();
    assert!(head(&mut fresh).contains("connection: close"));

    server.admin("DELETE", "/admin/faults").fetch();
    let mut later = connect();
    assert!(!head(&mut later).contains("connection: close"));
    assert!(!head(&mut later).contains("connection: close"));
}

#[test]
fn a_delayed_request_has_its_effect_and_its_answer_waits() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    server.order(&json!([
        { "on": "append", "delayMs": 1 },
        { "on": "append", "delayMs": 3_600_000 },
        { "on": "append", "skip": 1, "status": 500 },
    ]));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| chat.append(&submit("late", json!({ "paceMs": 0 }))));
        let records = chat.read_turn("", 0);
        assert_eq!(said(&records), "late");
        assert!(!waiting.is_finished());
        // What is held is let go when all is forgotten.
        server.admin("DELETE", "/admin/faults").fetch();
        assert_eq!(waiting.join().expect("an answer").json()["seq"], 0);
    });
    assert_eq!(injected(&server), json!({ "delayMs": 2 }));

    server.order(&json!([
        { "on": "append", "delayMs": 1 },
        { "on": "append", "status": 500 },
    ]));
    assert_eq!(chat.append(&json!({ "kind": "stop" })).status, 500);
    assert_eq!(injected(&server), json!({ "delayMs": 3, "status": 1 }));
}

#[test]
fn an_ordered_answer_is_given_as_it_was_ordered_and_a_page_can_read_it() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let limited = json!({
        "status": 429,
        "headers": { "Retry-After": "7", "Content-Type": "application/json" },
        "body": r#"{"ok":false,"error":"slow down"}"#,
    });
    let page = json!({
        "status": 200,
        "headers": { "Content-Type": "text/html" },
        "body": "<h1>Wi-Fi</h1>",
    });
    let on = |on: &str, fault: &Value| {
        let mut fault = fault.clone();
        fault["on"] = on.into();
        server.order(&fault);
    };
    // Longer than a socket takes in: a client that is answered while it sends would see no answer.
    let long = submit(&"x".repeat(8 * 1024 * 1024), json!(null));
    on("append", &limited);
    let answer = chat.append(&long);
    answer.is_refused_with(429, "slow down");
    assert_eq!(answer.header("retry-after"), "7");
    let records = || server.get(&chat.path("in/records")).bearer(&chat.token);
    assert_eq!(records().fetch().body, r#"{"records":[]}"#);

    on("records", &json!({ "status": 404 }));
    let answer = records().fetch();
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (404, ""));
    on("subscribe", &page);
    let answer = chat.out().fetch();
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "<h1>Wi-Fi</h1>"));
    assert_eq!(answer.header("content-type"), "text/html");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[test]
fn an_append_whose_answer_is_lost_has_landed() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    server.order(&json!({ "on": "append", "loseAnswer": true }));
    let append = || server.post(&chat.path("in/append")).bearer(&chat.token);
    assert!(append().header("X-Part-Id", "p").gets_no_answer(STOP));
    assert_eq!(append().header("X-Part-Id", "p").send(STOP).body, r#"{"ok":true}"#);
    let records = server.get(&chat.path("in/records")).bearer(&chat.token).fetch().json();
    assert_eq!(records["records"][0]["id"], "p");
    assert_eq!(injected(&server), json!({ "loseAnswer": 1 }));
}

#[test]
fn repeated_records_have_the_same_part_id_and_new_numbers() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let other = server.chat("other", "echo");
    server.order(&json!({ "on": "write", "chat": "c", "skip": 2, "times": 3, "repeat": true }));
    assert_eq!(said(&other.ask("a b", json!({ "paceMs": 0 }))), "a b");

    let records = chat.ask("a b", json!({ "paceMs": 0 }));
    let parts: Vec<_> = records.iter().filter_map(part_id).collect();
    let expected = [0, 1, 2, 2, 4, 4, 6, 6, 8, 9, 10].map(|seq| format!("part-{seq}"));
    assert_eq!(parts, expected);
    for (seq, record) in records.iter().enumerate() {
        assert_eq!(record["seq_num"], seq);
    }
    assert_eq!(records[4]["body"], records[5]["body"]);
    assert_eq!(said(&records), "a a bb");
    assert_eq!(injected(&server), json!({ "repeat": 3 }));
}

#[test]
fn a_model_that_goes_on_is_told_once_what_was_written_twice() {
    let model = StandIn::start();
    let flags = ["--db", ":memory:", "--model-url", &model.url, "--model", "m"];
    let server = Server::with(&flags);
    let chat = server.chat("c", "model");
    server.order(&json!({ "on": "write", "repeat": true, "times": null }));
    let seq = chat.say(&submit("go", json!(null)));
    let stream = model.request().stream();
    stream.text("one ");
    chat.read_until("", |record| said(std::slice::from_ref(record)) == "one ");
    restart(&server);

    let request = model.request();
    assert_eq!(request.messages()[1], ("assistant".to_owned(), "one ".to_owned()));
    request.stream().text("two").finish();
    assert_eq!(said(&chat.read_turn("", seq)), "one one twotwo");
}

#[test]
fn a_restart_drops_what_is_open_and_goes_on_with_what_is_in_the_database() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let text: String = (0..100).map(|n| format!("word-{n} ")).collect();
    let seq = chat.say(&submit(&text, json!({ "paceMs": 10 })));
    chat.read_until("", |record| record["seq_num"] == 20);
    server.order(&json!({ "on": "records", "status": 500 }));
    std::thread::scope(|scope| {
        let (opened, is_open) = std::sync::mpsc::channel();
        let broken = scope.spawn(move || {
            let mut lines = chat_lines(&chat);
            opened.send(lines.next().is_some()).expect("someone who waits");
            let last = lines.last().expect("an end");
            (chat, last.is_err())
        });
        assert_eq!(is_open.recv(), Ok(true));
        restart(&server);
        let (chat, has_broken_off) = broken.join().expect("it ends");
        assert!(has_broken_off);

        let records = chat.read_turn("", seq);
        assert_eq!(said(&records), text);
        let starts = records.iter().filter_map(chunk).filter(|chunk| chunk["type"] == "start");
        assert_eq!(starts.count(), 1);
        // The faults are the test's, and no part of what the server knows.
        let call = server.get(&chat.path("in/records")).bearer(&chat.token);
        assert_eq!(call.fetch().status, 500);
    });
}

#[test]
fn a_server_can_be_restarted_again_and_again_and_still_stops() {
    let mut server = Server::start();
    for _ in 0..3 {
        restart(&server);
    }
    assert_eq!(server.get("/app/chats").fetch().body, "[]");
    let pid = server.child.id().to_string();
    let kill = std::process::Command::new("kill").args(["-TERM", &pid]).status();
    assert!(kill.expect("kill runs").success());
    assert_eq!(server.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn expired_tokens_stay_expired_and_new_ones_are_good() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let server = Server::on(&db);
    let old = server.chat("c", "echo").token;
    assert_eq!(server.admin("POST", "/admin/expire-tokens").fetch().body, r#"{"ok":true}"#);
    let new = server.chat("c", "echo").token;
    let check = |server: &Server| {
        let append = || server.post("/realtime/v1/sessions/c/in/append");
        append().bearer(&old).send(STOP).is_refused_with(401, "not valid");
        assert_eq!(append().bearer(&new).send(STOP).status, 200);
    };
    check(&server);
    restart(&server);
    check(&server);
    drop(server);
    check(&Server::on(&db));
}

#[test]
fn a_rewound_body_starts_earlier_than_it_was_asked_to() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    chat.ask("one two", json!({ "paceMs": 0 }));
    let first = |cursor: &str, records: u64| {
        server.order(&json!({ "on": "subscribe", "rewind": records }));
        let records = all_records(&chat.drained(cursor).body);
        records.first().map(|record| record["seq_num"].clone())
    };
    assert_eq!(first("5", 0), Some(json!(6)));
    assert_eq!(first("5", 3), Some(json!(3)));
    assert_eq!(first("5", 100), Some(json!(0)));
    assert_eq!(first("4000", 1), Some(json!(8)));
}

fn chat_lines(chat: &Chat<'_>) -> impl Iterator<Item = std::io::Result<String>> + use<> {
    chat.out().header("Timeout-Seconds", "60").open().lines()
}

fn restart(server: &Server) {
    let answer = server.admin("POST", "/admin/restart").fetch();
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, r#"{"ok":true}"#));
}

fn injected(server: &Server) -> Value {
    server.admin("GET", "/admin/faults").fetch().json()["injected"].clone()
}

fn part_id(record: &Value) -> Option<String> {
    let body: Value = serde_json::from_str(record["body"].as_str()?).ok()?;
    Some(body["id"].as_str()?.to_owned())
}
