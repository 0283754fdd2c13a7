//! The proxy that knows its callers by a cookie.

use std::io::BufRead;

use serde_json::{Value, json};

use crate::support::{Answer, Call, Server, all_records, said, submit};

/// Signs in, and gives what a browser would send from then on.
fn sign_in(server: &Server) -> String {
    let answer = server.post("/proxy/sign-in").send("");
    assert_eq!(answer.status, 204);
    let (cookie, rest) = answer.header("set-cookie").split_once("; ").expect("attributes");
    assert_eq!(rest, "Path=/proxy; HttpOnly; SameSite=Lax");
    cookie.to_owned()
}

fn proxied(path: &str) -> String {
    format!("/proxy/realtime/v1/sessions/c/{path}")
}

fn out(server: &Server, cookie: &str, query: &str) -> Call {
    let call = server.get(&proxied(&format!("out?{query}"))).header("Cookie", cookie);
    call.header("Accept", "text/event-stream")
}

fn say(server: &Server, cookie: &str, text: &str) -> Answer {
    let call = server.post(&proxied("in/append")).header("Cookie", cookie);
    call.send(&submit(text, json!({ "paceMs": 0 })).to_string())
}

fn code(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), answer.json()["error"].clone())
}

#[test]
fn a_cookie_is_all_that_a_conversation_needs() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let cookie = sign_in(&server);
    let others = format!("theme=dark; {cookie}; x=y");
    let seq = say(&server, &others, "hello there").json()["seq"].as_u64().expect("a seq");
    chat.read_turn("", seq);

    let answer = out(&server, &others, "timeoutSeconds=1").fetch();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(answer.header("x-stream-version"), "", "it would be seen by no EventSource");
    assert!(answer.body.starts_with("event: batch\n"));
    let records = all_records(&answer.body);
    assert_eq!(said(&records), "hello there");

    let after = out(&server, &cookie, "timeoutSeconds=1&lastEventId=2").fetch();
    assert_eq!(all_records(&after.body), records[3..]);

    let landed = server.get(&proxied("in/records?afterEventId=0")).header("Cookie", &cookie);
    assert_eq!(landed.fetch().json()["records"], json!([]));
}

#[test]
fn a_settled_stream_is_told_by_an_event() {
    let server = Server::start();
    server.chat("c", "echo").ask("hello", json!({ "paceMs": 0 }));
    let cookie = sign_in(&server);
    let settled = out(&server, &cookie, "peekSettled=1").fetch();
    assert_eq!(settled.header("x-session-settled"), "");
    assert!(settled.body.starts_with("event: settled\ndata: true\n\nevent: batch\n"));
    assert!(settled.body.ends_with("data: [DONE]\n\n"));

    let unasked = out(&server, &cookie, "timeoutSeconds=1").fetch();
    assert!(!unasked.body.contains("settled"));
}

#[test]
fn without_a_good_cookie_nothing_is_passed_on() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let bare = server.get(&proxied("out")).fetch();
    assert_eq!(code(&bare), (401, json!("the cookie is missing: sign in at `/proxy/sign-in`")));
    // Neither key nor token opens the proxy, nor is a session's token good as a cookie.
    for call in [
        server.get(&proxied("out")).bearer(crate::support::KEY),
        server.get(&proxied("out")).bearer(&chat.token),
        out(&server, "session-server=nonsense", ""),
        out(&server, &format!("session-server={}", chat.token), ""),
    ] {
        assert_eq!(call.fetch().status, 401);
    }

    let cookie = sign_in(&server);
    assert_eq!(say(&server, &cookie, "hello").status, 200);
    server.admin("POST", "/admin/expire-tokens").send("");
    assert_eq!(code(&say(&server, &cookie, "hello")).0, 401);
    assert_eq!(out(&server, &cookie, "").fetch().status, 401);
    let cookie = sign_in(&server);
    assert_eq!(say(&server, &cookie, "hello").status, 200);
    // Nor is a cookie's token good for the service itself.
    let token = cookie.split_once('=').expect("a value").1;
    assert_eq!(server.chat_with("c", token.to_owned()).append(&json!({})).status, 403);
}

#[test]
fn faults_meet_what_comes_by_the_proxy() {
    let server = Server::start();
    server.chat("c", "echo");
    let cookie = sign_in(&server);
    server.order(&json!([
        { "on": "append", "chat": "c", "status": 503 },
        { "on": "subscribe", "chat": "c", "errorAfterBytes": 0 },
    ]));
    assert_eq!(say(&server, &cookie, "hello").status, 503);
    let stream = out(&server, &cookie, "timeoutSeconds=60").open();
    let lines: Vec<_> = stream.lines().map_while(Result::ok).collect();
    assert_eq!(lines.first().map(String::as_str), Some("event: error"));
}

#[test]
fn a_page_of_another_port_may_send_its_cookie() {
    let server = Server::start();
    let origin = "http://127.0.0.1:1";
    let preflight = server
        .call("OPTIONS", &proxied("in/append"))
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "x-part-id")
        .fetch();
    let refused = server.get(&proxied("out")).header("Origin", origin).fetch();
    assert_eq!((preflight.status.as_u16(), refused.status.as_u16()), (200, 401));
    assert_eq!(preflight.header("access-control-allow-headers"), "x-part-id");
    for answer in [preflight, refused] {
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
    }
}
