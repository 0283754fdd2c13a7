//! The first turn by way of the app.

use std::io::BufRead;

use serde_json::{Value, json};

use crate::support::{Answer, Folder, KEY, Server, all_records, chunk, header, said, submit};

fn user(text: &str) -> Value {
    json!({ "id": "u", "role": "user", "parts": [{ "type": "text", "text": text }] })
}

fn request(messages: &Value) -> String {
    json!({
        "chatId": "c",
        "trigger": "submit-message",
        "messageId": "u",
        "headStartMessages": messages,
        "metadata": { "paceMs": 0 },
    })
    .to_string()
}

/// The chunks of a stream of plain `data:` lines.
fn chunks(body: &str) -> Vec<Value> {
    let lines = body
        .split_terminator("\n\n")
        .map(|event| event.strip_prefix("data: ").unwrap_or_else(|| panic!("no data: {event:?}")));
    lines.map(|json| serde_json::from_str(json).expect("JSON")).collect()
}

fn token(answer: &Answer) -> String {
    answer.header("x-trigger-chat-access-token").to_owned()
}

#[test]
fn the_answer_comes_at_once_and_stands_in_the_channel_too() {
    let server = Server::start();
    let answer = server.post("/app/head-start").send(&request(&json!([user("hello you")])));
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/event-stream"));
    assert_eq!(answer.header("access-control-expose-headers"), "*");
    assert_eq!(answer.headers.get("x-trigger-chat-pending-version"), None);
    let mut told = chunks(&answer.body);
    let state = told.pop().expect("where it stands");
    assert_eq!(told.pop(), Some(json!({ "type": "trigger:turn-complete" })));

    let chat = server.chat_with("c", token(&answer));
    let records = all_records(&chat.drained("").body);
    assert_eq!(records.iter().filter_map(chunk).collect::<Vec<_>>(), told);
    assert_eq!(said(&records), "hello you");
    let end = records.last().expect("its end");
    assert_eq!(header(end, "trigger-control"), Some("turn-complete"));
    let cursor = end["seq_num"].to_string();
    assert_eq!(state, json!({ "type": "trigger:session-state", "lastEventId": cursor }));

    // The next turn goes by the channels, and nothing comes twice.
    let seq = chat.say(&submit("and me", json!({ "paceMs": 0 })));
    assert_eq!(said(&chat.read_turn(&cursor, seq)), "and me");
    assert_eq!(server.get("/app/chats/c").fetch().json()["agent"], "echo");
}

#[test]
fn the_agent_remembers_the_exchange_and_what_was_said_before_it() {
    let server = Server::start();
    let earlier = json!({ "id": "a0", "role": "assistant", "parts": [] });
    let messages = json!([user("zero"), earlier, user("one")]);
    let answer = server.post("/app/head-start").send(&request(&messages));
    let chat = server.chat_with("c", token(&answer));
    let mut cursor = chat.tail();
    let mut send = |payload: Value| {
        let mut payload = payload;
        payload["chatId"] = json!("c");
        let seq = chat.say(&json!({ "kind": "message", "payload": payload }));
        let records = chat.read_turn(&cursor, seq);
        cursor = records.last().expect("its end")["seq_num"].to_string();
        said(&records)
    };
    assert_eq!(send(json!({ "trigger": "regenerate-message" })), "one");
    send(json!({ "trigger": "action", "action": { "type": "undo" } }));
    assert_eq!(send(json!({ "trigger": "regenerate-message" })), "zero");
}

#[test]
fn the_agent_and_a_version_that_is_awaited_are_on_order() {
    let server = Server::start();
    let path = "/app/head-start?agent=approval&pendingVersion=true";
    let answer = server.post(path).send(&request(&json!([user("write")])));
    assert_eq!(answer.header("x-trigger-chat-pending-version"), "1");
    let kinds: Vec<_> = chunks(&answer.body).iter().map(|chunk| chunk["type"].clone()).collect();
    assert!(kinds.contains(&json!("tool-approval-request")), "{kinds:?}");
    assert_eq!(server.get("/app/chats/c").fetch().json()["agent"], "approval");
}

#[test]
fn a_chat_that_has_its_session_takes_the_message_into_it() {
    let server = Server::start();
    server.call("PUT", "/app/chats/c").send(r#"{"agent":"echo"}"#);
    let first = server.post("/app/head-start").send(&request(&json!([user("one")])));
    let second = server.post("/app/head-start").send(&request(&json!([user("two")])));
    let text = |answer: &Answer| -> String {
        chunks(&answer.body).iter().filter_map(|chunk| chunk["delta"].as_str()).collect()
    };
    assert_eq!((text(&first), text(&second)), ("one".to_owned(), "two".to_owned()));
    let inputs = server.get("/realtime/v1/sessions/c/in/records").bearer(KEY).fetch().json();
    assert_eq!(inputs["records"][0]["data"]["payload"]["message"]["id"], "u");
}

#[test]
fn a_part_that_its_writer_repeats_is_told_once() {
    let server = Server::start();
    server.order(&json!({ "on": "write", "repeat": true, "times": null }));
    let answer = server.post("/app/head-start").send(&request(&json!([user("one two")])));
    let told = chunks(&answer.body);
    let starts = told.iter().filter(|chunk| chunk["type"] == "start").count();
    let text: String = told.iter().filter_map(|chunk| chunk["delta"].as_str()).collect();
    assert_eq!((starts, text.as_str()), (1, "one two"));
}

#[test]
fn a_page_that_goes_away_in_the_middle_finds_the_turn_in_the_channel() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let server = Server::on(&db);
    let mut body: Value =
        serde_json::from_str(&request(&json!([user("one two three")]))).expect("JSON");
    body["metadata"]["paceMs"] = json!(200);
    let stream = server.post("/app/head-start").open_with(&body.to_string());
    let mut lines = stream.lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("\"delta\":\"one \"")), "no first word");
    drop(lines);
    drop(server);

    let server = Server::on(&db);
    let chat = server.chat_with("c", server.post("/app/chats/c/token").send("").body);
    let records =
        chat.read_until("", |record| header(record, "trigger-control") == Some("turn-complete"));
    assert_eq!(said(&records), "one two three");
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let server = Server::start();
    let post = |body: &str| server.post("/app/head-start").send(body);
    post("{}").is_refused_with(400, "chatId");
    post(&request(&json!([]))).is_refused_with(400, "empty");
    let assistant = json!([{ "id": "a", "role": "assistant", "parts": [] }]);
    post(&request(&assistant)).is_refused_with(400, "user's");
    let unknown = server.post("/app/head-start?agent=poet").send(&request(&json!([user("x")])));
    unknown.is_refused_with(404, "poet");
    server.create(&crate::support::new_session("c", "echo"));
    server.post("/api/v1/sessions/c/close").bearer(KEY).send("");
    post(&request(&json!([user("x")]))).is_refused_with(409, "closed");
}
