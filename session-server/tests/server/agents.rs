//! What the built-in agents answer.

use std::slice;

use serde_json::{Value, json};

use crate::support::{Server, chunk, consumed, header, said, said_in, shape, submit};

fn fast() -> Value {
    json!({ "paceMs": 0 })
}

fn trigger(trigger: &str) -> Value {
    json!({ "kind": "message", "payload": { "chatId": "c", "trigger": trigger } })
}

#[test]
fn echo_says_exactly_what_was_said() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    for text in [
        "plain words",
        "  two  spaces\tand\r\nlines \n",
        "é 日本語 🎉 👩‍👩‍👧 \u{2028}\u{feff} \"quoted\" \\ </script> \0",
        "",
        "one-very-long-word-without-any-space",
    ] {
        let records = chat.ask(text, fast());
        assert_eq!(said(&records), text);
        let end = records.last().expect("its end");
        assert!(header(end, "public-access-token").is_some_and(|token| token.contains('.')));
    }
}

#[test]
fn half_a_surrogate_pair_is_no_stumbling_block() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let body = submit("x@y", fast()).to_string().replace('@', r"\ud83d");
    let append = server.post(&chat.path("in/append")).bearer(&chat.token);
    assert_eq!(append.send(&body).json()["seq"], 0);
    assert_eq!(said(&chat.read_turn("", 0)), "x\u{fffd}y");
}

#[test]
fn part_ids_are_never_used_twice() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let mut records = chat.ask("one two three", fast());
    records.extend(chat.ask("one two three", fast()));
    let mut ids: Vec<_> = records
        .iter()
        .filter_map(|record| serde_json::from_str::<Value>(record["body"].as_str()?).ok())
        .filter_map(|body| Some(body["id"].as_str()?.to_owned()))
        .collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), all), (18, 18));
}

#[test]
fn a_story_is_as_long_as_was_asked_and_always_the_same() {
    let server = Server::start();
    let ask = |chat: &str, text: &str, metadata: Value| {
        said(&server.chat(chat, "story").ask(text, metadata))
    };
    let words = |text: &str| {
        text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count()
    };
    let by_metadata = ask("a", "a story", json!({ "words": 120, "paceMs": 0 }));
    let by_text = ask("b", "120 words, 0 ms", json!(null));
    assert_eq!(words(&by_metadata), 120);
    assert_eq!(by_metadata, by_text);
    assert_eq!(words(&ask("c", "a story", fast())), 300);
}

