//! Appending to `.in`, and listing what has landed.

use serde_json::{Value, json};

use crate::support::{KEY, Server, encode, said, submit};

const STOP: &str = r#"{"kind":"stop"}"#;

#[test]
fn a_repeated_part_lands_once_and_the_repeat_gets_no_seq() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let append = |part: &str| {
        let call = server.post(&chat.path("in/append")).bearer(&chat.token);
        call.header("X-Part-Id", part).send(STOP).body
    };
    assert_eq!(append("p1"), r#"{"ok":true,"seq":0}"#);
    assert_eq!(append("p1"), r#"{"ok":true}"#);
    assert_eq!(append("p2"), r#"{"ok":true,"seq":1}"#);
    let ids = listed(&server, "c", "");
    assert_eq!(ids, [("p1".to_owned(), 0), ("p2".to_owned(), 1)]);
}

#[test]
fn appends_without_a_part_id_all_land() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    assert_eq!(chat.say(&json!({ "kind": "stop" })), 0);
    assert_eq!(chat.say(&json!({ "kind": "stop" })), 1);
}

#[test]
fn the_apps_server_hands_an_answer_over_with_its_key() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let append = |body: &str| server.post(&chat.path("in/append")).bearer(KEY).send(body);
    let handover = r#"{"kind":"handover","partialAssistantMessage":[],"isFinal":false}"#;
    assert_eq!(append(handover).body, r#"{"ok":true,"seq":0}"#);
    assert_eq!(append(r#"{"kind":"handover-skip"}"#).body, r#"{"ok":true,"seq":1}"#);
    append(r#"{"kind":"handover","isFinal":false}"#).is_refused_with(400, "a `handover` needs");
    assert!(said(&chat.read_turn("", 0)).is_empty(), "an agent here has nothing to go on with");
}

#[test]
fn records_are_listed_as_they_were_written() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let body = r#"{ "kind":"stop","z":1.50,"message":"é","a":{"__proto__":null} }"#;
    let call = server.post(&chat.path("in/append")).bearer(&chat.token);
    call.header("X-Part-Id", "p").send(body);
    let list = server.get("/realtime/v1/sessions/c/in/records").bearer(&chat.token);
    let expected = format!(r#"{{"records":[{{"data":{body},"id":"p","seqNum":0}}]}}"#);
    assert_eq!(list.fetch().body, expected);
}

#[test]
fn records_are_listed_after_a_cursor() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    for _ in 0..3 {
        chat.say(&json!({ "kind": "stop" }));
    }
    let seqs = |query: &str| -> Vec<u64> {
        listed(&server, "c", query).into_iter().map(|(_, seq)| seq).collect()
    };
    assert_eq!(seqs(""), [0, 1, 2]);
    assert_eq!(seqs("?afterEventId=0"), [1, 2]);
    assert!(seqs("?afterEventId=2").is_empty());
    let list = server.get("/realtime/v1/sessions/c/in/records?afterEventId=x");
    list.bearer(KEY).fetch().is_refused_with(400, "digit");
}

#[test]
fn a_session_goes_by_its_external_id_whatever_is_in_it_and_by_its_own_id() {
    let server = Server::start();
    for id in ["plain", "a/b?c#d&e", "spaß %2F 日本語 🎉", "…/..", "+ +"] {
        let chat = server.chat(id, "echo");
        assert_eq!(chat.say(&json!({ "kind": "stop" })), 0, "{id}");
        let own = server.create(&crate::support::new_session(id, "echo")).json();
        let own = own["id"].as_str().expect("an id");
        let append = server.post(&format!("/realtime/v1/sessions/{own}/in/append"));
        assert_eq!(append.bearer(&chat.token).send(STOP).json()["seq"], 1, "{id}");
    }
}

#[test]
fn a_token_opens_its_own_session_only() {
    let server = Server::start();
    let mine = server.chat("mine", "echo");
    server.chat("yours", "echo");
    let append = |name: &str| server.post(&format!("/realtime/v1/sessions/{name}/in/append"));
    append("yours").bearer(&mine.token).send(STOP).is_refused_with(403, "does not cover");
    append("nobody").bearer(&mine.token).send(STOP).is_refused_with(403, "does not cover");
    append("mine").send(STOP).is_refused_with(401, "missing");
    append("mine").bearer("x.y.z").send(STOP).is_refused_with(401, "not valid");
    let basic = append("mine").header("Authorization", "Basic eHg6eXk=");
    basic.send(STOP).is_refused_with(401, "missing");
    append("nobody").bearer(KEY).send(STOP).is_refused_with(404, "no such session");
    for path in ["in/records", "out"] {
        let call = |name: &str| server.get(&format!("/realtime/v1/sessions/{name}/{path}"));
        call("yours").bearer(&mine.token).fetch().is_refused_with(403, "does not cover");
        call("mine").fetch().is_refused_with(401, "missing");
        call("nobody").bearer(KEY).fetch().is_refused_with(404, "no such session");
    }
}

#[test]
fn a_token_from_another_server_is_worth_nothing() {
    let (here, there) = (Server::start(), Server::start());
    here.chat("c", "echo");
    let token = there.chat("c", "echo").token;
    let append = here.post("/realtime/v1/sessions/c/in/append");
    append.bearer(&token).send(STOP).is_refused_with(401, "not valid");
}

#[test]
fn a_token_expires() {
    let server = Server::with(&["--db", ":memory:", "--token-seconds", "0"]);
    let chat = server.chat("c", "echo");
    // The token is good to the end of the second it was made in.
    let refused = (0..)
        .map(|_| chat.append(&json!({ "kind": "stop" })))
        .find(|answer| answer.status != 200)
        .expect("an end");
    refused.is_refused_with(401, "expired");
}

#[test]
fn a_chunk_that_is_none_is_refused_and_does_not_land() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let payload = |payload: Value| json!({ "kind": "message", "payload": payload });
    for (body, words) in [
        (json!(null), "object"),
        (json!(["stop", null, null, null]), "object"),
        (json!({}), "kind"),
        (json!({ "kind": "whisper" }), "whisper"),
        (json!({ "kind": "message" }), "payload"),
        (payload(json!({ "trigger": "preload" })), "chatId"),
        (payload(json!({ "chatId": "c" })), "trigger"),
        (payload(json!({ "chatId": "c", "trigger": "x" })), "unknown variant `x`"),
        (payload(json!({ "chatId": "c", "trigger": "submit-message" })), "message"),
        (json!({ "kind": "handover" }), "isFinal"),
    ] {
        let refused = chat.append(&body);
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.body.contains(words), "{body}: {}", refused.body);
    }
    let append = server.post(&chat.path("in/append")).bearer(&chat.token);
    append.send("{\"kind\":").is_refused_with(400, "EOF");
    assert!(listed(&server, "c", "").is_empty());
}

#[test]
fn a_part_id_that_is_too_long_is_refused() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let append = |id: String| {
        let call = server.post(&chat.path("in/append")).bearer(&chat.token);
        call.header("X-Part-Id", &id).send(STOP)
    };
    append("x".repeat(65)).is_refused_with(400, "X-Part-Id");
    assert_eq!(append("x".repeat(64)).status, 200);
}

