//! Event streams that do not end as they should.

use std::io::{BufRead, Read};

use serde_json::{Value, json};

use crate::support::{Chat, Server, submit};

/// The stream of a settled chat as it is when nothing is ordered.
fn whole(chat: &Chat<'_>) -> Vec<u8> {
    chat.drained("").body.into_bytes()
}

/// The stream of a settled chat when this is ordered, and whether it ends as it should.
fn bent(chat: &Chat<'_>, fault: &Value) -> (Vec<u8>, bool) {
    chat.server.order(fault);
    chat.out().header("X-Peek-Settled", "1").read_to_the_last()
}

#[test]
fn a_body_breaks_off_after_so_many_bytes_inside_a_character_too() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    chat.ask("é", json!({ "paceMs": 0 }));
    let whole = whole(&chat);
    let inside = whole.iter().position(|byte| *byte == 0xC3).expect("its first byte") + 1;
    for bytes in [0, 1, inside, whole.len() - 1, whole.len()] {
        let (came, ended) = bent(&chat, &json!({ "on": "subscribe", "cutAfterBytes": bytes }));
        assert!(!ended, "{bytes}");
        assert_eq!(came, whole[..bytes]);
    }
    let (came, ended) =
        bent(&chat, &json!({ "on": "subscribe", "cutAfterBytes": whole.len() + 1 }));
    assert_eq!((came, ended), (whole, true));
}

#[test]
fn a_body_ends_cleanly_after_so_many_bytes() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    chat.ask("one", json!({ "paceMs": 0 }));
    let whole = whole(&chat);
    for bytes in [0, 1, 100, whole.len() - 14] {
        let (came, ended) = bent(&chat, &json!({ "on": "subscribe", "endAfterBytes": bytes }));
        assert!(ended, "{bytes}");
        assert_eq!(came, whole[..bytes]);
    }
}

#[test]
fn an_error_comes_at_the_boundary_of_an_event_and_ends_the_body() {
    let server = Server::start();
    let chat = server.chat("c", "story");
    chat.ask("2500 words", json!({ "paceMs": 0 }));
    let whole = String::from_utf8(whole(&chat)).expect("text");
    let first = whole.find("\n\n").expect("its end") + 2;
    let second = first + whole[first..].find("\n\n").expect("its end") + 2;
    for (bytes, end) in [(0, 0), (1, first), (first, first), (first + 1, second)] {
        let (came, ended) = bent(&chat, &json!({ "on": "subscribe", "errorAfterBytes": bytes }));
        assert!(ended, "{bytes}");
        let came = String::from_utf8(came).expect("text");
        let error = "event: error\ndata: an error on order\n\n";
        assert!(came == format!("{}{error}", &whole[..end]), "{bytes}: {} bytes", came.len());
    }
}

#[test]
fn a_stalled_body_says_nothing_more_though_its_window_ends() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    chat.ask("one", json!({ "paceMs": 0 }));
    let whole = whole(&chat);
    server.order(&json!({ "on": "subscribe", "stallAfterBytes": 50 }));
    let mut stalled = chat.out().header("Timeout-Seconds", "1").open();
    let mut came = [0; 50];
    stalled.read_exact(&mut came).expect("fifty bytes");
    assert_eq!(came, whole[..50]);

    // Something more could be said, and a window that was opened later has ended.
    chat.say(&submit("two", json!({ "paceMs": 0 })));
    assert!(chat.window("").body.ends_with("data: [DONE]\n\n"));
    server.admin("POST", "/admin/restart").fetch();
    let mut rest = Vec::new();
    assert!(stalled.read_to_end(&mut rest).is_err());
    assert_eq!(String::from_utf8_lossy(&rest), "");
}

#[test]
fn a_stalled_body_may_go_on_with_pings_alone() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    chat.ask("one", json!({ "paceMs": 0 }));
    server.order(&json!({ "on": "subscribe", "stallAfterBytes": 0, "pings": true }));
    let stream = chat.out().header("Timeout-Seconds", "1").open();
    chat.ask("two", json!({ "paceMs": 0 }));
    let lines: Vec<_> = stream.lines().take(3).map_while(Result::ok).collect();
    assert_eq!((lines[0].as_str(), lines[2].as_str()), ("event: ping", ""));
    assert!(lines[1].contains(r#""tail":{"seq_num":17,"#), "{lines:?}");
}

#[test]
fn a_refused_subscribe_keeps_its_refusal_whole() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    server.order(&json!({ "on": "subscribe", "cutAfterBytes": 3 }));
    let call = server.get(&chat.path("out")).header("Accept", "text/event-stream");
    call.fetch().is_refused_with(401, "missing");
}