#[test]
fn an_ask_out_of_bounds_is_an_error_chunk_that_says_so() {
    let server = Server::start();
    let chat = server.chat("c", "story");
    for (metadata, words) in [
        (json!({ "words": 0 }), "words must be 1 to 20000"),
        (json!({ "words": 1e9 }), "whole number"),
        (json!({ "words": "many" }), "whole number"),
        (json!({ "paceMs": 10_001 }), "pace in ms must be 0 to 10000"),
    ] {
        let records = chat.ask("tell", metadata);
        assert_eq!(shape(&records), ["start", "error"]);
        let error = records.iter().filter_map(chunk).find(|chunk| chunk["type"] == "error");
        let text = error.expect("an error")["errorText"].to_string();
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn reasoning_thinks_about_the_words_and_then_answers() {
    let server = Server::start();
    let ask =
        |chat: &str| server.chat(chat, "reasoning").ask("Is the old lighthouse still lit?", fast());
    let records = ask("a");
    assert_eq!(
        shape(&records),
        [
            "start",
            "start-step",
            "reasoning-start",
            "reasoning-delta",
            "reasoning-end",
            "text-start",
            "text-delta",
            "text-end",
            "finish-step",
            "finish"
        ]
    );
    let thought = said_in(&records, "reasoning-delta");
    assert!(thought.contains("6 words") && thought.contains("“lighthouse”"), "{thought}");
    let answer = said_in(&records, "text-delta");
    assert!(answer.contains("**lit**"), "{answer}");
    let again = ask("b");
    assert_eq!(
        (said_in(&again, "reasoning-delta"), said_in(&again, "text-delta")),
        (thought, answer)
    );
}

#[test]
fn a_stop_in_the_middle_of_the_reasoning_closes_it() {
    let server = Server::start();
    let chat = server.chat("c", "reasoning");
    chat.say(&submit("one two three", json!({ "paceMs": 1000 })));
    chat.read_until("", |record| chunk(record).is_some_and(|c| c["type"] == "reasoning-delta"));
    let stop = chat.say(&json!({ "kind": "stop" }));
    assert_eq!(
        shape(&chat.read_turn("", stop)),
        ["start", "start-step", "reasoning-start", "reasoning-delta", "reasoning-end", "abort"]
    );
}

#[test]
fn a_message_during_a_turn_waits_and_becomes_the_next_turn() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let first = chat.say(&submit(&"first ".repeat(30), json!({ "paceMs": 10 })));
    chat.say(&submit(&"second ".repeat(1000), json!({ "paceMs": 20 })));
    let records = chat.read_until("", |record| said(slice::from_ref(record)) == "second ");
    assert_eq!(said(&records), format!("{}second ", "first ".repeat(30)));
    let ends: Vec<_> = records.iter().filter_map(consumed).collect();
    assert_eq!(ends, [first]);
    let starts: Vec<_> =
        records.iter().filter_map(chunk).filter(|chunk| chunk["type"] == "start").collect();
    assert_eq!(starts.len(), 2);
    assert_ne!(starts[0]["messageId"], starts[1]["messageId"]);
}

#[test]
fn a_stop_ends_the_running_turn_and_nothing_else() {
    let server = Server::start();
    let chat = server.chat("c", "story");
    let endless = submit("5000 words at 20 ms", json!(null));
    let stop = json!({ "kind": "stop" });
    let cut_short = ["start", "start-step", "text-start", "text-delta", "text-end", "abort"];

    let first = chat.say(&endless);
    chat.read_until("", |record| record["seq_num"] == 6);
    let second = chat.say(&endless);
    let taken = chat.say(&stop);
    let stopped = chat.read_turn("", first);
    assert_eq!(shape(&stopped), cut_short);
    // The stop is consumed, but the number is held below the message that waits.
    assert_eq!(stopped.last().and_then(consumed), Some(first));
    let highest = stopped.last().and_then(|end| header(end, "session-in-consumed-id"));
    assert_eq!(highest, Some(taken.to_string().as_str()));

    let end = stopped.last().expect("its end")["seq_num"].to_string();
    chat.read_until(&end, |record| chunk(record).is_some_and(|c| c["type"] == "text-delta"));
    let stop = chat.say(&stop);
    let stopped = chat.read_turn(&end, second);
    assert_eq!(shape(&stopped), cut_short);
    assert_eq!(stopped.last().and_then(consumed), Some(stop));
}

#[test]
fn a_stop_with_nothing_running_does_not_stop_what_comes_later() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    chat.say(&json!({ "kind": "stop" }));
    assert_eq!(said(&chat.ask("still here", fast())), "still here");
}

#[test]
fn a_regenerated_answer_answers_the_last_message_of_the_user() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    chat.ask("first", fast());
    let end = chat.ask("second", fast()).last().expect("its end")["seq_num"].to_string();
    let seq = chat.say(&trigger("regenerate-message"));
    let again = chat.read_turn(&end, seq);
    assert_eq!(said(&again), "second");
    assert_eq!(shape(&again)[0], "start");
}

#[test]
fn the_answer_tells_which_model_was_picked_where_one_was() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let start = |metadata: Value| chat.ask("hi", metadata).iter().find_map(chunk).expect("a chunk");
    let picked = start(json!({ "paceMs": 0, "model": "big" }));
    assert_eq!(picked["messageMetadata"], json!({ "model": "big" }));
    assert_eq!(start(fast()).get("messageMetadata"), None);
}

#[test]
fn an_agent_that_stumbles_has_said_something_and_ends_its_turn_with_the_error() {
    let server = Server::start();
    let chat = server.chat("c", "stumble");
    let records = chat.ask("go", fast());
    let shape = shape(&records);
    assert_eq!(shape, ["start", "start-step", "text-start", "text-delta", "text-end", "error"]);
    let error = records.iter().filter_map(chunk).next_back().expect("a chunk");
    assert!(error["errorText"].to_string().contains("stumbled"), "{error}");
    // And the chat goes on.
    assert_eq!(crate::support::shape(&chat.ask("again", fast())), shape);
}
