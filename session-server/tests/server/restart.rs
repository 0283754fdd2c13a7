//! A server that is killed in the middle goes on where it was.

use std::slice;

use serde_json::{Value, json};

use crate::support::{Folder, Server, chunk, consumed, said, submit};

#[test]
fn an_answer_cut_off_by_a_kill_goes_on_and_is_exact() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let text: String = (0..200).map(|n| format!("wörd-{n} ")).collect();

    let server = Server::on(&db);
    let chat = server.chat("c", "echo");
    let seq = chat.say(&submit(&text, json!({ "paceMs": 10 })));
    chat.read_until("", |record| record["seq_num"] == 20);
    let token = chat.token.clone();
    drop(server);

    // Killed again, a little further on.
    let server = Server::on(&db);
    let chat = server.chat_with("c", token);
    chat.read_until("", |record| record["seq_num"] == 60);
    let token = chat.token.clone();
    drop(server);

    let server = Server::on(&db);
    let chat = server.chat_with("c", token);
    let records = chat.read_turn("", seq);
    assert_eq!(said(&records), text);
    let seqs: Vec<_> = records.iter().filter_map(|record| record["seq_num"].as_u64()).collect();
    assert_eq!(seqs, (0..).take(seqs.len()).collect::<Vec<_>>());
    assert_eq!(records.iter().filter_map(chunk).count(), 206);
    assert_eq!(of_type(&records, "start"), 1);
    assert_eq!(of_type(&records, "finish"), 1);
}

#[test]
fn messages_that_waited_are_answered_after_a_kill_and_the_chat_goes_on() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let long = |text: &str| submit(&text.repeat(1000), json!({ "paceMs": 20 }));
    let server = Server::on(&db);
    let chat = server.chat("c", "echo");
    chat.say(&long("first "));
    chat.say(&submit("second", json!({ "paceMs": 0 })));
    chat.say(&json!({ "kind": "stop" }));
    chat.say(&long("third "));
    let token = chat.token.clone();
    drop(server);

    let server = Server::on(&db);
    let chat = server.chat_with("c", token);
    let records = chat.read_until("", |record| said(slice::from_ref(record)) == "third ");
    let ends: Vec<_> = records.iter().filter_map(consumed).collect();
    assert_eq!(ends, [0, 2]);
    assert!(said(&records).ends_with("secondthird "));

    let stop = chat.say(&json!({ "kind": "stop" }));
    let stopped = chat.read_turn("", stop);
    let end = stopped.last().expect("its end")["seq_num"].to_string();
    let again = chat.say(&json!({ "kind": "message", "payload": {
        "chatId": "c", "trigger": "regenerate-message", "metadata": { "paceMs": 0 },
    } }));
    assert_eq!((stop, again), (4, 5));
    assert_eq!(said(&chat.read_turn(&end, again)), "third ".repeat(1000));
}

#[test]
fn claims_and_closes_outlive_a_kill() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let server = Server::on(&db);
    let path = server.chat("c", "echo").path("in/append");
    server.chat("d", "echo");
    let append = |server: &Server| {
        let call = server.post(&path).bearer(crate::support::KEY);
        call.header("X-Part-Id", "p").send(r#"{"kind":"stop"}"#).body
    };
    assert_eq!(append(&server), r#"{"ok":true,"seq":0}"#);
    let close = server.post("/api/v1/sessions/d/close").bearer(crate::support::KEY);
    assert_eq!(close.send("").status, 200);
    drop(server);

    let server = Server::on(&db);
    assert_eq!(append(&server), r#"{"ok":true}"#);
    let created = server.create(&crate::support::new_session("d", "echo"));
    created.is_refused_with(409, "closed");
}

fn of_type(records: &[Value], kind: &str) -> usize {
    records.iter().filter_map(chunk).filter(|chunk| chunk["type"] == kind).count()
}
