//! Ordering faults: who may, what an order can say, and whom it meets.

use serde_json::{Value, json};

use crate::support::{Chat, KEY, Server};

#[test]
fn only_the_secret_key_opens_the_desk() {
    let server = Server::start();
    let token = server.chat("c", "echo").token;
    for (method, path) in [
        ("POST", "/admin/faults"),
        ("GET", "/admin/faults"),
        ("DELETE", "/admin/faults"),
        ("POST", "/admin/restart"),
        ("POST", "/admin/expire-tokens"),
    ] {
        server.call(method, path).fetch().is_refused_with(401, "missing");
        let call = server.call(method, path).bearer(&token);
        call.fetch().is_refused_with(401, "only the secret key");
    }
    server.order(&json!([]));
}

#[test]
fn what_stands_is_listed_with_what_is_left_of_it_until_it_is_forgotten_and_counts_stay() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    server.order(&json!({ "on": "append", "status": 500, "times": 3 }));
    server.order(&json!([
        { "on": "records", "skip": 2, "refuse": true },
        { "on": "subscribe", "chat": "d", "stallAfterBytes": 7, "pings": true, "times": null },
    ]));
    assert_eq!(append(&chat), 500);
    assert_eq!(records(&chat), 200);
    let report = || server.admin("GET", "/admin/faults").fetch().json();
    assert_eq!(
        report(),
        json!({
            "standing": [
                { "on": "append", "status": 500, "skip": 0, "times": 2 },
                { "on": "records", "refuse": true, "skip": 1, "times": 1 },
                { "on": "subscribe", "chat": "d", "stallAfterBytes": 7, "pings": true,
                  "skip": 0, "times": null },
            ],
            "injected": { "status": 1 },
        })
    );
    assert_eq!(server.admin("DELETE", "/admin/faults").fetch().body, r#"{"ok":true}"#);
    assert_eq!(report(), json!({ "standing": [], "injected": { "status": 1 } }));
    assert_eq!(append(&chat), 200);
}

#[test]
fn a_fault_meets_one_request_unless_it_says_how_many() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    server.order(&json!({ "on": "append", "status": 500 }));
    assert_eq!([append(&chat), append(&chat)], [500, 200]);
    server.order(&json!({ "on": "append", "status": 500, "times": 2, "skip": 1 }));
    let statuses: Vec<_> = (0..4).map(|_| append(&chat)).collect();
    assert_eq!(statuses, [200, 500, 500, 200]);
    server.order(&json!({ "on": "append", "status": 500, "times": null }));
    let statuses: Vec<_> = (0..4).map(|_| append(&chat)).collect();
    assert_eq!(statuses, [500; 4]);
}

#[test]
fn a_request_meets_the_first_that_fits_and_what_that_lets_pass_goes_on_to_the_next() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    server.order(&json!([
        { "on": "append", "status": 500, "skip": 1 },
        { "on": "append", "status": 501 },
        { "on": "append", "status": 502 },
    ]));
    server.order(&json!({ "on": "append", "status": 503 }));
    let statuses: Vec<_> = (0..5).map(|_| append(&chat)).collect();
    assert_eq!(statuses, [501, 500, 502, 503, 200]);
}

#[test]
fn a_fault_meets_what_it_is_on_and_the_chat_it_names_by_either_id() {
    let server = Server::start();
    let (mine, yours) = (server.chat("mine/é", "echo"), server.chat("yours", "echo"));
    server.order(&json!({ "on": "append", "chat": "mine/é", "status": 500, "times": null }));
    assert_eq!([append(&yours), append(&mine), records(&mine)], [200, 500, 200]);
    assert_eq!(mine.window("").status, 200);
    let own = server.create(&crate::support::new_session("mine/é", "echo")).json();
    let path = format!("/realtime/v1/sessions/{}/in/append", own["id"].as_str().expect("an id"));
    assert_eq!(server.post(&path).bearer(KEY).send(STOP).status, 500);
}

#[test]
fn an_order_that_is_none_is_refused_with_the_reason_and_nothing_is_added() {
    let server = Server::start();
    for (order, words) in [
        (json!(null), "object"),
        (json!({}), "`on` is missing"),
        (json!({ "on": "close", "refuse": true }), "`on`: unknown variant `close`"),
        (json!({ "on": "append" }), "does nothing"),
        (json!({ "on": "append", "refuse": true, "delayMs": 1 }), "`refuse` and `delayMs` are two"),
        (json!({ "on": "append", "refuse": false }), "`refuse`: it can only be true"),
        (json!({ "on": "append", "refuse": 1 }), "`refuse`: invalid type"),
        (json!({ "on": "append", "refuse": true, "chat": 7 }), "`chat`: invalid type"),
        (json!({ "on": "append", "refuse": true, "skip": -1 }), "`skip`: invalid value"),
        (json!({ "on": "append", "refuse": true, "times": 0 }), "`times` is 0"),
        (json!({ "on": "append", "refuse": true, "times": 1.5 }), "`times`: invalid"),
        (json!({ "on": "append", "refuse": true, "tmies": 2 }), "`tmies` means nothing"),
        (json!({ "on": "append", "refuse": true, "body": "x" }), "`body` means nothing"),
        (json!({ "on": "append", "delayMs": "1s" }), "`delayMs`: invalid type"),
        (json!({ "on": "append", "status": 99 }), "`status`: it must be 200 to 599"),
        (json!({ "on": "append", "status": 1000 }), "`status`: it must be 200 to 599"),
        (json!({ "on": "append", "status": 429, "headers": { "a b": "c" } }), "`a b` is no header"),
        (json!({ "on": "append", "status": 429, "headers": { "a": 1 } }), "`a` is no header"),
        (json!({ "on": "append", "status": 429, "body": {} }), "`body`: invalid type"),
        (
            json!({ "on": "append", "cutAfterBytes": 1 }),
            "`cutAfterBytes` cannot be had on \"append\"",
        ),
        (json!({ "on": "subscribe", "loseAnswer": true }), "`loseAnswer` cannot be had on"),
        (json!({ "on": "subscribe", "repeat": true }), "`repeat` cannot be had on"),
        (json!({ "on": "write", "status": 500 }), "`status` cannot be had on"),
        (json!({ "on": "subscribe", "cutAfterBytes": null }), "`cutAfterBytes`: invalid type"),
        (
            json!({ "on": "subscribe", "stallAfterBytes": 1, "pings": "no" }),
            "`pings`: invalid type",
        ),
        (json!({ "on": "subscribe", "rewind": -2 }), "`rewind`: invalid value"),
        (
            json!([{ "on": "append", "refuse": true }, { "on": "append" }]),
            "fault 2: it does nothing",
        ),
    ] {
        let answer = server.admin("POST", "/admin/faults").send(&order.to_string());
        assert_eq!(answer.status, 400, "{order}");
        answer.is_refused_with(400, words);
    }
    server.admin("POST", "/admin/faults").send("{").is_refused_with(400, "EOF");
    assert_eq!(server.admin("GET", "/admin/faults").fetch().json()["standing"], json!([]));
}

const STOP: &str = r#"{"kind":"stop"}"#;

/// The status of an append that needs no answer of the agent.
fn append(chat: &Chat<'_>) -> u16 {
    let stop: Value = serde_json::from_str(STOP).expect("JSON");
    chat.append(&stop).status.as_u16()
}

fn records(chat: &Chat<'_>) -> u16 {
    chat.server.get(&chat.path("in/records")).bearer(&chat.token).fetch().status.as_u16()
}
