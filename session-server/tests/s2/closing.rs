//! A session is closed once, through whichever instance.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::log::{Log, pause, wake};
use crate::reader::{Reader, commands, eventually, paced, session_id, words};
use crate::support::{Chat, KEY, Server, all_records, header, said};

/// Closes a session; returns the reason that it says.
fn close(server: &Server, id: &str, reason: &str) -> Option<String> {
    let call = server.post(&format!("/api/v1/sessions/{id}/close")).bearer(KEY);
    let answer = call.send(&json!({ "reason": reason }).to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["closedReason"].as_str().map(str::to_owned)
}

fn is_closed(record: &Value) -> bool {
    header(record, "trigger-control") == Some("session-closed")
}

/// Checks that a session takes nothing any more, and says so.
fn assert_refuses(chat: &Chat<'_>) {
    let answer = chat.append(&json!({ "kind": "stop" }));
    answer.is_refused_with(409, "closed");
    assert_eq!(answer.json()["code"], "session_closed");
}

#[test]
fn a_close_through_the_other_instance_ends_the_turn_and_both_refuse() {
    let log = Log::start();
    let one = log.instance();
    let here = one.chat("c", "echo");
    here.say(&paced(&words(5000), json!({}), 20));
    let mut reader = Reader::default();
    reader.read_more(&here, 10);
    let other = log.instance();
    let there = other.chat_with("c", here.token.clone());
    close(&other, "c", "user-ended");
    assert_refuses(&there);
    assert_refuses(&here);
    reader.read_until(&here, is_closed);
    let last = reader.records.iter().find(|record| is_closed(record)).expect("the last word");
    assert_eq!(header(last, "session-closed-reason"), Some("user-ended"));
    assert!(words(5000).starts_with(&said(&reader.records)));

    // The first reason stays, and nothing is said twice.
    for server in [&one, &other] {
        assert_eq!(close(server, "c", "too late").as_deref(), Some("user-ended"));
        let records = all_records(&server.chat_with("c", here.token.clone()).window("").body);
        assert_eq!(records.iter().filter(|record| is_closed(record)).count(), 1);
        assert!(records[..records.len() - 1].iter().any(is_closed), "what is behind it is a fence");
        assert_eq!(commands(&records, "fence"), 1);
    }
}

#[test]
fn a_session_that_both_close_at_the_same_moment_says_so_once() {
    let log = Log::start();
    let (one, other) = (log.instance(), log.instance());
    let start = Barrier::new(2);
    for round in 0..20 {
        let id = format!("c-{round}");
        let here = one.chat(&id, "echo");
        // In every other round the turn is being written.
        if round % 2 == 0 {
            here.say(&paced(&words(5000), json!({}), 20));
            Reader::default().read_more(&here, 3);
        }
        let race = |server: &Server, reason: &str| {
            start.wait();
            close(server, &id, reason)
        };
        let [first, second] = thread::scope(|scope| {
            let first = scope.spawn(|| race(&one, "one"));
            let second = race(&other, "other");
            [first.join().expect("a reason"), second]
        });
        assert_eq!(first, second);
        let there = other.chat_with(&id, here.token.clone());
        assert_refuses(&here);
        assert_refuses(&there);
        let records = all_records(&there.window("").body);
        let ends: Vec<_> = records.iter().filter(|record| is_closed(record)).collect();
        assert_eq!(ends.len(), 1, "{records:?}");
        assert_eq!(header(ends[0], "session-closed-reason"), first.as_deref());
    }
}

#[test]
fn a_close_while_its_writer_stands_still_holds_when_it_is_woken() {
    let log = Log::start();
    let one = log.instance();
    let here = one.chat("c", "echo");
    here.say(&paced(&words(5000), json!({}), 20));
    let mut reader = Reader::default();
    reader.read_more(&here, 10);
    pause(&one);
    let other = log.instance();
    close(&other, "c", "user-ended");
    let there = other.chat_with("c", here.token.clone());
    reader.read_until(&there, is_closed);
    wake(&one);
    assert_refuses(&here);
    eventually("the last record of a closed session", || {
        let records = all_records(&here.window("").body);
        let end = records.iter().position(is_closed)?;
        (end + 2 == records.len()).then_some(())
    });
}

#[test]
fn a_session_whose_agent_was_killed_right_after_it_had_ended_it_stays_closed() {
    let log = Log::start();
    let one = log.instance();
    let here = one.chat("c", "echo");
    let token = here.token.clone();
    let id = session_id(&here);
    here.say(&paced(&words(100), json!({}), 20));
    let mut reader = Reader::default();
    reader.read_more(&here, 10);
    drop(one);

    // The last records of a turn that closes the session.
    let records = json!([
        { "headers": [
            ["trigger-control", "turn-complete"],
            ["public-access-token", token],
            ["session-in-event-id", "0"],
            ["session-in-consumed-id", "0"],
            ["session-closed", "true"],
            ["session-closed-reason", "agent-ended"],
        ] },
        { "headers": [
            ["trigger-control", "session-closed"],
            ["session-closed-reason", "agent-ended"],
        ] },
        { "headers": [["", "fence"]], "body": "closed" },
    ]);
    log.push(&format!("session/{id}/out"), &records);

    let other = log.instance();
    let there = other.chat_with("c", token);
    reader.read_until(&there, is_closed);
    eventually("the refusal", || {
        let answer = there.append(&json!({ "kind": "stop" }));
        (answer.status == 409).then_some(())
    });
    assert_refuses(&there);
    assert_eq!(close(&other, "c", "too late").as_deref(), Some("agent-ended"));
    let records = all_records(&there.window("").body);
    assert_eq!(records[..reader.records.len()], reader.records);
    assert_eq!(records.iter().filter(|record| is_closed(record)).count(), 1);
    assert_eq!(commands(&records, "fence"), 1);
}
