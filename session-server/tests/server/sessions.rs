//! Creating and closing sessions.

use serde_json::json;

use crate::support::{KEY, Server, all_records, header, new_session, said, shape, submit};

#[test]
fn a_new_session_is_201_and_the_same_again_is_200_cached() {
    let server = Server::start();
    let first = server.create(&new_session("chat-1", "echo"));
    assert_eq!(first.status, 201);
    let first = first.json();
    assert_eq!(first["isCached"], false);
    assert_eq!(first["externalId"], "chat-1");
    assert_eq!(first["type"], "chat.agent");
    assert_eq!(first["taskIdentifier"], "echo");
    assert_eq!(first["triggerConfig"]["basePayload"]["trigger"], "preload");
    assert_eq!(first["tags"], json!([]));
    for absent in ["metadata", "closedAt", "closedReason", "expiresAt"] {
        assert!(first[absent].is_null(), "{absent}");
    }
    assert!(first["id"].as_str().is_some_and(|id| id.starts_with("session_")));
    assert!(first["runId"].as_str().is_some_and(|id| id.starts_with("run_")));
    assert_eq!(first["runId"], first["currentRunId"]);
    assert!(first["createdAt"].is_string() && first["updatedAt"].is_string());
    assert!(first["publicAccessToken"].is_string());

    let again = server.create(&new_session("chat-1", "echo"));
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["isCached"], true);
    assert_eq!(again.json()["id"], first["id"]);
}

#[test]
fn what_the_app_says_of_its_session_comes_back_as_it_was_written() {
    let server = Server::start();
    let body = r#"{"type":"chat.agent","externalId":"c","taskIdentifier":"echo","triggerConfig":{"z":1e2,"basePayload":{"trigger":"preload","chatId":"c"},"a":null},"tags":["b","a"],"metadata":{"y":1,"x":2},"expiresAt":"2999-01-01T00:00:00Z"}"#;
    let answer = server.post("/api/v1/sessions").bearer(KEY).send(body);
    assert_eq!(answer.status, 201);
    for part in [
        r#""triggerConfig":{"z":1e2,"basePayload":{"trigger":"preload","chatId":"c"},"a":null}"#,
        r#""tags":["b","a"]"#,
        r#""metadata":{"y":1,"x":2}"#,
        r#""expiresAt":"2999-01-01T00:00:00.000Z""#,
    ] {
        assert!(answer.body.contains(part), "no {part} in {}", answer.body);
    }
}

#[test]
fn a_session_created_with_a_message_answers_it() {
    let server = Server::start();
    let mut body = new_session("c", "echo");
    let mut payload = submit("from the start", json!({ "paceMs": 0 }))["payload"].clone();
    payload["chatId"] = json!("c");
    body["triggerConfig"]["basePayload"] = payload;
    assert_eq!(server.create(&body).status, 201);

    let chat = server.chat("c", "echo");
    let records =
        chat.read_until("", |record| header(record, "trigger-control") == Some("turn-complete"));
    assert_eq!(said(&records), "from the start");
    let end = records.last().expect("its end");
    assert_eq!(header(end, "session-in-event-id"), None);
    assert_eq!(shape(&chat.ask("then this", json!({ "paceMs": 0 })))[0], "start");
}

#[test]
fn only_the_secret_key_creates_sessions() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let body = new_session("d", "echo").to_string();
    let create = || server.post("/api/v1/sessions");
    create().send(&body).is_refused_with(401, "missing");
    create().bearer("nonsense").send(&body).is_refused_with(401, "not valid");
    create().bearer(&chat.token).send(&body).is_refused_with(401, "secret key");
}

