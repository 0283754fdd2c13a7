//! The demo app's own server side.

use serde_json::{Value, json};

use crate::support::{Folder, Server, said};

fn put(server: &Server, path: &str, body: &Value) -> crate::support::Answer {
    server.call("PUT", path).send(&body.to_string())
}

fn user(text: &str) -> Value {
    json!({ "id": "u", "role": "user", "parts": [{ "type": "text", "text": text }] })
}

#[test]
fn a_chat_is_kept_with_its_transcript_and_its_session() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let server = Server::on(&db);
    let made = put(&server, "/app/chats/a%2Fb", &json!({ "agent": "story" }));
    assert_eq!(made.status, 200);
    let messages = json!([user("  What\n is   it? ")]);
    assert_eq!(put(&server, "/app/chats/a%2Fb/messages", &messages).status, 204);
    let session = json!({ "publicAccessToken": "t", "lastEventId": "4" });
    assert_eq!(put(&server, "/app/chats/a%2Fb/session", &session).status, 204);
    drop(server);

    let server = Server::on(&db);
    let chat = server.get("/app/chats/a%2Fb").fetch().json();
    assert_eq!(
        chat,
        json!({ "id": "a/b", "title": "What is it?", "agent": "story", "messages": messages, "session": session })
    );
    assert_eq!(put(&server, "/app/chats/a%2Fb/session", &json!(null)).status, 204);
    assert_eq!(server.get("/app/chats/a%2Fb").fetch().json()["session"], json!(null));
    assert_eq!(server.call("DELETE", "/app/chats/a%2Fb").fetch().status, 204);
    server.get("/app/chats/a%2Fb").fetch().is_refused_with(404, "a/b");
}

#[test]
fn chats_are_listed_with_the_last_used_first() {
    let server = Server::start();
    for id in ["one", "two", "three"] {
        put(&server, &format!("/app/chats/{id}"), &json!({ "title": id }));
    }
    // The clock ticks in milliseconds; so does the order of chats.
    std::thread::sleep(std::time::Duration::from_millis(5));
    put(&server, "/app/chats/one/messages", &json!([user("x")]));
    let chats = server.get("/app/chats").fetch().json();
    let ids: Vec<_> = chats.as_array().expect("a list").iter().map(|chat| &chat["id"]).collect();
    assert_eq!(ids, ["one", "three", "two"]);
    assert_eq!(chats[0]["title"], "one");
    assert_eq!(chats[0]["agent"], "echo");
    assert!(chats[0]["updatedAt"].is_string());
}

#[test]
fn a_long_first_message_makes_a_short_title() {
    let server = Server::start();
    put(&server, "/app/chats/c", &json!({}));
    put(&server, "/app/chats/c/messages", &json!([]));
    assert_eq!(server.get("/app/chats/c").fetch().json()["title"], json!(null));
    put(&server, "/app/chats/c/messages", &json!([user(&"é".repeat(100))]));
    let title = format!("{}…", "é".repeat(60));
    assert_eq!(server.get("/app/chats/c").fetch().json()["title"], title);
}

#[test]
fn start_makes_the_session_and_the_chat_and_both_tokens_work() {
    let server = Server::start();
    let body = json!({ "taskId": "echo", "clientData": { "user": "u" } }).to_string();
    let started = server.post("/app/chats/c/start").send(&body);
    assert_eq!(started.status, 200);
    let token = started.json()["publicAccessToken"].as_str().expect("a token").to_owned();
    assert_eq!(server.get("/app/chats/c").fetch().json()["agent"], "echo");

    let fresh = server.post("/app/chats/c/token").send("");
    assert!(fresh.header("content-type").starts_with("text/plain"));
    for token in [token, fresh.body] {
        let chat = server.chat_with("c", token);
        assert_eq!(said(&chat.ask("hi", json!({ "paceMs": 0 }))), "hi");
    }
}

#[test]
fn bad_calls_are_told_what_is_wrong() {
    let server = Server::start();
    put(&server, "/app/chats/c", &json!({}));
    put(&server, "/app/chats/c", &json!({ "agent": "poet" })).is_refused_with(400, "echo, story");
    put(&server, "/app/chats/c", &json!({ "title": 1 })).is_refused_with(400, "string");
    put(&server, "/app/chats/c/messages", &json!({})).is_refused_with(400, "sequence");
    put(&server, "/app/chats/c/session", &json!(1)).is_refused_with(400, "object");
    put(&server, "/app/chats/d/messages", &json!([])).is_refused_with(404, "`d`");
    put(&server, "/app/chats/d/session", &json!({})).is_refused_with(404, "`d`");
    server.call("DELETE", "/app/chats/d").fetch().is_refused_with(404, "`d`");
    server.post("/app/chats/d/start").send("[]").is_refused_with(400, "object");
    let unknown = json!({ "taskId": "poet" }).to_string();
    server.post("/app/chats/d/start").send(&unknown).is_refused_with(404, "poet");
}