#[test]
fn a_body_or_a_record_over_one_mebibyte_is_413() {
    const MEBIBYTE: usize = 1024 * 1024;
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let append = |message: &str| {
        let body = format!(r#"{{"kind":"stop","message":"{message}"}}"#);
        let call = server.post(&chat.path("in/append")).bearer(&chat.token);
        call.header("X-Part-Id", "p").send(&body)
    };
    let record = |letters: usize| {
        let body = format!(r#"{{"kind":"stop","message":"{}"}}"#, "x".repeat(letters));
        8 + json!({ "data": body, "id": "p" }).to_string().len()
    };
    let fits = MEBIBYTE - record(0);
    append(&"x".repeat(MEBIBYTE)).is_refused_with(413, "body");
    append(&"x".repeat(8 * MEBIBYTE)).is_refused_with(413, "body");
    append(&"x".repeat(fits + 1)).is_refused_with(413, "record");
    // Each of these is one byte of body and more of the record, where it is escaped once more.
    append(&"\\n".repeat(MEBIBYTE * 2 / 5)).is_refused_with(413, "record");
    assert_eq!(append(&"x".repeat(fits)).json()["seq"], 0);
}

#[test]
fn kinds_that_need_no_answer_are_taken() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    for body in [
        json!({ "kind": "stop", "message": "why" }),
        json!({ "kind": "handover-skip" }),
        json!({ "kind": "message", "payload": { "chatId": "c", "trigger": "preload" } }),
        json!({ "kind": "message", "payload": { "chatId": "c", "trigger": "close" } }),
    ] {
        assert_eq!(chat.append(&body).status, 200, "{body}");
    }
    let seq = chat.say(&submit("x", json!({ "paceMs": 0 })));
    assert_eq!(chat.read_turn("", seq).last().and_then(crate::support::consumed), Some(4));
}

fn listed(server: &Server, name: &str, query: &str) -> Vec<(String, u64)> {
    let path = format!("/realtime/v1/sessions/{}/in/records{query}", encode(name));
    let answer = server.get(&path).bearer(KEY).fetch().json();
    let records = answer["records"].as_array().expect("records");
    records
        .iter()
        .filter_map(|record| Some((record["id"].as_str()?.to_owned(), record["seqNum"].as_u64()?)))
        .collect()
}