#[test]
fn a_bad_create_call_is_told_what_is_wrong() {
    let server = Server::start();
    let with = |name: &str, value: serde_json::Value| {
        let mut body = new_session("c", "echo");
        body[name] = value;
        server.create(&body)
    };
    with("externalId", json!("session_x")).is_refused_with(400, "session_");
    with("externalId", json!("")).is_refused_with(400, "externalId");
    with("externalId", json!(null)).is_refused_with(400, "string");
    with("triggerConfig", json!({})).is_refused_with(400, "basePayload");
    with("triggerConfig", json!({ "basePayload": { "chatId": "c", "trigger": "never" } }))
        .is_refused_with(400, "never");
    with("expiresAt", json!("tomorrow")).is_refused_with(400, "expiresAt");
    with("taskIdentifier", json!("poet")).is_refused_with(404, "echo, story");
    with("metadata", json!({ "long": "x".repeat(32 * 1024) })).is_refused_with(413, "32768");
    server.post("/api/v1/sessions").bearer(KEY).send("{").is_refused_with(400, "EOF");
}

#[test]
fn a_closed_session_takes_no_message_and_is_not_made_again() {
    let server = Server::start();
    let chat = server.chat("c/d", "echo");
    let close = |body: &str| server.post("/api/v1/sessions/c%2Fd/close").bearer(KEY).send(body);
    let closed = close(r#"{"reason":"user-ended"}"#);
    assert_eq!(closed.status, 200);
    assert_eq!(closed.json()["closedReason"], "user-ended");
    assert!(closed.json()["closedAt"].is_string());

    let again = close(r#"{"reason":"other"}"#);
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["closedReason"], "user-ended");

    for refusal in
        [chat.append(&submit("hello", json!(null))), server.create(&new_session("c/d", "echo"))]
    {
        refusal.is_refused_with(409, "closed");
        assert_eq!(refusal.json()["code"], "session_closed");
        assert_eq!(refusal.json()["closedReason"], "user-ended");
    }
    let records = chat.window("").body;
    assert_eq!(records.matches("session-closed-reason").count(), 1);
}

#[test]
fn a_close_without_a_reason_says_null() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let close = server.post("/api/v1/sessions/c/close").bearer(KEY).send("");
    assert_eq!(close.status, 200);
    let refusal = chat.append(&json!({ "kind": "stop" }));
    refusal.is_refused_with(409, "closed");
    assert!(refusal.body.contains(r#""closedReason":null"#));
}

#[test]
fn a_close_that_may_not_be_is_refused() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let close = |name: &str| server.post(&format!("/api/v1/sessions/{name}/close"));
    close("c").send("").is_refused_with(401, "missing");
    close("c").bearer(&chat.token).send("").is_refused_with(401, "secret key");
    close("nobody").bearer(KEY).send("").is_refused_with(404, "no such session");
    let reason = json!({ "reason": "x".repeat(257) }).to_string();
    close("c").bearer(KEY).send(&reason).is_refused_with(400, "256");
}

#[test]
fn a_close_ends_the_running_turn_and_is_the_last_record() {
    let server = Server::start();
    let chat = server.chat("c", "story");
    chat.say(&submit("2000 words at 20 ms", json!(null)));
    chat.read_until("", |record| record["seq_num"] == 10);
    let close = server.post("/api/v1/sessions/c/close").bearer(KEY);
    assert_eq!(close.send(r#"{"reason":"enough"}"#).status, 200);
    let records =
        chat.read_until("10", |record| header(record, "trigger-control") == Some("session-closed"));
    let end = records.last().expect("its end");
    assert_eq!(header(end, "session-closed-reason"), Some("enough"));
    let after = all_records(&chat.window(&end["seq_num"].to_string()).body);
    // A command of the store, which S2 has there, is none.
    assert!(after.iter().all(|record| record["headers"][0][0] == ""), "{after:?}");
}

#[test]
fn an_expired_session_takes_nothing() {
    let server = Server::start();
    let mut body = new_session("c", "echo");
    body["expiresAt"] = json!("2020-01-01T00:00:00.000Z");
    server.create(&body).is_refused_with(409, "expired");
    server
        .post("/realtime/v1/sessions/c/in/append")
        .bearer(KEY)
        .send(r#"{"kind":"stop"}"#)
        .is_refused_with(400, "expired");
}
