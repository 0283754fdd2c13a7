//! Reading `.out`.

use std::io::BufRead;

use serde_json::{Value, json};

use crate::support::{Server, all_records, header, shape, submit};

fn fast() -> Value {
    json!({ "paceMs": 0 })
}

/// The first words of each line: what the framing is made of.
fn framing(stream: &str) -> Vec<&str> {
    stream
        .lines()
        .map(|line| match line.split_once(": ") {
            Some(("data", "[DONE]")) => "[DONE]",
            Some(("event", _)) => line,
            Some((field, _)) => field,
            None => line,
        })
        .collect()
}

#[test]
fn the_stream_is_framed_as_a_real_server_frames_it() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    chat.ask("one two", fast());
    let answer = chat.window("");
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(answer.header("x-stream-version"), "v2");
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(answer.header("x-accel-buffering"), "no");
    assert_eq!(answer.header("x-session-settled"), "");
    assert_eq!(answer.header("access-control-expose-headers"), "*");

    let capture = include_str!("../../../tests/fixtures/s2/turn-1-whole.sse");
    assert_eq!(framing(&answer.body), framing(capture));
    assert!(answer.body.ends_with("\n\ndata: [DONE]\n\n"));

    let records = all_records(&answer.body);
    assert_eq!(
        shape(&records),
        ["start", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish"]
    );
    let triple = format!("\nid: 8,{},", records.len());
    assert!(answer.body.contains(&triple), "no {triple} in {}", answer.body);
    for (seq, record) in records.iter().enumerate() {
        assert_eq!(record["seq_num"], seq);
        assert!(record["timestamp"].is_i64());
        let keys: Vec<_> = record.as_object().expect("a record").keys().collect();
        let is_control = header(record, "trigger-control").is_some();
        let rest = if is_control { "headers" } else { "body" };
        assert_eq!(keys, [rest, "seq_num", "timestamp"]);
    }
    assert!(answer.body.contains(r#"{"seq_num":0,"timestamp":"#));
    assert!(answer.body.contains(r#""body":"{\"data\":{\"type\":\"start\","#));
    assert!(answer.body.contains(r#""headers":[["trigger-control","turn-complete"],["#));
    assert!(answer.body.contains(r#"\"},\"id\":\"part-0\"}""#));
}

#[test]
fn a_new_session_long_polls_with_a_ping_until_its_window_ends() {
    let server = Server::start();
    let answer = server.chat("c", "echo").window("");
    assert_eq!(answer.status, 200);
    assert_eq!(framing(&answer.body), ["event: ping", "data", "", "[DONE]", ""]);
    assert!(answer.body.contains(r#","tail":{"seq_num":0,"timestamp":0}}"#));
}

#[test]
fn records_come_while_the_window_is_open() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let mut stream = chat.out().open().lines();
    assert_eq!(stream.next().and_then(Result::ok).as_deref(), Some("event: ping"));
    chat.say(&submit("live", fast()));
    let data = stream.map_while(Result::ok).find(|line| line.contains("live"));
    assert!(data.is_some());
}

#[test]
fn a_reader_resumes_after_its_cursor_and_starts_over_without_one() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    chat.ask("one two", fast());
    let first = |cursor: &str| {
        let records = all_records(&chat.drained(cursor).body);
        records.first().map(|record| record["seq_num"].clone())
    };
    assert_eq!(first("5"), Some(json!(6)));
    assert_eq!(first("0"), Some(json!(1)));
    for no_cursor in ["9,9,100", "", "-1", "x", "1.0", "+1", "99999999999999999999"] {
        assert_eq!(first(no_cursor), Some(json!(0)), "{no_cursor:?}");
    }
    assert_eq!(first("8"), None);
    assert_eq!(first("4000"), None);
}

#[test]
fn a_reader_beyond_the_end_gets_what_comes_next() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let mut stream = chat.out().header("Last-Event-ID", "4000").open().lines();
    assert_eq!(stream.next().and_then(Result::ok).as_deref(), Some("event: ping"));
    chat.say(&submit("live", fast()));
    assert!(stream.map_while(Result::ok).any(|line| line.contains("live")));
}

#[test]
fn a_long_catch_up_comes_in_batches_of_a_thousand() {
    let server = Server::start();
    let chat = server.chat("c", "story");
    let records = chat.ask("2500 words", fast());
    let answer = chat.window("");
    let sizes: Vec<_> = answer
        .body
        .lines()
        .map(|line| crate::support::batch_records(line).len())
        .filter(|size| *size > 0)
        .collect();
    assert_eq!(sizes[..2], [1000, 1000]);
    assert_eq!(sizes.iter().sum::<usize>(), records.len());
    let ids: Vec<_> = answer.body.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert!(ids[0].starts_with("999,1000,"), "{ids:?}");
    assert!(ids[1].starts_with("1999,2000,"), "{ids:?}");
}

#[test]
fn a_peek_at_a_settled_session_drains_it_and_ends_at_once() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    chat.ask("one", fast());
    // The second turn leaves a trim behind its turn-complete, which the peek looks past.
    chat.ask("two", fast());
    let answer = chat.drained("");
    assert_eq!(answer.header("x-session-settled"), "true");
    assert_eq!(framing(&answer.body), ["event: batch", "id", "data", "", "[DONE]", ""]);
    assert!(shape(&all_records(&answer.body)).contains(&"finish".to_owned()));
}

#[test]
fn a_peek_at_a_session_that_is_not_settled_is_a_long_poll() {
    let server = Server::start();
    let chat = server.chat("c", "story");
    let peek = || chat.out().header("X-Peek-Settled", "1").header("Timeout-Seconds", "1");
    assert_eq!(peek().fetch().header("x-session-settled"), "");
    chat.say(&submit("1000 words at 50 ms", json!(null)));
    chat.read_until("", |record| record["seq_num"] == 3);
    let answer = peek().fetch();
    assert_eq!(answer.header("x-session-settled"), "");
    assert!(answer.body.contains("event: ping"));
}

#[test]
fn each_turn_trims_the_channel_to_the_turn_complete_before() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let end = |records: Vec<Value>| records.last().expect("its end")["seq_num"].clone();
    let first = end(chat.ask("one", fast()));
    assert_eq!(all_records(&chat.drained("").body)[0]["seq_num"], 0);

    let second = end(chat.ask("two", fast()));
    let answer = chat.drained("");
    let records = all_records(&answer.body);
    assert_eq!(records[0]["seq_num"], first);
    assert_eq!(header(&records[0], "trigger-control"), Some("turn-complete"));
    let trim = records.last().expect("its end");
    assert_eq!(trim["headers"], json!([["", "trim"]]));
    assert_eq!(trim["body"], "\0\0\0\0\0\0\0\u{7}");
    assert_eq!(first, 7);

    let third = end(chat.ask("three", fast()));
    let clamped = all_records(&chat.drained("0").body);
    assert_eq!(clamped[0]["seq_num"], second);
    let from_one_turn_back = all_records(&chat.drained(&second.to_string()).body);
    assert_eq!(
        from_one_turn_back[1]["body"].as_str().map(|body| body.contains("start")),
        Some(true)
    );
    assert!(third.as_u64() > second.as_u64());
}

#[test]
fn a_subscribe_that_is_no_subscribe_is_refused() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let plain = || server.get(&chat.path("out")).bearer(&chat.token);
    plain().fetch().is_refused_with(406, "text/event-stream");
    plain().header("Accept", "application/json").fetch().is_refused_with(406, "text/event-stream");
    for window in ["0", "601", "soon", "-1"] {
        let call = chat.out().header("Timeout-Seconds", window);
        call.fetch().is_refused_with(400, "Timeout-Seconds");
    }
}
