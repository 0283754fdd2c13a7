//! Instances that share a log are one server.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::log::Log;
use crate::reader::{
    Reader, assert_one_turn, commands, eventually, paced, part_ids, undisturbed, words,
};
use crate::support::{Answer, Chat, Server, header, new_session, said, shape};

fn fast() -> Value {
    json!({ "paceMs": 0 })
}

#[test]
fn a_chat_goes_on_through_the_other_instance_and_tokens_are_good_at_both() {
    let log = Log::start();
    let (one, other) = (log.instance(), log.instance());
    let here = one.chat("c", "echo");
    let there = other.chat_with("c", here.token.clone());
    let first = here.ask("first", fast());
    let second = there.ask("second", fast());
    assert_eq!((said(&first), said(&second)), ("first".to_owned(), "second".to_owned()));

    // The tokens of a turn's end, and of a session that is there already.
    for (records, server) in [(&first, &other), (&second, &one)] {
        let token = records.last().and_then(|end| header(end, "public-access-token"));
        let chat = server.chat_with("c", token.expect("a token").to_owned());
        assert_eq!(said(&chat.ask("again", fast())), "again");
    }
    let answer = other.create(&new_session("c", "echo")).json();
    assert_eq!(answer["isCached"], true);
    let token = answer["publicAccessToken"].as_str().expect("a token").to_owned();
    assert_eq!(said(&one.chat_with("c", token).ask("once more", fast())), "once more");
}

#[test]
fn a_part_id_given_to_both_at_the_same_moment_makes_one_record() {
    const ROUNDS: u64 = 100;
    let log = Log::start();
    let (one, other) = (log.instance(), log.instance());
    let here = one.chat("c", "echo");
    let there = other.chat_with("c", here.token.clone());
    let start = Barrier::new(2);
    let append = |chat: &Chat<'_>, part_id: &str| -> Answer {
        let call = chat.server.post(&chat.path("in/append")).bearer(&chat.token);
        let call = call.header("X-Part-Id", part_id);
        start.wait();
        call.send(r#"{"kind":"stop"}"#)
    };
    for round in 0..ROUNDS {
        let part_id = format!("p-{round}");
        let answers = thread::scope(|scope| {
            let handle = scope.spawn(|| append(&here, &part_id));
            [append(&there, &part_id), handle.join().expect("an answer")]
        });
        let mut bodies = answers.map(|answer| answer.body);
        bodies.sort();
        assert_eq!(
            bodies,
            [format!(r#"{{"ok":true,"seq":{round}}}"#), r#"{"ok":true}"#.to_owned()]
        );
    }
    let expected: Vec<_> = (0..ROUNDS).map(|round| format!("p-{round}")).collect();
    assert_eq!((part_ids(&here), part_ids(&there)), (expected.clone(), expected));
}

#[test]
fn a_stop_through_the_other_instance_ends_the_turn() {
    let log = Log::start();
    let one = log.instance();
    let here = one.chat("c", "echo");
    let seq = here.say(&paced(&words(5000), json!({}), 20));
    let mut reader = Reader::default();
    reader.read_more(&here, 10);
    let other = log.instance();
    let there = other.chat_with("c", here.token.clone());
    let stop = there.say(&json!({ "kind": "stop" }));
    assert_eq!((seq, stop), (0, 1));
    reader.read_turn(&there);
    let cut_short = ["start", "start-step", "text-start", "text-delta", "text-end", "abort"];
    assert_eq!(shape(&reader.records), cut_short);
    assert!(words(5000).starts_with(&said(&reader.records)));
    // By the instance that writes it: nobody had to take the turn from it.
    assert_eq!(commands(&reader.records, "fence"), 0);
    assert_eq!(said(&there.ask("on we go", fast())), "on we go");
}

#[test]
fn a_message_that_waits_is_answered_once_however_many_instances_hear_of_it() {
    let log = Log::start();
    let instances = [log.instance(), log.instance(), log.instance()];
    let here = instances[0].chat("c", "echo");
    let mut last = 0;
    for turn in 0..6 {
        let through = instances[turn % 3].chat_with("c", here.token.clone());
        last = through.say(&paced(&format!("{turn} {}", words(20)), json!({}), 5));
    }
    let mut reader = Reader::default();
    assert_eq!(last, 5);
    let turns = reader.turns(&here, 6);
    assert_eq!(turns.len(), 6);
    for (turn, records) in turns.iter().enumerate() {
        let text = format!("{turn} {}", words(20));
        assert_one_turn(records, &undisturbed("echo", &text, json!({})));
    }
}

#[test]
fn tokens_that_one_instance_expires_are_refused_by_the_other_before_long() {
    let log = Log::start();
    let (one, other) = (log.instance(), log.instance());
    let old = one.chat("c", "echo").token;
    assert_eq!(other.chat_with("c", old.clone()).window("").status, 200);
    let answer = one.admin("POST", "/admin/expire-tokens").send("");
    assert_eq!(answer.body, r#"{"ok":true}"#);
    let status = |server: &Server, token: &str| {
        server.chat_with("c", token.to_owned()).append(&json!({ "kind": "stop" })).status.as_u16()
    };
    assert_eq!(status(&one, &old), 401);
    eventually("the refusal", || (status(&other, &old) == 401).then_some(()));
    let created = other.create(&new_session("c", "echo")).json();
    let fresh = created["publicAccessToken"].as_str().expect("a token");
    assert_eq!((status(&one, fresh), status(&other, fresh)), (200, 200));
    // Who starts now knows it from the start.
    let late = log.instance();
    assert_eq!((status(&late, &old), status(&late, fresh)), (401, 200));
}
